"""Small documents for tests of the Elasticsearch store, and a client to look at what it made of them."""

from elasticsearch import Elasticsearch

from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument, identifier
from fundstelle.indexing.store import PassageStore


def analysed(
    text: str, source: str, language: str = "en", page: int | None = None, content_hash: str = "1"
) -> AnalysedDocument:
    """A document of one passage."""
    document_id = identifier(source)
    document = SourceDocument(document_id, text, source, source, language=language, content_hash=content_hash)
    passage = Passage(
        identifier(document_id, 0), document_id, text, start=0, source=source, language=language, page=page
    )
    return AnalysedDocument(document, [passage], [index_terms(text, language)], [""])


def fill(store: PassageStore, *documents: AnalysedDocument) -> None:
    """Write and commit."""
    store.write(documents)
    store.commit()


def client_of(address: str) -> tuple[Elasticsearch, str]:
    """A client of the server and the index name in a store address."""
    url, _, index = address.replace("elasticsearch", "http", 1).rpartition("/")
    return Elasticsearch(url), index
