"""One ranked answer from the answers of several roots. Pure."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from coderank.retrieval.tier import together
from coderank.types import IndexInfo, SearchResult, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coderank.types import Hit


def merged(results: Sequence[SearchResult], limit: int) -> SearchResult:
    """Join results by (-score, path, start_line, root), add up their stages, and weigh coverage by chunks.

    What two overlapping roots both found is listed once.
    """
    if len(results) == 1:
        return results[0]
    best: dict[tuple[str, int, int], Hit] = {}
    for hit in sorted((hit for result in results for hit in result), key=_order):
        best.setdefault(_place(hit), hit)
    return SearchResult(
        query=results[0].query,
        hits=tuple(best.values())[:limit],
        stages=_stages(stage for result in results for stage in result.stages),
        index=_index([result.index for result in results]),
    )


def _order(hit: Hit) -> tuple[float, str, int, str]:
    return -hit.score, hit.path, hit.start_line, hit.root


def _place(hit: Hit) -> tuple[str, int, int]:
    return posixpath.normpath(posixpath.join(hit.root, hit.path)), hit.start_line, hit.end_line


def _stages(stages: Iterable[Stage]) -> tuple[Stage, ...]:
    together: dict[str, Stage] = {}
    for stage in stages:
        if stage.name in together:
            known = together[stage.name]
            details = dict.fromkeys(detail for detail in (known.detail, stage.detail) if detail)
            together[stage.name] = Stage(stage.name, known.ms + stage.ms, "; ".join(details))
        else:
            together[stage.name] = stage
    return tuple(together.values())


def _index(infos: Sequence[IndexInfo]) -> IndexInfo:
    chunks = sum(info.chunks for info in infos)
    covered = sum(info.dense_coverage * info.chunks for info in infos)
    return IndexInfo(
        model=", ".join(dict.fromkeys(info.model for info in infos)),
        chunks=chunks,
        dense_coverage=covered / chunks if chunks else 1.0,
        tier=together(info.tier for info in infos),
    )
