"""How vectors are compressed for the first pass of a search, and how that pass is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from coderank.errors import ConfigurationError

Kind: TypeAlias = Literal["none", "turbo", "scalar", "binary"]
QueryEncoding: TypeAlias = Literal["default", "binary", "scalar4bits", "scalar8bits"]

BITS_OF: dict[Kind, tuple[float, ...]] = {
    "none": (32.0,),
    "turbo": (4.0, 2.0, 1.5, 1.0),
    "scalar": (8.0,),
    "binary": (1.0, 1.5, 2.0),
}
"""Bits a number that each kind can have, its default first. Nothing is compressed: 32."""
MAX_OVERSAMPLING = 100.0
"""Beyond that a search reads so many stored vectors that the compressed ones save nothing."""


@dataclass(frozen=True, slots=True)
class Quantization:
    """One compression of a dense vector. The vector itself stays: it decides among the candidates with ``rescore``."""

    kind: Kind = "none"
    bits: float = 0.0
    """Bits a number; 0 for the kind's default, which then stands here."""
    quantile: float | None = None
    """Of scalar: the share of the numbers that 8 bits span; those outside are cut."""
    query_encoding: QueryEncoding = "default"
    """Of binary: how the query is compressed; finer than the stored vectors costs little and finds more."""
    oversampling: float = 1.0
    """How many times as many candidates the first pass takes as are wanted."""
    rescore: bool = True
    """Whether the stored vectors decide among them."""
    in_memory: bool = True
    """Whether the compressed vectors stay in memory even where the stored ones are on disk."""

    def __post_init__(self) -> None:
        possible = BITS_OF[self.kind]
        object.__setattr__(self, "bits", self.bits or possible[0])
        if self.bits not in possible:
            listed = ", ".join(f"{bits:g}" for bits in possible)
            raise ConfigurationError(f"{self.kind} quantization has no {self.bits:g} bits", f"Choose one of: {listed}")
        if not 1.0 <= self.oversampling <= MAX_OVERSAMPLING:
            raise ConfigurationError(
                f"Oversampling {self.oversampling:g} is out of range", f"Choose 1 to {MAX_OVERSAMPLING:g}"
            )
        if self.quantile is not None and not 0.5 <= self.quantile <= 1.0:
            raise ConfigurationError(f"Quantile {self.quantile:g} is out of range", "Choose 0.5 to 1.0")

    @property
    def label(self) -> str:
        """Name it in a table: ``binary 1.5 bit x3``; what is not compressed is ``none``."""
        if self.kind == "none":
            return self.kind
        return f"{self.stored} x{self.oversampling:g}" + ("" if self.rescore else ", not rescored")

    @property
    def stored(self) -> str:
        """Name what is stored, however many candidates are asked of it: ``binary 1 bit, query scalar8bits``."""
        if self.kind == "none":
            return self.kind
        query = "" if self.query_encoding == "default" else f", query {self.query_encoding}"
        return f"{self.kind} {self.bits:g} bit{query}"

    def bytes_per_vector(self, dimension: int) -> float:
        """Bytes of one compressed vector's numbers; 0 where none is made."""
        return 0.0 if self.kind == "none" else dimension * self.bits / 8


NONE = Quantization()
TURBO = Quantization("turbo")
"""The embedded store's own: a scan reads an eighth of the bytes, and rescoring gives the scores of the full one."""
