"""The retrieval settings that the localisation benchmark compares, as data."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from coderank.retrieval.priors import DEFAULT, OFF, Priors
from coderank.types import SearchMode

if TYPE_CHECKING:
    from collections.abc import Sequence

LEXICAL_FACTORS = (0.25, 0.5, 0.75, 1.5, 2.0, 4.0)
"""Multiples of the catalogue's lexical weight: whether it sits on a plateau."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to search an index that is built already."""

    name: str
    mode: SearchMode = SearchMode.HYBRID
    priors: Priors = DEFAULT
    lexical_factor: float = 1.0


FULL = Variant("as shipped")
LEGS = tuple(Variant(f"{mode.value} leg alone", mode=mode) for mode in (SearchMode.DENSE, SearchMode.LEXICAL))
BARE = tuple(Variant(f"{mode.value}, no priors", mode=mode, priors=OFF) for mode in SearchMode)


def without_each_prior() -> Sequence[Variant]:
    """Switch each prior off, the others as shipped."""
    return [
        Variant(f"without {field.name}", priors=replace(DEFAULT, **{field.name: getattr(OFF, field.name)}))
        for field in fields(Priors)
    ]


def weighted(priors: Priors = DEFAULT) -> Sequence[Variant]:
    """Weigh the lexical leg otherwise."""
    return [Variant(f"lexical weight × {factor:g}", priors=priors, lexical_factor=factor) for factor in LEXICAL_FACTORS]


def all_variants() -> list[Variant]:
    """List every variant, the shipped one first."""
    return [FULL, *LEGS, *BARE, *without_each_prior(), *weighted()]
