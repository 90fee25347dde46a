"""Sources and pairs that the tests of the training share."""

from __future__ import annotations

import random

from training.pair import Pair

PYTHON = '''\
def open_ledger(path, mode):
    """Open the ledger of a shop for reading. Its lock is taken.

    :param path: where it is
    """
    ledger = Ledger(path)
    ledger.lock(mode)
    return ledger


def close_ledger(ledger):
    """Close."""
    ledger.unlock()
    ledger.flush()
    return None
'''
WORDS = "read write parse merge split count render index fetch store token packet window buffer ledger session".split()


def pair(
    summary: str = "Open the ledger of a shop",
    text: str = "shop/ledger.py\ndef open_ledger():\n    return 1",
    *,
    detail: str = "",
    language: str = "python",
    package: str = "shop",
) -> Pair:
    """Give a pair whose header is the first line of its text."""
    return Pair(summary, detail, text, text.index("\n") + 1, language, package, "definition")


def many(count: int, packages: int = 3, seed: int = 1) -> list[Pair]:
    """Give pairs that can be learned: the words of a question stand in its text."""
    dice = random.Random(seed)
    made = []
    for number in range(count):
        words = dice.sample(WORDS, 4)
        text = f"p/{words[0]}.py\ndef {words[0]}_{words[1]}(a{number}):\n    return {words[2]}({words[3]}, {number})"
        package = f"package-{number % packages}"
        made.append(pair(f"{words[0]} the {words[1]} of {words[2]} {words[3]} {number}", text, package=package))
    return made
