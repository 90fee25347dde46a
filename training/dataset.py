"""Make one data set of the packages' pairs: distinct, measured on by nobody, split by package."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from training import pair
from training.collect import collect, collected
from training.leakage import Measured, drop
from training.packages import pinned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from training.pair import Pair

HELD_OUT = 3
"""Packages of a hundred that the choice of constants is made on."""


def prepare(folder: Path, mirrors: Mapping[str, str], sets: Path, repositories: Path) -> dict[str, Any]:
    """Collect and build what is not there yet; return the report."""
    report = folder / "report.json"
    if not report.exists():
        build(folder, sets, repositories, collect(folder, mirrors, pinned()))
    told: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return told


def build(folder: Path, sets: Path, repositories: Path, gone: Sequence[str] = ()) -> None:
    """Write ``train.jsonl.gz``, ``dev.jsonl.gz`` and, last, ``report.json``; ``gone`` are packages not fetched."""
    measured = Measured(sets, repositories)
    counts: dict[str, int] = {}
    kept = list(drop(collected(folder), measured, counts))
    dev = [one for one in kept if is_held_out(one.package)]
    train = [one for one in kept if not is_held_out(one.package)]
    pair.write(folder / "train.jsonl.gz", train)
    pair.write(folder / "dev.jsonl.gz", dev)
    report = {
        "gone": list(gone),
        "measured_texts": measured.texts,
        "pairs": dict(sorted(counts.items())),
        "train": _told(train),
        "dev": _told(dev),
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def is_held_out(package: str) -> bool:
    """Tell the side of a package by its name."""
    return zlib.crc32(package.encode()) % 100 < HELD_OUT


def _told(pairs: Sequence[Pair]) -> dict[str, Any]:
    languages = Counter(one.language for one in pairs)
    kinds = Counter(one.kind for one in pairs)
    packages = len({one.package for one in pairs})
    return {"pairs": len(pairs), "packages": packages, "languages": dict(languages.most_common()), "kinds": dict(kinds)}
