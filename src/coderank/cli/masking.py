"""Copies of indexes from which the lines are taken that say the answers: what is compared then can only be found."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from coderank.corpus.header import dense_text, lexical_text
from coderank.embedding.lexical import encode_document
from coderank.errors import DatasetError, IndexNotFoundError
from coderank.evaluation.drawing import masked
from coderank.indexing.generation import Generation
from coderank.indexing.keeping import InFolder
from coderank.indexing.location import MANIFEST_FILES
from coderank.indexing.vector_cache import rounded
from coderank.loading.choice import remembered_embedder
from coderank.migration.journal import FILE_NAME as JOURNAL
from coderank.migration.journal import Journal
from coderank.store import fingerprint
from coderank.store.duplicate import copy_folder
from coderank.store.layout import SHARD
from coderank.store.lease import Lease
from coderank.types import Point

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from coderank.evaluation.golden import Asked, Place
    from coderank.store.fingerprint import IndexRecord
    from coderank.types import Chunk
    from coderank.wiring import Opening

_WAIT_S = 60.0


def hidden_lines(asked: Sequence[Asked]) -> dict[str, list[Place]]:
    """Gather what questions hide, by file."""
    hidden: dict[str, list[Place]] = {}
    for place in (place for one in asked for place in one.hides):
        hidden.setdefault(place.path, []).append(place)
    return hidden


def masked_copy(
    opening: Opening, hidden: Mapping[str, Sequence[Place]], folder: Path, kept: IndexRecord | None = None
) -> int:
    """Copy an index into a new folder, hide lines in the copy, and return how many of its chunks changed.

    ``kept`` says which generation to copy where it is not the one in use.

    Raises:
        DatasetError: the points are not in a folder of this machine, so that they cannot be copied.
        IndexNotFoundError: there is no index.
    """
    if not isinstance(opening.home.keeper, InFolder):
        raise DatasetError(
            f"{opening.label} is on a server, where it cannot be copied to be asked otherwise than as it is",
            "Give questions that hide nothing: --queries FILE",
        )
    _copy(opening.home.folder, folder, kept or fingerprint.read(opening.home.folder))
    generation = moved(opening, folder).generation
    with closing(generation):
        generation.totals()  # refuses one that is not there or has lost points
        changed = _changed(generation, hidden)
        if changed:
            embedder = generation.embedder()
            vectors = rounded(embedder.embed_documents([dense_text(chunk) for chunk in changed.values()]))
            rows = zip(changed.items(), vectors, strict=True)
            generation.store.upsert(
                [Point(id_, chunk, encode_document(lexical_text(chunk)), vector) for (id_, chunk), vector in rows]
            )
        return len(changed)


def _changed(generation: Generation, hidden: Mapping[str, Sequence[Place]]) -> dict[str, Chunk]:
    changed: dict[str, Chunk] = {}
    for path, places in hidden.items():
        before = generation.store.chunks_of([path])
        after = masked(list(before.values()), places)
        changed.update((id_, chunk) for id_, chunk in zip(before, after, strict=True) if chunk != before[id_])
    return changed


def moved(opening: Opening, folder: Path) -> Opening:
    """Give the opening of the same index in another folder, as that folder's record says."""
    record = fingerprint.read(folder)
    home = replace(opening.home, folder=folder)
    model = remembered_embedder(record, home.settings)
    return replace(
        opening,
        home=home,
        generation=Generation(home, model, record.generation, as_cut=record.fingerprint),
        follow=False,
    )


def kept_generation(opening: Opening, which: str) -> IndexRecord:
    """Find what a migration left of an index: its ``old`` points or its ``new`` ones, whichever are in use.

    Raises:
        IndexNotFoundError: the index was never moved, or the old points were dropped.
    """
    journal = Journal(opening.home.folder / JOURNAL).read()
    if journal is None:
        raise IndexNotFoundError(
            f"{opening.label} has no {which} generation: no migration of it is on record", "Compare it as it is"
        )
    folder = opening.home.folder
    kind, place = (journal.old, journal.old_place) if which == "old" else (journal.new, journal.new_place)
    if not (folder / place / MANIFEST_FILES[0]).exists():
        raise IndexNotFoundError(f"The {which} generation of {opening.label} was dropped", "Compare it as it is")
    made_with = fingerprint.Fingerprint(
        format=fingerprint.FORMAT,
        model=kind.model,
        revision=kind.revision,
        dimension=kind.dimension,
        chunker=kind.chunker,
        header=kind.header,
        terms=kind.terms or "1",  # as in a record: the first was not written down
    )
    return fingerprint.IndexRecord(made_with, fingerprint.read(folder).root, place)


def _copy(source: Path, target: Path, record: IndexRecord) -> None:
    """Copy one generation, while no other process has the folder."""
    lease = Lease(source / record.generation)
    lease.acquire(_WAIT_S)
    try:
        target.mkdir(parents=True)
        (target / fingerprint.FILE_NAME).write_bytes(msgspec.json.encode(record))
        if record.generation:
            copy_folder(source / record.generation, target / record.generation)
            return
        for name in MANIFEST_FILES:
            if (source / name).exists():
                shutil.copyfile(source / name, target / name)
        if (source / SHARD).exists():
            copy_folder(source / SHARD, target / SHARD)
    finally:
        lease.release()
