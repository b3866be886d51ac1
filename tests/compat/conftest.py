"""Readers of tests/reader, and the one seed reader that the recorded answers are from."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

HERE = Path(__file__).resolve()
_spec = spec_from_file_location("reader_fixtures", HERE.parents[1] / "reader" / "conftest.py")
assert _spec is not None and _spec.loader is not None
_fixtures = module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
tiny_bert, scripted, xlmr_like, bert_like = (
    getattr(_fixtures, name) for name in ("tiny_bert", "scripted", "xlmr_like", "bert_like")
)
