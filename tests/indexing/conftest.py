"""A tokenizer small enough to be made for each run, and addresses of every kind of store."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.store import PassageStore
from fundstelle.indexing.tokens import TokenCounter

NewAddress = Callable[[], str]


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every character but white space is a token, and so are three known words."""
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("สวัสดี|ครับ|ab|."), "isolated")]
    )
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="session")
def counter(tokenizer_file: Path) -> TokenCounter:
    return TokenCounter.load(tokenizer_file)


@pytest.fixture
def embedded_address(tmp_path: Path) -> NewAddress:
    """Folders in which no store has been made yet."""
    names = (str(tmp_path / f"store-{number}") for number in itertools.count())
    return lambda: next(names)


@pytest.fixture(params=["embedded", "elasticsearch"])
def new_address(request: pytest.FixtureRequest) -> NewAddress:
    """Addresses at which there is no store yet, of each kind of store in turn."""
    addresses: NewAddress = request.getfixturevalue(f"{request.param}_address")
    return addresses


@pytest.fixture
def store(new_address: NewAddress) -> Iterator[PassageStore]:
    """An empty store."""
    with open_store(new_address()) as opened:
        yield opened
