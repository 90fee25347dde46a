"""Cuts a ranked list so that equal scores are cut by rule, not by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TIE_MARGIN = 32
"""A leg is asked for this many more than wanted: enough for most ties at the end of its list."""
TIE_GROWTH = 8
"""Where ties go on beyond that, it is asked again for so many times more, until they end."""


class Scored(Protocol):
    """A point that an engine found."""

    @property
    def id(self) -> object: ...  # noqa: D102
    @property
    def score(self) -> float: ...  # noqa: D102


Found = TypeVar("Found", bound=Scored)


def with_whole_ties(points: Sequence[Found], keep: int, ask: Callable[[int], Sequence[Found]]) -> Sequence[Found]:
    """Ask again for more while the ties of the last point to keep may go on beyond the answer."""
    asked = keep + TIE_MARGIN
    while keep and len(points) == asked and points[-1].score == points[keep - 1].score:
        asked *= TIE_GROWTH
        points = ask(asked)
    return points


def best(points: Sequence[Found], keep: int, *, tied_too: bool) -> list[Found]:
    """Take the best points; of those tied with the last, all or the ones with the lowest ids."""
    if keep < 1 or not points:
        return []
    scores = [point.score for point in points]
    worst = scores[min(keep, len(points)) - 1]
    better = [point for point, score in zip(points, scores, strict=True) if score > worst]
    tied = [point for point, score in zip(points, scores, strict=True) if score == worst]
    room = keep - len(better)
    return better + (tied if tied_too or len(tied) <= room else sorted(tied, key=_written_id)[:room])


def _written_id(point: Scored) -> str:
    return str(point.id)
