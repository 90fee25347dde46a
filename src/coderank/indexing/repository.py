"""The files of somebody's repository, from a copy that is fetched when an index is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.errors import INDEX, SourceUnavailableError
from coderank.indexing.tree import FolderTree

if TYPE_CHECKING:
    from collections.abc import Callable

    from coderank.collections.clone import Clone
    from coderank.corpus.walk import Listing


class RepositoryTree(FolderTree):
    """The copy of a repository as a folder. Only `refresh` asks the network."""

    def __init__(self, clone: Clone) -> None:
        """Take the copy, fetched or not."""
        super().__init__(clone.place)
        self._clone = clone

    def refresh(self) -> None:
        """Fetch the repository's present state. Raises SourceUnavailableError."""
        self._clone.update()

    def entries(self, on_progress: Callable[[int], None] | None = None) -> Listing:
        """Walk the copy. Raises SourceUnavailableError if it was never fetched."""
        if not self._clone.exists:
            raise SourceUnavailableError(
                f"{self._clone.url} was not fetched yet, or its copy is gone", f"Run: coderank index {INDEX}"
            )
        return super().entries(on_progress)
