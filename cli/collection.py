"""`fundstelle show`, `status`, `delete`, `export`: what the collection holds."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fundstelle.cli.app import DEFAULT_STORE, Json, Store, app, fail, reported

if TYPE_CHECKING:
    from fundstelle.indexing.store import PassageStore


@app.command()
def show(
    document_id: Annotated[str, typer.Argument(help="Id of a document, as answers and `status` give it.")],
    store: Store = DEFAULT_STORE,
) -> None:
    """Print a document's text, to the character: the offsets of answers count in it."""
    from fundstelle.indexing.addresses import open_store

    with reported(), open_store(store, create=False, read_only=True) as opened:
        document = opened.document(document_id)
        if document is None:
            fail(f"no document {document_id} in {store}. `fundstelle export` lists the ids.")
        # Bytes, because a text stream might turn line ends into others and shift every offset.
        sys.stdout.buffer.write(document.text.encode("utf-8"))
        if sys.stdout.isatty() and not document.text.endswith("\n"):
            sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()


@app.command()
def status(store: Store = DEFAULT_STORE, as_json: Json = False) -> None:
    """Say how many documents and passages the collection holds, by language, and how many have a vector."""
    from fundstelle.indexing.addresses import open_store

    with reported(), open_store(store, create=False, read_only=True) as opened:
        languages = opened.languages()
        facts: dict[str, Any] = {
            "store": opened.address,
            "documents": sum(1 for _ in opened.records()),
            "passages": sum(languages.values()),
            "languages": dict(sorted(languages.items(), key=lambda item: (-item[1], item[0]))),
            **_vectors(opened),
        }
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False))
    else:
        from fundstelle.cli.display import show_status

        show_status(facts)


def _vectors(store: "PassageStore") -> dict[str, Any]:
    """How many passages have a vector, and whose."""
    space = store.vector_space()
    if space is None:
        return {"vectors": 0, "encoder": None}
    return {"vectors": store.vector_count(), "encoder": {"name": space.encoder, "revision": space.revision}}


@app.command()
def delete(
    document_ids: Annotated[list[str], typer.Argument(help="Ids of the documents to remove.")],
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Remove documents from the collection; the files they came from stay."""
    from fundstelle.indexing.addresses import open_store

    with reported(), open_store(store, create=False) as opened:
        unknown = [name for name in document_ids if opened.record(name) is None]
        if unknown:
            fail(f"not in {store}: {', '.join(unknown)}. Nothing was removed.")
        opened.delete(document_ids)
        opened.commit()
    typer.echo(json.dumps({"removed": document_ids}) if as_json else f"Removed {len(document_ids)}.")


@app.command()
def export(store: Store = DEFAULT_STORE) -> None:
    """Print every document as one line of JSON; `fundstelle index` reads such a file back."""
    from fundstelle.indexing.addresses import open_store

    with reported(), open_store(store, create=False, read_only=True) as opened:
        for record in opened.records():
            document = opened.document(record.id)
            if document is not None:  # removed meanwhile by another process
                line = {
                    "id": record.id,
                    "source": record.source,
                    "title": record.title,
                    "language": record.language,
                    "pages": list(record.pages),
                    "meta": dict(record.meta),
                    "text": document.text,
                }
                sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
