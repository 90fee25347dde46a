"""The sources of a collection as one tree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.corpus.walk import Listing
from coderank.errors import INDEX, PathNotFoundError, SourceUnavailableError
from coderank.indexing.tree import Content, FolderTree
from coderank.types import Skip, SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from coderank.collections import config
    from coderank.indexing.tree import Tree
    from coderank.types import Chunk, FileEntry


@dataclass(frozen=True, slots=True)
class Source:
    """One tree among several."""

    name: str
    tree: Tree
    place: Path | None
    """The folder that its paths begin at; None where they are not those of files."""


class GatheredTree:
    """Several trees side by side: paths begin with the name of their source, unless there is but one."""

    def __init__(self, name: str, sources: Sequence[Source]) -> None:
        """Take the collection's name and its sources, whose names differ."""
        self._collection = name
        self._by_prefix = {f"{source.name}/" if len(sources) > 1 else "": source for source in sources}

    @property
    def name(self) -> str:
        """What messages call the collection."""
        return f"the collection {self._collection}"

    @property
    def is_there(self) -> bool:
        """Whether there is a source."""
        return bool(self._by_prefix)

    def places(self) -> list[tuple[str, Path]]:
        """Give, of each source that has files, what its paths begin with and the folder that holds them."""
        return [(prefix, source.place) for prefix, source in self._by_prefix.items() if source.place is not None]

    def refresh(self) -> None:
        """Fetch every source that is a copy. Raises SourceUnavailableError."""
        for source in self._by_prefix.values():
            source.tree.refresh()

    def entries(self, on_progress: Callable[[int], None] | None = None) -> Listing:
        """List all sources. Raises SourceUnavailableError where one is not there: nothing of it is forgotten."""
        files: list[FileEntry] = []
        skips: list[Skip] = []
        for prefix, source in self._by_prefix.items():
            listing = self._listed(source, _counting_from(len(files), on_progress))
            files += (replace(entry, path=prefix + entry.path) for entry in listing.files)
            skips += (replace(skip, path=prefix + skip.path) for skip in listing.skips)
        return Listing(tuple(sorted(files)), tuple(sorted(skips)))

    def read(self, entry: FileEntry) -> Content | Skip:
        """Read an entry of its source."""
        known = self._find(entry.path)
        if known is None:
            return Skip(entry.path, SkipReason.UNREADABLE, "it is of no source")
        prefix, source = known
        found = source.tree.read(replace(entry, path=entry.path[len(prefix) :]))
        if isinstance(found, Skip):
            return replace(found, path=entry.path)
        return Content(found.digest, lambda: _under(prefix, found.cut()))

    def text(self, path: str) -> str | Skip | None:
        """Give the text of an entry of its source; None where there is no such source, or no more."""
        known = self._find(path)
        if known is None:
            return None
        prefix, source = known
        found = source.tree.text(path[len(prefix) :])
        return replace(found, path=path) if isinstance(found, Skip) else found

    def tell_folders(self, tell: Callable[[str], None]) -> bool:
        """Let the listing of every source tell of its folders, and return whether these are all that it is of."""
        told = [source.tree.tell_folders(tell) for source in self._by_prefix.values()]
        return all(told)

    def inside(self, path: str) -> str:
        """Spell a path as the tree does: that of a file on disk, or one of the tree already."""
        for prefix, source in self._by_prefix.items():
            start = f"{source.place}/"
            if source.place is not None and path.startswith(start):
                return prefix + path.removeprefix(start)
        return path

    def root_of(self, path: str) -> str:
        """Return the folder that joins with a path of the tree to a file that can be opened; "" where there is none."""
        known = self._find(path)
        if known is None:
            return ""
        prefix, source = known
        if source.place is None or not prefix:
            return str(source.place or "")
        return str(source.place.parent) if source.place.name == source.name else ""

    def _find(self, path: str) -> tuple[str, Source] | None:
        """Find the source of a path; an index may still hold paths of one that was taken out of the description."""
        for prefix in (path[: path.find("/") + 1], ""):
            if prefix in self._by_prefix:
                return prefix, self._by_prefix[prefix]
        return None

    def _listed(self, source: Source, on_progress: Callable[[int], None] | None) -> Listing:
        try:
            return source.tree.entries(on_progress)
        except PathNotFoundError as error:
            raise SourceUnavailableError(
                f"The source {source.name!r} of {self.name} is not there: {error.message}",
                "Put it back, or take it out of the collection",
            ) from error
        except SourceUnavailableError as error:
            error.remedy = error.remedy.replace(INDEX, f"--collection {self._collection}")
            raise


class ChosenTree:
    """Those entries of a tree that globs choose."""

    def __init__(self, tree: Tree, include: Sequence[str], exclude: Sequence[str]) -> None:
        """Take globs as in a .gitignore, on paths of the tree."""
        from pathspec import GitIgnoreSpec  # noqa: PLC0415 - most sources are taken whole

        self._tree = tree
        self._include = GitIgnoreSpec.from_lines(include) if include else None
        self._exclude = GitIgnoreSpec.from_lines(exclude)
        self.name = tree.name
        self.refresh = tree.refresh
        self.read = tree.read
        self.text = tree.text
        self.tell_folders = tree.tell_folders
        self.is_there = tree.is_there

    def entries(self, on_progress: Callable[[int], None] | None = None) -> Listing:
        """List what is chosen."""
        listing = self._tree.entries(on_progress)
        return Listing(
            tuple(entry for entry in listing.files if self._chooses(entry.path)),
            tuple(skip for skip in listing.skips if self._chooses(skip.path)),
        )

    def _chooses(self, path: str) -> bool:
        if self._include is not None and not self._include.match_file(path):
            return False
        return not self._exclude.match_file(path)


def gathered(collection: config.Collection, cache: Path, leave_out: Collection[Path]) -> GatheredTree:
    """Put together the sources of a collection; ``leave_out`` are coderank's own folders, ``cache`` is one of them.

    Nothing is fetched or read.
    """
    return GatheredTree(collection.name, [_source(source, cache, leave_out) for source in collection.sources])


def _source(source: config.Source, cache: Path, leave_out: Collection[Path]) -> Source:
    tree: Tree
    place: Path | None = Path(source.place)
    if source.kind == "git":
        from coderank.collections.clone import Clone  # noqa: PLC0415 - most sources are no copies
        from coderank.indexing.repository import RepositoryTree  # noqa: PLC0415

        clone = Clone(cache / "git", source.git, source.ref, source.name)
        tree, place = RepositoryTree(clone), clone.place
    elif source.kind == "jsonl":
        from coderank.indexing.ready import ReadyTree  # noqa: PLC0415 - most sources are cut here

        tree, place = ReadyTree(Path(source.place), cache), None
    elif source.kind == "documents":
        from coderank.indexing.documents import DocumentTree  # noqa: PLC0415 - most sources are code

        tree = DocumentTree(Path(source.place), leave_out)
    else:
        tree = FolderTree(Path(source.place), leave_out)
    if place is not None and place.is_file():
        place = place.parent  # paths of a single file are its name
    if source.include or source.exclude:
        tree = ChosenTree(tree, source.include, source.exclude)
    return Source(source.name, tree, place)


def _under(prefix: str, chunks: list[Chunk]) -> list[Chunk]:
    return [replace(chunk, path=prefix + chunk.path) for chunk in chunks] if prefix else chunks


def _counting_from(found: int, on_progress: Callable[[int], None] | None) -> Callable[[int], None] | None:
    return None if on_progress is None else lambda more: on_progress(found + more)
