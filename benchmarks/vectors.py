"""What vectors cost: to make them, and to search among many of them in an embedded store.

    python benchmarks/vectors.py [FILE...] [--passages 512] [--rounds 3] [--rows 100000 1000000] [--queries 200]
        [--exact-only]

FILEs in SQuAD's format give the passages of the first part: a whole job (passages read from the store, cut into
windows, encoded, written to disk) against the engine alone on the same windows in the same batches, in turns. Its
goal is 90 % of the engine's rate.

The second part searches stores of made vectors: 384 wide, float16, around one centre for every fifty, so clustered as
texts are, but random. Queries are rows with as much noise again. Once every row is looked at, once the approximate
index is asked, built for any number of rows: milliseconds a query (top 20, with the passages loaded) at the median
and the 99th percentile by the clock and at the median by processor time; recall at 10 against looking at all; memory.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from machine import describe

from fundstelle.encoder.encoder import TOKEN_BUDGET, Encoder
from fundstelle.indexing import vector_nearest
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument, identifier
from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.indexing.store import Vector, VectorSpace
from fundstelle.indexing.vector_jobs import GROUP, READ_AHEAD, add_vectors
from fundstelle.indexing.vector_log import Generation, VectorLog
from fundstelle.reader.batches import plan

WIDTH = 384
PASSAGES_A_DOCUMENT = 100
ROWS_A_CENTRE = 50
WRITTEN_AT_ONCE = 20_000
FILTERS = {"all passages": None, "one in 10": {"tenth": "0"}, "one in 1,000": {"thousandth": "0"}}
"""What of all passages may be found."""


def documents(texts: list[str]) -> Iterator[AnalysedDocument]:
    """Documents of a hundred passages each, without terms: they are searched by vectors alone."""
    for first in range(0, len(texts), PASSAGES_A_DOCUMENT):
        source = str(first)
        passages = [
            Passage(
                identifier(source, place),
                source,
                text,
                place,
                source,
                meta={"tenth": (first + place) % 10, "thousandth": (first + place) % 1000},
            )
            for place, text in enumerate(texts[first : first + PASSAGES_A_DOCUMENT])
        ]
        none = [""] * len(passages)
        yield AnalysedDocument(SourceDocument(source, "", source, source), passages, none, none)


def filled(folder: Path, texts: list[str]) -> EmbeddedStore:
    store = EmbeddedStore.open(folder)
    store.write(documents(texts))
    store.commit()
    return store


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of this process's cores."""
    clock, cores = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - cores


