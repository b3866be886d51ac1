"""Both stores and Haystack's Elasticsearch store on the same passages, in one run: loading, size, latency, recall.

    pip install elasticsearch-haystack==7.1.0
    python benchmarks/stores.py train1.json texts.jsonl [--passages 100000] [--questions 200] [--url http://...]

The files are in SQuAD's format, and their paragraphs are the passages; or JSON Lines of `{"text"}`, cut into passages
as `fundstelle index` does it, which nothing asks for. Without --url a server is started for the run.
Loading is from text in memory to searchable; the time of our own analysis, which `fundstelle index` does in
worker processes, is in it, and told apart. Haystack's store is loaded as `write_documents` does it by default
(every request waits for a refresh) and with refresh=False.
"""

import argparse
import contextlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any
from uuid import uuid4

from elasticsearch import Elasticsearch
from haystack import Document
from haystack.document_stores.types import DuplicatePolicy
from haystack_integrations.components.retrievers.elasticsearch import ElasticsearchBM25Retriever
from haystack_integrations.document_stores.elasticsearch import document_store as peer
from machine import describe

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument, identifier
from fundstelle.indexing.languages import detect
from fundstelle.indexing.passages import split
from fundstelle.indexing.tokens import TokenCounter
from fundstelle.reader import bundle

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "servers"))
from cluster import Cluster

TOP_K = 20
CLIENTS = 16
Search = Callable[[str], list[str]]


class Client(Elasticsearch):
    """The official client for a server without `GET /`, which Haystack's store asks when it opens."""

    def info(self, **_: Any) -> Any:
        return self.nodes.info()


peer.Elasticsearch = Client


@dataclass
class Figures:
    """One row of the table."""

    name: str
    load_seconds: float = 0.0
    analysis_seconds: float = 0.0
    size: int = 0
    alone: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)
    together_seconds: float = 0.0
    found: list[list[str]] = field(default_factory=list)


def paragraphs(paths: Sequence[Path], wanted: int) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Texts by id, at most `wanted`, and (question, id of its paragraph)."""
    texts: dict[str, str] = {}
    questions = []
    for path in paths:
        for text, asked in plain(path) if path.suffix == ".jsonl" else squad(path):
            name = identifier(text)
            if name in texts or len(texts) < wanted:
                texts[name] = text
                questions += [(question, name) for question in asked]
    return texts, questions


def squad(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Each paragraph of a file in SQuAD's format with its questions."""
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            yield paragraph["context"], [each["question"] for each in paragraph["qas"]]


