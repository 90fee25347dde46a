"""What goes over the wire, each message once: what is decoded, encoded and documented are the same types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from coderank.retrieval.limits import MAX_GLOB_CHARS, MAX_QUERY_CHARS
from coderank.serving.spans import Standing  # noqa: TC001 - msgspec resolves the annotations of its structs
from coderank.types import IndexInfo, Stage  # noqa: TC001 - msgspec resolves the annotations of its structs

if TYPE_CHECKING:
    from coderank.serving.spans import Span
    from coderank.serving.workspace import Answer, State

MAX_RESULTS = 100
"""Hits of one answer: more is a dump of the index, and costs the other clients of a server their turn."""
MAX_RESTRICTIONS = 32
"""Languages or globs of one search: more than anybody types."""
MAX_PATH_CHARS = 4096
"""Of a path: what systems allow."""
MAX_NAME_CHARS = 255
"""Of a language or a collection, which may have the name of its folder."""

_Limit = Annotated[int, Meta(ge=1, le=MAX_RESULTS, description="How many hits.")]
_Collection = Annotated[
    str, Meta(max_length=MAX_NAME_CHARS, description="One of those that are served; else every folder.")
]
_Language = Annotated[str, Meta(max_length=MAX_NAME_CHARS)]
_Glob = Annotated[str, Meta(max_length=MAX_GLOB_CHARS)]


class SearchRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question."""

    query: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_QUERY_CHARS,
            pattern=r"\S",
            description="What the code does, or names that occur in it.",
        ),
    ]
    limit: _Limit = 10
    collection: _Collection | None = None
    languages: Annotated[tuple[_Language, ...], Meta(max_length=MAX_RESTRICTIONS, description="Only these.")] = ()
    paths: Annotated[
        tuple[_Glob, ...],
        Meta(max_length=MAX_RESTRICTIONS, description="Only what these .gitignore globs match, relative to a root."),
    ] = ()
    enable_reranking: Annotated[bool, Meta(description="Reorder the best with a larger model.")] = False


class RelatedRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place in the code."""

    path: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_PATH_CHARS,
            description="As a hit names it, relative to its root or with the root before it.",
        ),
    ]
    line: Annotated[int, Meta(ge=1, le=2**31 - 1, description="1-based.")]
    limit: _Limit = 10
    collection: _Collection | None = None


class Freshness(Struct, frozen=True):
    """How an index stood to its files when it answered."""

    collection: str
    current: Annotated[bool, Meta(description="Whether it has everything that was there when the question came in.")]
    detail: Annotated[str, Meta(description="Otherwise: why not.")]


class Result(Struct, frozen=True):
    """A hit, with the lines and the text that its file has now."""

    path: Annotated[str, Meta(description="Relative to the root.")]
    start_line: int
    end_line: int
    language: str
    symbol: str
    score: float
    content: Annotated[str, Meta(description="Empty where it is not found again in its file.")]
    root: Annotated[str, Meta(description="Joins with the path to a file that can be opened.")]
    standing: Annotated[Standing, Meta(description="How this stands to what was indexed.")]

    @classmethod
    def of(cls, span: Span) -> Result:
        """Take the parts of a span that a client gets."""
        hit = span.hit
        return cls(
            path=hit.path,
            start_line=hit.start_line,
            end_line=hit.end_line,
            language=hit.language,
            symbol=hit.symbol,
            score=hit.score,
            content=hit.content,
            root=hit.root,
            standing=span.standing,
        )


class Results(Struct, frozen=True):
    """Hits, best first, and how they were found."""

    query: str
    results: tuple[Result, ...]
    gone: Annotated[int, Meta(description="Hits left out, as their file is gone since.")]
    stages: tuple[Stage, ...]
    index: IndexInfo
    freshness: tuple[Freshness, ...]

    @classmethod
    def of(cls, answer: Answer) -> Results:
        """Take the parts of an answer that a client gets, each hit compared with its file: to be called in a thread."""
        found = answer.result
        spans, gone = answer.checked(found.hits)
        standing = tuple(
            Freshness(part.kept.target.name, part.freshness.current, part.freshness.detail) for part in answer.parts
        )
        return cls(found.query, tuple(map(Result.of, spans)), gone, found.stages, found.index, standing)


class Collection(Struct, frozen=True):
    """Something that can be searched."""

    name: str
    kind: Annotated[str, Meta(description="A folder, or a configured collection.")]
    places: Annotated[tuple[str, ...], Meta(description="Where its files come from.")]


class Collections(Struct, frozen=True):
    """Everything that can be searched here."""

    collections: tuple[Collection, ...]


class Index(Struct, frozen=True):
    """What an index holds."""

    model: str
    files: int
    chunks: int
    dense_coverage: Annotated[float, Meta(description="The share of chunks that have a vector.")]
    changed_since: Annotated[int, Meta(description="Files that the next search takes in.")]
    bytes_on_disk: int
    languages: Annotated[dict[str, int], Meta(description="Chunks by language.")]
    left_out: Annotated[dict[str, int], Meta(description="Files by the reason for which they are not in it.")]


class Running(Struct, frozen=True):
    """How far the indexing that runs now has come."""

    phase: str
    done: int
    total: int


class CollectionState(Struct, frozen=True):
    """How one collection stands."""

    collection: str
    index: Annotated[Index | None, Meta(description="Null where there is a problem.")]
    problem: Annotated[str, Meta(description="Why it cannot be searched, and what to do; else empty.")]
    running: Running | None

    @classmethod
    def of(cls, state: State) -> CollectionState:
        """Take the parts of a state that a client gets."""
        going = state.progress
        running = Running(going.phase.value, going.done, going.total) if going else None
        problem = state.problem or state.failure
        return cls(state.target.name, _index(state), str(problem or ""), running)


class States(Struct, frozen=True):
    """How everything that can be searched stands."""

    collections: tuple[CollectionState, ...]


class CollectionHealth(Struct, frozen=True):
    """What the server knows of one collection without looking."""

    collection: str
    open: bool
    indexing: bool
    chunks: Annotated[int | None, Meta(description="Null before the first look at it.")]
    dense_coverage: float | None


class Health(Struct, frozen=True):
    """Whether the server can answer."""

    ready: Annotated[bool, Meta(description="Whether every folder it serves was indexed once; vectors may be missing.")]
    version: str
    in_flight: Annotated[int, Meta(description="Requests that are answered or wait.")]
    collections: tuple[CollectionHealth, ...]


class Problem(Struct, frozen=True):
    """Why there is no answer (RFC 9457)."""

    title: str
    status: int
    detail: Annotated[str, Meta(description="What failed, with the value.")]
    remedy: Annotated[str, Meta(description="What to do next.")] = ""


def _index(state: State) -> Index | None:
    status = state.status
    if status is None:
        return None
    left_out: dict[str, int] = {}
    for skip in status.skips:
        left_out[skip.reason.value] = left_out.get(skip.reason.value, 0) + 1
    return Index(
        model=status.model,
        files=status.files,
        chunks=status.chunks,
        dense_coverage=status.dense_coverage,
        changed_since=status.changed_since,
        bytes_on_disk=status.bytes_on_disk,
        languages=dict(status.languages),
        left_out=left_out,
    )
