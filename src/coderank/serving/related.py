"""Code like that of a file, from the one index of several that has it: the path says so, or it is in no other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from coderank.errors import InvalidQueryError, LineNotFoundError, PathNotFoundError
from coderank.serving import asking
from coderank.serving.targets import inside_of
from coderank.types import SearchResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.engine import Engine
    from coderank.serving.follow import Call, Freshness
    from coderank.serving.kept import Kept


@dataclass(frozen=True, slots=True)
class Related:
    """What the index answered that has the file."""

    kept: Kept
    answer: SearchResult
    freshness: Freshness


def related(all_kept: Sequence[Kept], path: str, line: int, limit: int, call: Call) -> Related:
    """Ask the index that the path begins with, the nearest of several; else the only one that has it.

    Raises what `asking.ask` raises, and:
        PathNotFoundError: no index has the file, or the file has no such line.
        InvalidQueryError: several have it, and the path does not say which is meant.
    """
    named = {kept.target.name: kept.target.names(path) for kept in all_kept}
    near = sorted((kept for kept in all_kept if named[kept.target.name]), key=lambda kept: -named[kept.target.name])
    others = [kept for kept in all_kept if kept not in near]
    missing: list[PathNotFoundError] = []
    for group in filter(None, (near, others)):
        replies = asking.ask(group, partial(_asked, path, line, limit), call, is_empty=_is_missing)
        having = [reply for reply in replies if isinstance(reply.answer, SearchResult | LineNotFoundError)]
        if len(having) > 1 and group is others:
            raise _ambiguous(path, having)
        for reply in having:
            if isinstance(reply.answer, SearchResult):
                return Related(reply.kept, reply.answer, reply.freshness)
            if isinstance(reply.answer, LineNotFoundError):
                raise reply.answer
        missing += [reply.answer for reply in replies if isinstance(reply.answer, PathNotFoundError)]
    raise missing[0] if missing else PathNotFoundError(f"The index has no {path}", "Name a file as a search does")


def _asked(path: str, line: int, limit: int, engine: Engine) -> SearchResult | PathNotFoundError:
    """Ask for a path below the beginning that it has; where there is none, it only looks as if it had that."""
    inside = path if engine.collection else inside_of(engine.label, str(engine.root), path)
    found = _answered(inside, line, limit, engine)
    if inside == path or not isinstance(found, PathNotFoundError) or isinstance(found, LineNotFoundError):
        return found
    again = _answered(path, line, limit, engine)
    return found if isinstance(again, PathNotFoundError) and not isinstance(again, LineNotFoundError) else again


def _answered(path: str, line: int, limit: int, engine: Engine) -> SearchResult | PathNotFoundError:
    try:
        return engine.related(path, line, limit=limit)
    except PathNotFoundError as error:
        return error


def _is_missing(found: SearchResult | PathNotFoundError) -> bool:
    return isinstance(found, PathNotFoundError)


def _ambiguous(path: str, having: Sequence[asking.Reply[SearchResult | PathNotFoundError]]) -> InvalidQueryError:
    targets = [reply.kept.target for reply in having]
    names = ", ".join(target.name for target in targets)
    whole = " or ".join(f"{target.places[0]}/{path}" for target in targets if target.places)
    return InvalidQueryError(f"Several have {path}: {names}", f"Give a collection, or the path as in a hit: {whole}")