def plain(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The passages of each text of a JSON Lines file; nobody asks for them."""
    counter = TokenCounter.load(bundle.path() / bundle.TOKENIZER)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        text = json.loads(line)["text"]
        name = f"{path.name} {number}"
        document = SourceDocument(name, text, name, name, language=detect(text[:1000]), content_hash="1")
        yield from ((passage.text, []) for passage in split(document, counter))


def analysed(name: str, text: str) -> AnalysedDocument:
    language = detect(text)
    document = SourceDocument(name, text, name, name, language=language, content_hash="1")
    passage = Passage(name, name, text, 0, name, language)
    return AnalysedDocument(document, [passage], [index_terms(text, language)], [""])


@contextlib.contextmanager
def ours(address: str, texts: dict[str, str], figures: Figures) -> Iterator[Callable[[], Search]]:
    """One of our stores, loaded; gives a searcher for each client."""
    with open_store(address) as store, contextlib.ExitStack() as opened:
        began = time.perf_counter()
        for batch in batches(list(texts.items()), 5000):
            start = time.perf_counter()
            documents = [analysed(*each) for each in batch]
            figures.analysis_seconds += time.perf_counter() - start
            store.write(documents)
        store.commit()
        figures.load_seconds = time.perf_counter() - began

        def searcher() -> Search:
            own = opened.enter_context(open_store(address, read_only=True))
            return lambda question: [hit.passage.id for hit in own.search(question, TOP_K)]

        yield searcher


@contextlib.contextmanager
def haystacks(
    url: str, index: str, texts: dict[str, str], figures: Figures, **options: Any
) -> Iterator[Callable[[], Search]]:
    """Haystack's store, loaded; its retriever as it comes."""
    store = peer.ElasticsearchDocumentStore(hosts=url, index=index)
    began = time.perf_counter()
    for batch in batches(list(texts.items()), 5000):
        documents = [Document(id=name, content=text) for name, text in batch]
        store.write_documents(documents, DuplicatePolicy.OVERWRITE, **options)
    store.client.indices.refresh(index=index)
    figures.load_seconds = time.perf_counter() - began
    retriever = ElasticsearchBM25Retriever(document_store=store, top_k=TOP_K)
    yield lambda: lambda question: [each.id for each in retriever.run(query=question)["documents"]]
    store.close()


def batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def measure(searcher: Callable[[], Search], questions: Sequence[str], figures: Figures) -> None:
    """Latencies of one client, then of many at once; the first questions warm up and do not count."""
    search = searcher()
    for question in questions[:10]:
        search(question)
    figures.alone = [timed(search, question) for question in questions]
    figures.found = [search(question) for question in questions]
    searchers = [searcher() for _ in range(CLIENTS)]
    shares = [questions[number::CLIENTS] for number in range(CLIENTS)]
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        jobs = [
            pool.submit(lambda one, share: [timed(one, each) for each in share], *pair)
            for pair in zip(searchers, shares, strict=True)
        ]
        figures.together = [seconds for job in jobs for seconds in job.result()]
    figures.together_seconds = time.perf_counter() - began


def timed(search: Search, question: str) -> float:
    began = time.perf_counter()
    search(question)
    return time.perf_counter() - began


def index_bytes(url: str, index: str) -> int:
    """Size on disk after merging, as both kinds of index would come to in time."""
    with Elasticsearch(url, request_timeout=600) as client:
        client.indices.forcemerge(index=index, max_num_segments=1)
        return int(client.indices.stats(index=index)["_all"]["total"]["store"]["size_in_bytes"])


def table(rows: Sequence[Figures], texts: dict[str, str], gold: Sequence[str]) -> str:
    """Markdown; milliseconds, megabytes, percent."""
    lines = [
        "| store | load, passages/s | of that analysis, s | written, passages/s | index, MB "
        "| 1 client p50 / p99, ms | 16 clients p50 / p99, ms | questions/s | recall@20, % | same top 20, % |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        writing = len(texts) / (row.load_seconds - row.analysis_seconds)
        cells = [
            row.name,
            f"{len(texts) / row.load_seconds:.0f}",
            f"{row.analysis_seconds:.1f}",
            f"{writing:.0f}",
        ]
        if row.alone:
            recall = 100 * fmean(right in found for right, found in zip(gold, row.found, strict=True))
            same = 100 * fmean(a == b for a, b in zip(row.found, rows[0].found, strict=True))
            rate = len(row.together) / row.together_seconds
            cells += [f"{row.size / 1e6:.0f}", spread(row.alone), spread(row.together), f"{rate:.0f}"]
            cells += [f"{recall:.1f}", f"{same:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(seconds: Sequence[float]) -> str:
    hundredths = quantiles(seconds, n=100)
    return f"{1000 * hundredths[49]:.1f} / {1000 * hundredths[98]:.1f}"


def run(url: str, texts: dict[str, str], questions: Sequence[tuple[str, str]]) -> str:
    asked = [question for question, _ in questions]
    name = f"bench-{uuid4().hex[:8]}"
    address = f"elasticsearch{url.removeprefix('http')}/{name}?replicas=0"
    rows = [
        Figures("embedded"),
        Figures("Elasticsearch"),
        Figures("Haystack's"),
        Figures("Haystack's, no wait"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        with ours(f"{folder}/store", texts, rows[0]) as searcher:
            rows[0].size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
            measure(searcher, asked, rows[0])
        with ours(address, texts, rows[1]) as searcher:
            rows[1].size = index_bytes(url, name)
            measure(searcher, asked, rows[1])
    with haystacks(url, f"{name}-peer", texts, rows[2]) as searcher:
        rows[2].size = index_bytes(url, f"{name}-peer")
        measure(searcher, asked, rows[2])
    with haystacks(url, f"{name}-fast", texts, rows[3], refresh=False):
        pass
    with Elasticsearch(url) as client:
        client.indices.delete(index=[f"{name}-000001", f"{name}-peer", f"{name}-fast"])
    return table(rows, texts, [right for _, right in questions])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("files", nargs="+", type=Path)
    options.add_argument("--passages", type=int, default=100_000)
    options.add_argument("--questions", type=int, default=200)
    options.add_argument("--url")
    options.add_argument("--heap", default="1g")
    chosen = options.parse_args()
    texts, questions = paragraphs(chosen.files, chosen.passages)
    sample = random.Random(1).sample(questions, min(chosen.questions, len(questions)))
    characters = fmean(map(len, texts.values()))
    print(f"{len(texts):,} passages of {characters:.0f} characters, {len(sample)} questions; {describe()}\n")
    if chosen.url:
        print(run(chosen.url, texts, sample))
    else:
        with Cluster(heap=chosen.heap) as cluster:
            print(run(cluster.url, texts, sample))


if __name__ == "__main__":
    main()
