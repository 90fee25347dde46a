"""Read the answer of a listwise reranker: a chain of identifiers, and nothing else. Pure.

The authors read every digit of an answer as an identifier, so that an error message becomes an order. Here the shape
is checked first; an answer of the right shape is then repaired as theirs is, and what was repaired is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_CHAIN = re.compile(r"\[[0-9]{1,4}\](?:\s*>\s*\[[0-9]{1,4}\])*")
_CUT_OFF = re.compile(r"\s*>\s*(?:\[[0-9]{0,4})?")
"""What is left where an answer ended before its time. Of ``[1`` nobody knows whether it was to be ``[10]``."""
_NUMBER = re.compile(r"[0-9]+")


class Fault(StrEnum):
    """What is wrong with an answer."""

    EMPTY = "empty"
    NOT_A_RANKING = "not a ranking"
    CUT_OFF = "cut off"
    DUPLICATE = "duplicate identifiers"
    OUT_OF_RANGE = "identifiers out of range"
    MISSING = "missing identifiers"


@dataclass(frozen=True, slots=True)
class Parsed:
    """An answer, read."""

    order: tuple[int, ...] | None
    """Positions in the window, best first, every one once; None where the answer holds no ranking."""
    faults: tuple[Fault, ...] = ()

    @property
    def malformed(self) -> bool:
        """Whether the answer was anything but a permutation of the window."""
        return bool(self.faults)


def parse(answer: str, size: int) -> Parsed:
    """Read ``[2] > [1]`` as the order of a window of ``size`` passages, numbered from 1.

    Repairs as the authors do: a repeated identifier counts once, one out of range is dropped, missing ones follow in
    the order of the window. Text around the chain makes it no ranking.
    """
    text = answer.strip()
    if not text:
        return Parsed(None, (Fault.EMPTY,))
    chain = _CHAIN.match(text)
    rest = text[chain.end() :] if chain else text
    if chain is None or (rest and not _CUT_OFF.fullmatch(rest)):
        return Parsed(None, (Fault.NOT_A_RANKING,))
    named = [int(number) - 1 for number in _NUMBER.findall(chain.group())]
    valid = [position for position in named if 0 <= position < size]
    if not valid:
        return Parsed(None, (Fault.OUT_OF_RANGE,))
    unique = list(dict.fromkeys(valid))
    faults = {
        Fault.CUT_OFF: bool(rest),
        Fault.DUPLICATE: len(unique) < len(valid),
        Fault.OUT_OF_RANGE: len(valid) < len(named),
        Fault.MISSING: len(unique) < size,
    }
    missing = [position for position in range(size) if position not in unique]
    return Parsed((*unique, *missing), tuple(fault for fault, present in faults.items() if present))
