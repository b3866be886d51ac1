"""`kill -9` at any moment of an indexing run costs nothing that the next run does not make good."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.indexing.vector_log import Generation, VectorLog
from fundstelle.indexing.vectors import content_of

KILLS = 50
FILES = 24
WORDS = [
    "harbour lighthouse cape fisherman village storm winter rope lantern keeper stone tower",
    "Hafen Leuchtturm Küste Fischer Dorf Sturm Winter Seil Laterne Wärter Stein Turm",
    "гавань маяк мыс рыбак деревня буря зима верёвка фонарь смотритель камень башня",
    "港口 灯塔 海角 渔夫 村庄 风暴 冬天 绳子 灯笼 看守 石头 高塔",
]
QUESTIONS = ["lighthouse keeper", "Wer war der Wärter im Turm?", "маяк на мысе", "灯塔 看守", "revised storm"]

# An encoder whose vectors depend on nothing but the text.
ENCODER = """
from hashlib import blake2b
import numpy as np

class Made:
    name, revision, width, prefix = "made", "1", 64, ""

    def passages(self, texts):
        digests = [blake2b(text.encode(), digest_size=64).digest() for text in texts]
        numbers = np.array([list(digest) for digest in digests], dtype=np.float32) - 127.5
        return numbers / np.linalg.norm(numbers, axis=1, keepdims=True)
"""

# A run that commits and writes vectors as often as it can, and says when it begins and before each step.
RUN = """
import sys
from pathlib import Path
from fundstelle.indexing import jobs, vector_jobs
from fundstelle.indexing.embedded import EmbeddedStore
store, folder, tokenizer = map(Path, sys.argv[1:])
jobs.COMMIT_SECONDS = 0.02
vector_jobs.GROUP = 4

def announced(step):
    def call(*arguments):
        print("step", flush=True)
        return step(*arguments)
    return call

for step in ("write", "commit", "begin_vectors", "write_vectors", "settle_vectors"):
    setattr(EmbeddedStore, step, announced(getattr(EmbeddedStore, step)))
with EmbeddedStore.open(store) as opened:
    print("begun", flush=True)
    jobs.index(
        [folder],
        opened,
        base=folder,
        splitting=jobs.Splitting(tokenizer, 60),
        prune=True,
        workers=1,
        encoder=Made(),
    )
"""


@dataclass(frozen=True, slots=True)
class Run:
    """The command under test, but for the store."""

    folder: Path
    tokenizer: Path

    def begin(self, store: Path) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", ENCODER + RUN, str(store), str(self.folder), str(self.tokenizer)]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        return process

    def complete(self, store: Path) -> tuple[int, float]:
        """Run to the end; the steps it had, and the seconds that one took."""
        with self.begin(store) as process:
            started = time.monotonic()
            steps = process.communicate()[0].count("step\n")
            assert process.returncode == 0
        return steps, (time.monotonic() - started) / steps

    def kill_after(self, store: Path, steps: int, seconds: float) -> None:
        """Kill the run so many seconds after so many steps, by which a busy machine is as good as an idle one."""
        with self.begin(store) as process:
            assert process.stdout is not None
            for _ in islice(process.stdout, steps):
                pass
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)


def write_files(folder: Path, seed: int, numbers: range, note: str = "") -> None:
    """Files of made sentences in several languages; every sixth is a file of several documents."""
    chance = random.Random(seed)
    for number in numbers:
        words = WORDS[number % len(WORDS)].split()
        sentences = [f"{' '.join(chance.choices(words, k=7)).capitalize()}. {note}" for _ in range(12)]
        if number % 6 == 0:
            lines = [f'{{"text": "{sentence.strip()}"}}\n' for sentence in sentences[: 3 + seed]]
            (folder / f"{number}.jsonl").write_text("".join(lines), encoding="utf-8")
        else:
            (folder / f"{number}.txt").write_text(" ".join(sentences), encoding="utf-8")


def state_of(store: Path) -> dict[str, Any]:
    """All that can be seen of a store: records, passages, and what searches find.

    Not the order in which passages are found: what was deleted counts in the statistics of terms until
    segments are merged, which depends on when commits fell.
    """
    with EmbeddedStore.open(store, read_only=True) as opened:
        records = sorted(opened.records(), key=lambda record: record.source)
        found = [sorted(hit.passage.id for hit in opened.search(question, 1000)) for question in QUESTIONS]
        passages = [list(opened.passages(record.id)) for record in records]
        return {
            "records": records,
            "passages": passages,
            "found": found,
            "languages": opened.languages(),
            "vectors": opened.vector_count(),
        }


def check_vectors(store: Path) -> None:
    """Every vector is that of its passage's content, and no content has two."""
    made: dict[str, Any] = {}
    exec(ENCODER, made)
    with EmbeddedStore.open(store, read_only=True) as opened:
        passages = list(opened.passages())
        vectors = made["Made"]().passages([content_of(passage) for passage in passages])
        cosines = [
            opened.cosines(vector, [passage])[0] for vector, passage in zip(vectors, passages, strict=True)
        ]
        assert all(cosine is None or cosine > 0.999 for cosine in cosines)
        assert sum(cosine is not None for cosine in cosines) == opened.vector_count()
    current = Generation.current(store)
    if current is not None:
        keys = VectorLog(current).keys.tolist()
        assert len(set(keys)) == len(keys)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tokenizer_file: Path) -> Run:
    return Run(tmp_path_factory.mktemp("files"), tokenizer_file)


@pytest.fixture(scope="module")
def before(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store of the files as they were; since then some are new, some changed and some gone."""
    store = tmp_path_factory.mktemp("before") / "store"
    write_files(run.folder, 1, range(FILES * 2 // 3))
    run.complete(store)
    write_files(run.folder, 2, range(FILES // 3, FILES), "Revised.")
    for number in (1, 2, 6):
        next(run.folder.glob(f"{number}.*")).unlink()
    yield store


@pytest.mark.timeout(1200)
def test_killed_runs_are_made_good(run: Run, before: Path, tmp_path: Path) -> None:
    """A run killed at any of 50 moments, and the same run again, end where an undisturbed run does.

    In between every document is whole: as it was, or as it is to be; and every vector is that of its passage.
    """
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(before, undisturbed)
    steps, pace = run.complete(undisturbed)
    old, new = state_of(before), state_of(undisturbed)
    versions = old["passages"] + new["passages"]
    chance = random.Random(50)
    partial = encoding = 0
    for kill in range(KILLS):
        store = tmp_path / str(kill)
        shutil.copytree(before, store)
        run.kill_after(store, steps * kill // KILLS, pace * chance.random())
        left = state_of(store)
        assert all(passages in versions for passages in left["passages"])
        check_vectors(store)
        encoding += left["records"] == new["records"] and left["vectors"] < new["vectors"]
        partial += left["records"] not in (old["records"], new["records"])
        run.complete(store)
        assert state_of(store) == new
        check_vectors(store)
        shutil.rmtree(store)
    assert partial and encoding, "no run was killed in the middle of its work: the moments are badly chosen"
    assert new["vectors"] == sum(map(len, new["passages"]))