def making(files: list[Path], count: int, rounds: int) -> None:
    """Vectors a second of a job, and of the engine alone on the same batches."""
    texts = [
        paragraph["context"]
        for file in files
        for article in json.loads(file.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
    ]
    texts = list(dict.fromkeys(texts))
    texts = [texts[place] for place in np.random.default_rng(0).permutation(len(texts))[:count]]
    encoder = Encoder.load()
    encoder.passages(texts[:8])  # loaded and warm
    batches = list(same_batches(encoder, texts))
    jobs, engines = [], []
    for _ in range(rounds):
        engines.append(timed(lambda: [encoder.engine.vectors(batch) for batch in batches]))
        with tempfile.TemporaryDirectory() as scratch, filled(Path(scratch) / "store", texts) as store:
            jobs.append(timed(lambda store=store: add_vectors(store, encoder)))  # type: ignore[misc]
    tokens = sum(int(batch.attention_mask.sum()) for batch in batches)
    print(f"{len(texts)} passages, {tokens / len(texts):.0f} tokens each; {encoder.engine.description}")
    for name, runs in (("job", jobs), ("engine alone", engines)):
        clock, cores = (statistics.median(times) for times in zip(*runs, strict=True))
        print(f"  {name:13}{len(texts) / clock:8.1f} vectors/s by the clock{len(texts) / cores:8.1f} a core")
    for place, name in enumerate(("by the clock", "by processor time")):
        ratios = [engine[place] / job[place] for engine, job in zip(engines, jobs, strict=True)]
        print(f"  job / engine alone {name}: {statistics.median(ratios):.1%}")


def same_batches(encoder: Encoder, texts: list[str]) -> Iterator[object]:
    """The batches that a job makes of these texts, up to the order of equal lengths."""
    windows_of = encoder._parts().windows
    for start in range(0, len(texts), READ_AHEAD):
        ahead = sorted(texts[start : start + READ_AHEAD], key=lambda text: -len(text))
        for place in range(0, len(ahead), GROUP):
            windows = windows_of.cut(ahead[place : place + GROUP], encoder.prefix)
            for batch in plan([len(window.ids) for window in windows], TOKEN_BUDGET):
                yield windows_of.collate([windows[number] for number in batch])


def made_rows(count: int, seed: int, centres: Vector) -> Vector:
    """Rows of length 1, each around one of the centres."""
    chance = np.random.default_rng(seed)
    noise = chance.normal(size=(count, WIDTH)).astype(np.float32)
    rows = centres[chance.integers(0, len(centres), count)] + noise
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def searching(count: int, queries: int, exact_only: bool) -> None:
    """Search among `count` rows, exactly and approximately."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "store"
        with filled(folder, [f"passage {number}" for number in range(count)]) as store:
            fill_vectors(store, count)
            log = VectorLog(current(folder))
            asked = np.random.default_rng(2).integers(0, count, queries)
            noise = np.random.default_rng(3).normal(size=(queries, WIDTH)) / np.sqrt(WIDTH)
            wanted = [np.asarray(log.rows[row], np.float32) + noise[n] for n, row in enumerate(asked)]
            wanted = [np.asarray(one / np.linalg.norm(one), np.float32) for one in wanted]
            print(f"{count:,} passages; rows {size(folder, 'rows'):.0f} MB, memory {memory()}")
            vector_nearest.EXACT_ROWS = count
            exact = ask(store, wanted, "every row")
            if exact_only:
                return
            vector_nearest.EXACT_ROWS = 0
            clock, cores = timed(lambda: settle(store))
            built = f"{clock:.0f} s by the clock, {cores:.0f} s of a core"
            print(f"  index built in {built}; {size(folder, 'nearest'):.0f} MB")
            found = ask(store, wanted, "the index")
            shared = [
                len(set(one[:10]) & set(other[:10])) / 10 for one, other in zip(exact, found, strict=True)
            ]
            print(f"  recall at 10 of the index: {statistics.mean(shared):.4f}; memory {memory()}")


def fill_vectors(store: EmbeddedStore, count: int) -> None:
    centres = np.random.default_rng(0).normal(size=(count // ROWS_A_CENTRE, WIDTH)).astype(np.float32)
    store.begin_vectors(VectorSpace("made", "1", WIDTH, ""))
    group: list[Passage] = []
    for seed, passage in enumerate(store.pending_vectors().passages):
        group.append(passage)
        if len(group) == WRITTEN_AT_ONCE:
            store.write_vectors(group, made_rows(len(group), seed, centres))
            group = []
    if group:
        store.write_vectors(group, made_rows(len(group), count, centres))


def settle(store: EmbeddedStore) -> None:
    while store.settle_vectors():
        pass


def ask(store: EmbeddedStore, queries: list[Vector], how: str) -> list[list[str]]:
    """Ask all queries under each filter and print what it took; what was found without a filter."""
    found: list[list[str]] = []
    for share, filters in FILTERS.items():
        store.search_vectors(queries[0], 20, filters)
        times = []
        for query in queries:
            hits: list[object] = []
            times.append(timed(lambda q=query, h=hits: h.extend(store.search_vectors(q, 20, filters))))  # type: ignore[misc] # noqa: B023
            if filters is None:
                found.append([hit.passage.id for hit in hits])  # type: ignore[attr-defined]
        clock, cores = (np.array(values) * 1000 for values in zip(*times, strict=True))
        print(
            f"  {how + ', ' + share:26} p50 {np.median(clock):7.1f}  p99 {np.quantile(clock, 0.99):7.1f} ms; "
            f"{np.median(cores):6.1f} ms of a core"
        )
    return found


def current(folder: Path) -> Generation:
    generation = Generation.current(folder)
    assert generation is not None
    return generation


def size(folder: Path, kind: str) -> float:
    return current(folder).file(kind).stat().st_size / 1e6


def memory() -> str:
    """What the process holds of its own, and of mapped files, which the system may drop."""
    lines = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line
    )
    own, mapped = (int(lines[name].split()[0]) / 1000 for name in ("RssAnon", "RssFile"))
    return f"{own:.0f} MB and {mapped:.0f} MB of mapped files"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE")
    parser.add_argument("--passages", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument(
        "--exact-only", action="store_true", help="build no approximate index, which takes long"
    )
    options = parser.parse_args()
    print(describe())
    if options.files:
        making(options.files, options.passages, options.rounds)
    for rows in options.rows:
        searching(rows, options.queries, options.exact_only)


if __name__ == "__main__":
    main()
