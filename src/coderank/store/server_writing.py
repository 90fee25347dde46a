"""How much is sent to a server at once: batches, some of them in flight, halves where one is too large."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from coderank.store.server_failures import CLIENT_ERRORS, is_too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCH = 256
"""Points per request: 3 MB of text at 768 dimensions, 10 MB at 3,584. A server takes 32 MB unless told otherwise."""
IN_FLIGHT = 4
"""Requests that the server has at once: enough to keep it busy while the next is built, few enough that a slow one
slows us down instead of filling its queue."""
Item = TypeVar("Item")


def batches(items: Sequence[Item], size: int = BATCH) -> list[Sequence[Item]]:
    """Cut into runs of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def in_flight(send: Callable[[Sequence[Item]], object], work: Sequence[Sequence[Item]]) -> None:
    """Send batches, at most IN_FLIGHT at once; return when all are acknowledged, raise what the first failed with."""
    if len(work) == 1:
        send(work[0])
        return
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="coderank-send") as pool:
        waiting: deque[Future[object]] = deque()
        for batch in work:
            waiting.append(pool.submit(send, batch))
            if len(waiting) == IN_FLIGHT:
                waiting.popleft().result()
        while waiting:
            waiting.popleft().result()


def split_where_too_large(send: Callable[[list[Item]], object], items: list[Item]) -> None:
    """Send items at once, or in halves where they are more bytes than the server takes."""
    try:
        send(items)
    except CLIENT_ERRORS as error:
        if len(items) == 1 or not is_too_large(error):
            raise
        middle = len(items) // 2
        split_where_too_large(send, items[:middle])
        split_where_too_large(send, items[middle:])
