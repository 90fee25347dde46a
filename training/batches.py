"""Batches whose wrong answers are as hard as those of a search: neighbours of one package, in one language. Seeded."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from training.pair import Pair

TOGETHER = 24
"""Pairs of one package that stand in one batch: a search looks within one repository."""


def batches(pairs: Sequence[Pair], size: int, seed: int) -> Iterator[list[int]]:
    """Give every pair once, by its number, in batches of one size; what is left over at the end is not given.

    What no batch of one language has room for makes batches of several.
    """
    dice = random.Random(seed)
    made, rest = [], []
    for groups in _by_language(pairs, dice):
        dice.shuffle(groups)
        numbers = [number for group in groups for number in group]
        full = len(numbers) // size * size
        made += [numbers[start : start + size] for start in range(0, full, size)]
        rest += numbers[full:]
    made += [rest[start : start + size] for start in range(0, len(rest) // size * size, size)]
    dice.shuffle(made)
    yield from made


def _by_language(pairs: Sequence[Pair], dice: random.Random) -> list[list[list[int]]]:
    """Group the pairs of each package; give the groups of each language, which is that of a group's first pair."""
    packages: dict[str, list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs):
        packages[pair.package].append(number)
    languages: dict[str, list[list[int]]] = defaultdict(list)
    for name in sorted(packages):
        members = packages[name]
        dice.shuffle(members)
        for start in range(0, len(members), TOGETHER):
            group = members[start : start + TOGETHER]
            languages[pairs[group[0]].language].append(group)
    return [languages[name] for name in sorted(languages)]


def same_questions(pairs: Iterable[Pair]) -> NDArray[np.bool_]:
    """Tell which pairs ask the same: none must be taught to be wrong for another. Shape (n, n), the diagonal true."""
    seen: dict[str, int] = {}
    numbers = np.array([seen.setdefault(pair.summary.lower(), len(seen)) for pair in pairs])
    same: NDArray[np.bool_] = numbers[:, None] == numbers[None, :]
    return same
