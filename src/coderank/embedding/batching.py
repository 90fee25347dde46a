"""Group texts of similar length into batches, so that little of a batch is padding. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def plan(lengths: Sequence[int], token_budget: int) -> list[list[int]]:
    """Split the texts of these lengths (tokens) into batches of indices, longest texts first.

    A batch padded to its longest text holds at most ``token_budget`` tokens; a longer text is alone in its batch.
    Every index occurs once. Equal lengths keep their order, so the plan depends on nothing but the arguments.
    """
    batches: list[list[int]] = []
    room = 0
    for index in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        if room == 0:
            batches.append([])
            # The first text of a batch is its longest: it alone decides how many fit.
            room = max(1, token_budget // max(1, lengths[index]))
        batches[-1].append(index)
        room -= 1
    return batches
