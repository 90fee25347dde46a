"""How a comment becomes a question: as people and agents ask, not as authors write. Seeded, so that a run repeats."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from training.pair import Pair

KEYWORDS, DETAIL, ASKED = 0.25, 0.2, 0.15
"""Shares of questions that are keywords, the whole comment, and a sentence that asks; the others are the summary."""
NAMED = 0.4
"""Share of keyword questions that name the language, as questions to a web search do."""
BARE = 0.3
"""Share of texts that are shown without their header: not every index has paths that say something."""
UNNAMED = 0.7
"""Share of comments whose first word is dropped where it is the name of what they stand on (the custom of Go)."""
_OPENINGS = (
    "how to {}",
    "how to {}",
    "where do we {}",
    "where is the code to {}",
    "function to {}",
    "how does it {}",
    "{}",
)
_FILLERS = frozenset(
    "a an the this that is are be of to for in on with and or if it its as by from given into at all any".split()
)


def question(pair: Pair, dice: random.Random) -> str:
    """Phrase the question of a pair."""
    summary = pair.summary
    first, _, rest = summary.partition(" ")
    if rest and first in pair.text and not first.istitle() and dice.random() < UNNAMED and _is_name(first):
        summary = rest
    drawn = dice.random()
    if drawn < DETAIL:
        return pair.detail or summary
    if drawn < DETAIL + KEYWORDS:
        return _keywords(summary, pair.language, dice)
    if drawn < DETAIL + KEYWORDS + ASKED:
        return dice.choice(_OPENINGS).format(imperative(summary))
    return summary


def text(pair: Pair, dice: random.Random) -> str:
    """Give what is read of the code: mostly with its header."""
    return pair.bare if dice.random() < BARE else pair.text


def imperative(summary: str) -> str:
    """Turn "Returns the name" into "return the name"."""
    first, _, rest = summary.partition(" ")
    lowered = first.lower() if first.istitle() else first
    if re.fullmatch(r"[a-z]{3,}(?:ches|shes|sses|xes|zes)", lowered):
        lowered = lowered[:-2]
    elif re.fullmatch(r"[a-z]{2,}[^sui]s", lowered):
        lowered = lowered[:-1]
    return f"{lowered} {rest}".strip()


def _keywords(summary: str, language: str, dice: random.Random) -> str:
    words = re.findall(r"[\w.#+-]+", imperative(summary).lower())
    kept = [word for word in words if word not in _FILLERS or dice.random() < 0.3][:12]
    if dice.random() < NAMED and language != "markdown":
        kept = [language, *kept] if dice.random() < 0.6 else [*kept, language]
    return " ".join(kept)


def _is_name(word: str) -> bool:
    return any(char.isupper() for char in word[1:]) or "_" in word or word[:1].isupper()
