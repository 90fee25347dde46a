"""What an index is of: entries to list and to read one by one. A folder is one, a collection's sources another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from coderank.types import FileEntry, Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from coderank.corpus.texts import Texts
    from coderank.corpus.walk import Listing
    from coderank.types import Chunk


@dataclass(frozen=True, slots=True)
class Content:
    """What an entry holds now."""

    digest: str
    """Equal digests of one path mean equal chunks."""
    cut: Callable[[], list[Chunk]]
    """Gives the chunks, in order; not called where the digest is known."""


class Tree(Protocol):
    """Whatever can be indexed. Reads only, but for `refresh`."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def is_there(self) -> bool:
        """Whether there is anything to compare an index with; else its points came from elsewhere, and are let be."""
        ...

    def refresh(self) -> None:
        """Fetch what the tree is a copy of. Called before an index is asked for, never before a search."""
        ...

    def entries(self, on_progress: Callable[[int], None] | None = None) -> Listing:
        """List everything, each path once, without opening it; ``on_progress`` gets the number found so far."""
        ...

    def read(self, entry: FileEntry) -> Content | Skip:
        """Read one entry of a listing; a Skip says why it is left out."""
        ...

    def text(self, path: str) -> str | Skip | None:
        """Give the text of an entry as it is now, of which its chunks are lines; a Skip if it is not to be read.

        None where a chunk is no run of lines of a file: what was indexed is then all there is to show.
        """
        ...

    def tell_folders(self, tell: Callable[[str], None]) -> bool:
        """Let every listing tell of each folder (an absolute path) before it is read, for whoever watches them.

        Returns whether nothing of the tree can change without a change in one of these.
        """
        ...


class FolderTree:
    """The files below a folder, or a single file."""

    def __init__(self, root: Path, leave_out: Collection[Path] = ()) -> None:
        """Take the root, and folders that are no part of the tree even where they lie in it: coderank's own."""
        self._root = root
        self._leave_out = leave_out
        self._texts: Texts | None = None
        self._on_folder: Callable[[str], None] | None = None

    @property
    def name(self) -> str:
        """The path of the root."""
        return str(self._root)

    @property
    def is_there(self) -> bool:
        """True: a folder that is gone is an error, not an empty tree."""
        return True

    def refresh(self) -> None:
        """Do nothing: the files are the tree."""

    def entries(self, on_progress: Callable[[int], None] | None = None) -> Listing:
        """Walk the folder. Raises PathNotFoundError if it is gone."""
        from coderank.corpus.walk import walk  # noqa: PLC0415 - not needed to search alone

        return walk(self._root, leave_out=self._leave_out, on_progress=on_progress, on_folder=self._on_folder)

    def read(self, entry: FileEntry) -> Content | Skip:
        """Read a file."""
        from coderank.corpus.chunk import chunk  # noqa: PLC0415 - not needed to find that nothing has changed
        from coderank.corpus.read import read  # noqa: PLC0415

        source = read(self._root, entry)
        return source if isinstance(source, Skip) else Content(source.digest, lambda: chunk(entry.path, source.text))

    def text(self, path: str) -> str | Skip | None:
        """Give the text of a file below the folder, with newlines as ``\\n``; nothing outside of it is ever opened."""
        from coderank.corpus.texts import Texts  # noqa: PLC0415 - not needed to search alone

        if self._texts is None:
            self._texts = Texts(self._root)
        return self._texts.of(path)

    def tell_folders(self, tell: Callable[[str], None]) -> bool:
        """Let every listing tell of each folder; a single file is in none of its own."""
        self._on_folder = tell
        return not self._root.is_file()
