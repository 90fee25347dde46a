"""The pinned list of source packages that the models are trained on, and which licences let a package onto it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PINNED = Path(__file__).parent / "packages.json"
PERMISSIVE = frozenset(
    "expat mit mit-0 x11 apache-2 apache-2.0 apache bsd bsd-2-clause bsd-3-clause bsd-2 bsd-3 bsd-4-clause isc zlib "
    "unlicense cc0-1.0 cc0 bsl-1.0 boost-1.0 psf-2 psf python-2.0 0bsd public-domain wtfpl upl-1.0 ncsa zpl-2.1 "
    "php-3.01 postgresql curl ruby-bsd edl-1.0 w3c".split()
)
"""Names of licences in the notation of Debian and SPDX, in lower case, that ask for no more than to be named."""


@dataclass(frozen=True, slots=True)
class Package:
    """One pinned source package."""

    name: str
    version: str
    language: str
    licences: tuple[str, ...]
    folder: str
    """Below the mirror's root."""
    file: str
    sha256: str
    size: int
    index: str = "debian"


def pinned(path: Path = PINNED) -> list[Package]:
    """Read the pinned list."""
    rows = json.loads(path.read_text("utf-8"))["packages"]
    return [Package(**{**row, "licences": tuple(row["licences"])}) for row in rows]


def pin(packages: Sequence[Package], index: str, path: Path = PINNED) -> None:
    """Put the packages of one index into the list, in the place of those it had from there, a package a line."""
    others = [one for one in pinned(path) if one.index != index] if path.exists() else []
    rows = ",\n".join(json.dumps(asdict(one)) for one in sorted([*others, *packages], key=lambda one: one.name))
    path.write_text(f'{{"packages": [\n{rows}\n]}}\n', "utf-8")


def is_permissive(licence: str) -> bool:
    """Tell whether a licence, or one of those to choose from, asks for no more than to be named."""
    choices = re.split(r"\s+or\s+", licence.lower().replace(",", " "))
    return any(all(part in PERMISSIVE for part in re.split(r"\s+and\s+", choice.strip())) for choice in choices)
