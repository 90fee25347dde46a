"""The vocabulary every stage speaks. Imports nothing of the package and nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, overload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Vector: TypeAlias = NDArray[np.float32]
    """One dense vector, shape (dimension,), L2-normalised."""
    Matrix: TypeAlias = NDArray[np.float32]
    """Dense vectors, shape (n, dimension), rows L2-normalised."""


class SkipReason(StrEnum):
    """Why a file of the tree is not in the index."""

    BINARY = "binary"
    EMPTY = "empty"
    GENERATED = "generated"
    LOCK_FILE = "lock file"
    MALFORMED = "malformed"
    MINIFIED = "minified"
    OUTSIDE_ROOT = "outside root"
    SECRET = "secret"  # noqa: S105 - the name of a reason, not a password
    TOO_LARGE = "too large"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, order=True)
class FileEntry:
    """One file of the corpus as the directory listing shows it, before it is read."""

    path: str
    """POSIX, relative to the root."""
    size: int
    """Bytes."""
    mtime_ns: int


@dataclass(frozen=True, slots=True, order=True)
class Skip:
    """One file that was left out, and why."""

    path: str
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of one file: the unit that is embedded, retrieved and shown."""

    path: str
    """POSIX, relative to the root."""
    start_line: int
    """1-based, inclusive."""
    end_line: int
    """1-based, inclusive."""
    language: str
    content: str
    symbol: str = ""
    """The enclosing chain of the main definition, outermost first: ``Session.send``."""
    signature: str = ""
    """The first line of the main definition, whitespace folded."""
    defines: tuple[str, ...] = ()
    """Bare names of every definition that starts in this chunk, in source order."""


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Term weights by hashed term; indices are unique and ascending."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A chunk as the store holds it. ``dense`` is filled in later than ``sparse``."""

    id: str
    """A UUID derived from the chunk's content and header."""
    chunk: Chunk
    sparse: SparseVector
    dense: Vector | None = None
    static: Vector | None = None
    """Stands in for ``dense`` until that is there; of another model, and of another length."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A retrieved point: higher score is better."""

    id: str
    chunk: Chunk
    score: float
    fused: float | None = None
    """Its score before the priors, once those are in ``score``."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One result as the user sees it."""

    path: str
    """POSIX, relative to the root."""
    start_line: int
    end_line: int
    language: str
    symbol: str
    score: float
    content: str
    root: str = ""
    """The searched root as the caller named it; joins with ``path`` to a file that can be opened."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a search: what ran, for how long, and on what."""

    name: str
    ms: float
    detail: str = ""


class Tier(StrEnum):
    """Which vectors a search compared with the query's."""

    DENSE = "dense"
    """The model's, of those chunks that have one."""
    STATIC = "static"
    """Those that chunks get while they are read, as most of the model's are not there yet."""
    BOTH = "dense + static"
    """The model's, and the static ones of chunks that have none of the model's yet."""
    NONE = "none"
    """None: words alone were compared."""


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What answered: the model, how many chunks, the share of them that has a dense vector, and which were compared."""

    model: str
    chunks: int
    dense_coverage: float
    """Of the model's vectors, from 0.0 to 1.0."""
    tier: Tier = Tier.NONE


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, with the account of how they were found. Iterates over its hits."""

    query: str
    hits: tuple[Hit, ...]
    stages: tuple[Stage, ...]
    index: IndexInfo

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Hit]: ...
    def __getitem__(self, index: int | slice) -> Hit | Sequence[Hit]:
        return self.hits[index]

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)


@dataclass(frozen=True, slots=True)
class Filters:
    """Restricts a search; an empty field restricts nothing."""

    languages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """Exact POSIX paths. Globs are resolved to paths before they reach the store."""


class IndexPhase(StrEnum):
    """Where an indexing run is."""

    SCAN = "scan"
    READ = "read"
    EMBED = "embed"


@dataclass(frozen=True, slots=True)
class Progress:
    """An event of a running index: ``done`` of ``total`` files (scan, read) or chunks (embed)."""

    phase: IndexPhase
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an indexing run did."""

    files: int
    chunks: int
    changed_files: int
    deleted_files: int
    embedded_chunks: int
    """Vectors computed in this run."""
    reused_vectors: int
    """Vectors taken from the cache: content seen before under another path, branch or worktree."""
    dense_coverage: float
    seconds: float
    skips: tuple[Skip, ...] = field(default=())
    filled: bool = False
    """Whether every chunk that the model takes has its vector: those still missing were refused."""


class SearchMode(StrEnum):
    """Which legs of the retrieval run."""

    HYBRID = "hybrid"
    DENSE = "dense"
    LEXICAL = "lexical"


@dataclass(frozen=True, slots=True)
class Status:
    """What is indexed for a root, and how fresh it is."""

    root: str
    index_dir: str
    model: str
    files: int
    chunks: int
    dense_coverage: float
    languages: tuple[tuple[str, int], ...]
    """(language, chunks), most chunks first."""
    skips: tuple[Skip, ...]
    bytes_on_disk: int
    changed_since: int
    """Files added, changed or deleted on disk since the last sync."""
