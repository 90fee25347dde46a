"""The account of an answer: how complete and current the index was, what ran, and what is missing. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from coderank.render import percent, rerank_note
from coderank.types import Tier

if TYPE_CHECKING:
    from coderank.serving.workspace import Answer, State
    from coderank.types import SearchResult

_ROOTS = 3
"""Places of one target that are named where no file matches: a collection may be of hundreds."""
_LANGUAGES = 8
"""Languages that a status lists: an agent wants to know what it is dealing with, not a census."""


def account(answer: Answer, *, gone: int, brief: bool = False) -> dict[str, Any]:
    """Describe an answer as JSON; what is as it should be is left out, but for coverage and currency.

    A ``brief`` one says nothing of what ran either, but for what became of a reranking.
    """
    index = answer.result.index
    behind = [part.freshness.detail for part in answer.parts if not part.freshness.current]
    known: dict[str, Any] = {"current": not behind}
    known |= {} if brief else {"chunks": index.chunks}
    known |= {"dense_coverage": round(index.dense_coverage, 4)}
    known |= {} if brief else {"model": index.model}
    known |= {} if brief and index.tier is Tier.DENSE else {"tier": index.tier.value}
    known |= {"behind": behind} if behind else {}
    ran = [stage for stage in answer.result.stages if stage.name == "rerank" or not brief]
    found: dict[str, Any] = {"index": known}
    found |= {} if brief and not ran else {"stages": [_stage(stage.name, stage.ms, stage.detail) for stage in ran]}
    found |= {"nothing": _no_file(answer)} if _matches_no_file(answer.result) else {}
    return found | ({"gone": gone} if gone else {})


def account_line(answer: Answer, shown: int, cursor: str, *, gone: int) -> str:
    """Say the same in a line or two."""
    result = answer.result
    counted = _no_file(answer) if _matches_no_file(result) else _count(result, shown, cursor)
    lines = [counted, *_troubles(answer, gone)]
    note = rerank_note(result)
    index = result.index
    kind = "vectors" if index.tier not in {Tier.STATIC, Tier.BOTH} else f"vectors of {index.model}"
    coverage = f"{percent(index.dense_coverage)} of {index.chunks:,} chunks have {kind}"
    lines.append("; ".join(part for part in (coverage, _ran(result), note) if part))
    return "\n".join(f"[{line}]" for line in lines if line)


def state_fields(state: State) -> dict[str, Any]:
    """Describe how a target stands as JSON."""
    found: dict[str, Any] = {"name": state.target.name}
    if state.progress is not None:
        progress = state.progress
        found["indexing"] = {"phase": progress.phase.value, "done": progress.done, "total": progress.total}
    if state.failure is not None:
        found["no_vectors_because"] = str(state.failure)
    if state.status is None:
        return found | {"problem": str(state.problem)}
    status = state.status
    return found | {
        "root": status.root,
        "model": status.model,
        "files": status.files,
        "chunks": status.chunks,
        "dense_coverage": round(status.dense_coverage, 4),
        "changed_files": status.changed_since,
        "languages": dict(status.languages[:_LANGUAGES]),
        "left_out": dict(sorted(Counter(skip.reason.value for skip in status.skips).items())),
        "bytes": status.bytes_on_disk,
    }


def state_line(state: State) -> str:
    """Say the same in one line."""
    parts = []
    if state.progress is not None:
        parts.append(f"indexing now, {state.progress.phase.value} {state.progress.done:,} of {state.progress.total:,}")
    if state.status is None:
        parts.append(str(state.problem))
    else:
        status = state.status
        parts += [
            f"{status.files:,} files",
            f"{status.chunks:,} chunks, {percent(status.dense_coverage)} with vectors of {status.model}",
            f"{status.changed_since:,} files changed, which the next search takes in"
            if status.changed_since
            else "current",
        ]
        left_out = Counter(skip.reason.value for skip in status.skips)
        listed = ", ".join(f"{count:,} {reason}" for reason, count in sorted(left_out.items()))
        parts += [f"left out: {listed}"] if listed else []
    if state.failure is not None:
        parts.append(f"no more vectors: {state.failure}")
    return f"{state.target.name}: {'; '.join(parts)}"


def _stage(name: str, ms: float, detail: str) -> dict[str, Any]:
    return {"name": name, "ms": round(ms, 1)} | ({"detail": detail} if detail else {})


def _matches_no_file(result: SearchResult) -> bool:
    return not result.hits and not result.stages


def _no_file(answer: Answer) -> str:
    """Say that nothing was asked, and what the glob that no file matched is relative to."""
    roots = [part.kept.target.places or (part.kept.target.name,) for part in answer.parts]
    named = ", ".join(place for places in roots for place in places[:_ROOTS])
    return f"no indexed file matches path, which is a glob relative to {named}: src/**, *.py"


def _count(result: SearchResult, shown: int, cursor: str) -> str:
    if not result.hits:
        return "no hits"
    count = f"{shown} hit{'' if shown == 1 else 's'}"
    return f"{count}; for more pass cursor {cursor}" if cursor else f"{count}, no more"


def _troubles(answer: Answer, gone: int) -> list[str]:
    found = [f"not current: {part.freshness.detail}" for part in answer.parts if not part.freshness.current]
    if gone:
        found.append(f"{gone} hit{'' if gone == 1 else 's'} left out: the file is gone since")
    found += [f"no more vectors: {part.kept.failure}" for part in answer.parts if part.kept.failure is not None]
    return found


def _ran(result: SearchResult) -> str:
    legs = next((stage.detail for stage in result.stages if stage.name == "retrieve"), "")
    total = sum(stage.ms for stage in result.stages)
    return f"{legs}, {total:.0f} ms" if legs else ""
