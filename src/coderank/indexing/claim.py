"""Whether a folder holds the index of one root, built with one model, and how it becomes that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from coderank.corpus.header import CHUNKER_VERSION, HEADER_VERSION
from coderank.embedding.lexical import TERMS_VERSION
from coderank.errors import IndexIncompatibleError
from coderank.indexing.location import MANIFEST_FILES, check_root, recorded
from coderank.store import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coderank.models.catalogue import Model


def fingerprint_of(model: Model) -> fingerprint.Fingerprint:
    """Say what an index is built with that this version builds with a model."""
    return fingerprint.Fingerprint(
        format=fingerprint.FORMAT,
        model=model.name,
        revision=model.space,
        dimension=model.dimension,
        chunker=str(CHUNKER_VERSION),
        header=str(HEADER_VERSION),
        terms=str(TERMS_VERSION),
    )


class Claim:
    """What an index folder must have been built with to be used, and in which generation.

    Every method raises IndexIncompatibleError for an index of another root, model, version, way of cutting or
    generation, and IndexCorruptError for a damaged record or a folder of something else.
    """

    def __init__(
        self,
        folder: Path,
        root: Path,
        model: Model,
        generation: str = "",
        as_cut: fingerprint.Fingerprint | None = None,
    ) -> None:
        """Take what is expected; ``as_cut`` is the record of an index that is only read, however it was cut."""
        self._folder = folder
        self._manifest = folder / generation / MANIFEST_FILES[0]
        self._root = root
        self._generation = generation
        self._expected = fingerprint_of(model)
        if as_cut is not None:
            self._expected = msgspec.structs.replace(self._expected, chunker=as_cut.chunker, header=as_cut.header)

    def fits(self, found: fingerprint.IndexRecord) -> bool:
        """Tell whether a record names what is claimed."""
        return (found.fingerprint, found.generation) == (self._expected, self._generation)

    def check(self, found: fingerprint.IndexRecord | None = None) -> None:
        """Refuse an index that is not as claimed; IndexNotFoundError if there is none."""
        found = found or fingerprint.read(self._folder)
        check_root(self._folder, found, self._root)
        fingerprint.check(found.fingerprint, self._expected, self._root)
        if found.generation != self._generation:
            raise IndexIncompatibleError(
                f"The index of {self._root} was moved to other points meanwhile", "Run the command again"
            )

    def is_met(self) -> bool:
        """Tell whether there is an index, which is checked, with the record of its files."""
        found = recorded(self._folder)
        if found is None:
            return False
        self.check(found)
        return self._manifest.exists()

    def meet(self, before: Callable[[], object]) -> None:
        """Make a folder that is free an index, after ``before``; check any other."""
        found = recorded(self._folder)
        if found is None:
            before()
            fingerprint.write(self._folder, self._expected, self._root, self._generation)
        self.check(found)

    def check_to_write(self) -> None:
        """Refuse likewise before points are written, and note the present format. To be called under a sync's lock."""
        self.check()
        fingerprint.bring_up_to_date(self._folder)

    def renew(self) -> None:
        """Record that the folder is an index as claimed, whatever it was."""
        (self._folder / fingerprint.FILE_NAME).unlink(missing_ok=True)
        fingerprint.write(self._folder, self._expected, self._root, self._generation)
