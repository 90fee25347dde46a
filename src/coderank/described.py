"""What the file of collections describes, beside what is indexed of it here. Reads only, and asks no server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.collections.config import load
from coderank.errors import CoderankError, IndexNotFoundError
from coderank.indexing.location import collection_folder
from coderank.loading.choice import embedder
from coderank.store import fingerprint
from coderank.wiring import of_collection

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from coderank.collections.config import Collection
    from coderank.indexing.manifest import Totals
    from coderank.settings import Settings

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Described:
    """One collection."""

    name: str
    model: str
    """That of its index, else the one that the file names."""
    sources: tuple[str, ...]
    store: str
    """EMBEDDED, or the URL of the server."""
    totals: Totals | None
    """None where nothing is indexed here."""
    problem: str = ""
    """What keeps it from being opened, or what differs between the file and the index."""


def overview(settings: Settings) -> list[Described]:
    """Describe every collection of the file, in its order, then indexes of those that it no longer describes.

    Raises ConfigurationError for a file of no use.
    """
    known = load(settings.collections_place())
    return [*(_described(one, settings) for one in known.values()), *_left_over(known, settings)]


def _left_over(known: Container[str], settings: Settings) -> Iterator[Described]:
    file = settings.collections_place()
    for record in sorted((settings.data_dir / "collections").glob(f"*/{fingerprint.FILE_NAME}")):
        try:
            found = fingerprint.read(record.parent)
        except CoderankError:  # not to be read, so not to be told whose it is
            continue
        name = Path(found.root).name
        if name not in known and record.parent == collection_folder(settings.data_dir, file / name):
            problem = f"It is no longer described: `coderank collections delete {name}` deletes its index"
            yield Described(name, found.fingerprint.model, (), EMBEDDED, None, problem)


def _described(one: Collection, settings: Settings) -> Described:
    model, totals, problem = one.embedding_model, None, ""
    store = EMBEDDED if one.store is None else one.store.url or settings.qdrant_url or "a server without a URL"
    if one.is_adopted:
        return Described(one.name, model, (), store, None)
    try:
        opening = of_collection(one.name, settings)
        model = opening.generation.model.name
        if opening.generation.is_met():
            totals = opening.generation.known()
            opening.generation.close()
            problem = difference(one, model, settings)
    except IndexNotFoundError:
        pass
    except CoderankError as error:
        problem = str(error)
    return Described(one.name, model, tuple(source.name for source in one.sources), store, totals, problem)


def difference(one: Collection, model: str, settings: Settings) -> str:
    """Say where an index was built with another model than the file names; it is used as it is."""
    wanted = one.embedding_model
    if wanted == "auto" or embedder(wanted, settings).name == model:
        return ""
    return f"It is indexed with {model}, and described with {wanted}: `coderank migrate {one.name} --model {wanted}`"
