"""A folder of documentation as a tree: files of other kinds are no part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.indexing.tree import Content, FolderTree
from coderank.types import Skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from coderank.corpus.walk import Listing
    from coderank.types import FileEntry


class DocumentTree(FolderTree):
    """The documents below a folder, or a single one."""

    def entries(self, on_progress: Callable[[int], None] | None = None) -> Listing:
        """Walk the folder. Raises PathNotFoundError if it is gone."""
        from coderank.corpus.documents import KINDS  # noqa: PLC0415 - not needed to search alone
        from coderank.corpus.walk import walk  # noqa: PLC0415

        return walk(
            self._root, leave_out=self._leave_out, kinds=KINDS, on_progress=on_progress, on_folder=self._on_folder
        )

    def read(self, entry: FileEntry) -> Content | Skip:
        """Read a document, converted where it is not text."""
        from coderank.corpus.documents import convert, cut, is_converted  # noqa: PLC0415 - as above

        if not is_converted(entry.path):
            return super().read(entry)
        found = convert(self._root, entry)
        return found if isinstance(found, Skip) else Content(found.digest, lambda: cut(entry.path, found.text))

    def text(self, path: str) -> str | Skip | None:
        """Give the text of a document that is text; None for one that was converted."""
        from coderank.corpus.documents import is_converted  # noqa: PLC0415 - as above

        return None if is_converted(path) else super().text(path)
