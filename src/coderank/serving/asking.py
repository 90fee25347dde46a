"""One question to several indexes: they get ready and answer at the same time, within one patience."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from coderank.errors import CoderankError, IndexUnusableError, UsageError
from coderank.serving.follow import Call, CancelledError, Freshness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coderank.engine import Engine
    from coderank.serving.kept import Kept

Answer = TypeVar("Answer")

PATIENCE_S = 2.0
"""How long changes may hold up an answer: an agent waits that long for any tool, and a thousand changed files are taken
in within it. Beyond it the indexes answer as they are, and say so."""
FIRST_PATIENCE_S = 15.0
"""How long the first answer may take where there is nothing to answer from yet: clients give up after 30 to 60 seconds,
and the first thousand files are found by their words long before."""
FIRST_STEP_S = 0.5
"""How often it is looked whether there is something by now."""
AT_ONCE = 8
"""Indexes that are asked at one time: those on servers are mostly waited for."""


class NotReadyError(IndexUnusableError):
    """Trees are being indexed for the first time, and nothing of them can be searched yet."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[Answer]):
    """What one index answered."""

    kept: Kept
    answer: Answer | None
    """None while there is no index yet."""
    freshness: Freshness


def ask(
    all_kept: Sequence[Kept],
    question: Callable[[Engine], Answer],
    call: Call,
    *,
    is_empty: Callable[[Answer], bool],
) -> list[Reply[Answer]]:
    """Ask indexes as fresh as patience allows, until one has something to answer from or all have looked.

    ``is_empty`` tells of an answer whether there was nothing to answer from. Of several indexes one that cannot be used
    says so in its freshness.

    Raises:
        CancelledError: the caller gave up.
        NotReadyError: the first syncs have nothing to show yet.
        UsageError: the question is wrong for any engine.
        CoderankError: what kept an index from being made or used where no other has anything.
    """
    begun = time.monotonic()
    asked = min(call.asked, begun)
    until = begun + PATIENCE_S
    while True:
        replies = _replies(all_kept, question, asked, until, call)
        if any(reply.answer is not None and not is_empty(reply.answer) for reply in replies):
            return replies
        behind = [reply for reply in replies if not reply.freshness.current]
        if not behind:
            return replies
        waiting = [reply for reply in behind if reply.freshness.error is None]
        if not waiting:
            raise next(reply.freshness.error for reply in behind if reply.freshness.error is not None)
        if time.monotonic() >= begun + FIRST_PATIENCE_S:
            raise _not_ready(waiting)
        until = time.monotonic() + FIRST_STEP_S


def _replies(
    all_kept: Sequence[Kept], question: Callable[[Engine], Answer], asked: float, until: float, call: Call
) -> list[Reply[Answer]]:
    for kept in all_kept[1:]:
        kept.begin(asked)  # while the first is waited for
    fresh = [kept.fresh(asked, until, call) for kept in all_kept]
    # Progress can be told from the thread of the call alone.
    silent = Call(cancelled=call.cancelled)

    def reply(kept: Kept, freshness: Freshness) -> Reply[Answer]:
        return Reply(kept, *kept.answer(question, freshness, PATIENCE_S, silent))

    def reply_or_reason(kept: Kept, freshness: Freshness) -> Reply[Answer]:
        try:
            return reply(kept, freshness)
        except (UsageError, CancelledError):
            raise
        except CoderankError as error:
            return Reply(kept, None, Freshness(False, f"{kept.target.name} cannot be searched: {error}", error))

    if len(all_kept) == 1:
        return [reply(all_kept[0], fresh[0])]
    with ThreadPoolExecutor(min(len(all_kept), AT_ONCE), "coderank-ask") as pool:
        return list(pool.map(reply_or_reason, all_kept, fresh))


def _not_ready(waiting: Sequence[Reply[Answer]]) -> NotReadyError:
    names = ", ".join(reply.kept.target.name for reply in waiting)
    details = "; ".join(reply.freshness.detail for reply in waiting)
    return NotReadyError(
        f"Nothing of {names} can be searched yet: {details}",
        "Ask again in a few seconds; index_status tells how far it is",
    )
