"""The retrieval settings that the localisation benchmark compares, as data."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from coderank.retrieval.priors import DEFAULT, OFF, Priors
from coderank.types import SearchMode

if TYPE_CHECKING:
    from collections.abc import Sequence

SYMBOL_FACTORS = (0.5, 2.0, 4.0, 8.0)
"""Multiples of the lexical weight for queries that are one name: whether they gain by leaning on words."""
LEXICAL_FACTORS = (0.25, 0.5, 0.75, 1.5, 2.0, 4.0)
"""Multiples of the catalogue's lexical weight: whether it sits on a plateau."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to search an index that is built already."""

    name: str
    mode: SearchMode = SearchMode.HYBRID
    priors: Priors = DEFAULT
    lexical_factor: float = 1.0
    symbol_factor: float = 1.0
    """Applied besides where the whole query is a name."""


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


def leaning() -> Sequence[Variant]:
    """Weigh the lexical leg otherwise for names."""
    return [Variant(f"lexical weight of names × {factor:g}", symbol_factor=factor) for factor in SYMBOL_FACTORS]


def all_variants() -> list[Variant]:
    """List every variant, the shipped one first."""
    return [FULL, *LEGS, *BARE, *without_each_prior(), *weighted(), *leaning()]
