"""A large index moves from all-MiniLM-L6-v2 to a model of CodeRankEmbed's shape, searched and killed all the time.

``python -m benchmarks.encoder_move REPOS_DIR MODEL_DIR [--save]``

The model has random weights, the true widths (768, 12 heads, 3,072 inside, NomicBERT) and two layers of twelve, so that
a move ends in minutes; it was exported to 8 bits as users export theirs. MODEL_DIR is where it is kept: the first run
makes it there, which needs torch. What twelve layers take is what `coderank migrate --dry-run` says.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hub_layout import CODERANK_EMBED

from benchmarks.full_size import MODEL, PACKAGES, Place, demand
from benchmarks.migration import World, benchmark, indexed, kill_rows, killed, move_rows, moved, parser, rolled_back
from benchmarks.results import Run
from coderank.models import catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

BEFORE = "all-minilm-l6-v2"
LAYERS = 2
NAME = f"{BEFORE} to {LAYERS} layers of {MODEL}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its table and, if asked to, write its result."""
    wanted = parser("benchmarks.encoder_move", __doc__)
    wanted.add_argument("model", type=Path, help="folder of the model")
    wanted.add_argument("--layers", type=int, default=LAYERS, choices=range(1, CODERANK_EMBED.layers + 1))
    run = Run("migration-encoder", "python -m benchmarks.encoder_move REPOSITORIES MODEL --save")
    title = "A move of {:,} chunks to a model that computes"
    benchmark(run, wanted.parse_args(arguments), _measured, title, _rows)


def _rows(found: dict[str, Any]) -> list[list[str]]:
    return [*move_rows(NAME, found["move"]), *kill_rows(found["kills"])]


def _measured(scratch: Path, given: argparse.Namespace) -> dict[str, Any]:
    place = Place(given.model, given.layers)
    if not place.hub.exists():
        demand(*PACKAGES)
    exports = {export.record.precision: export.record.bytes for export in place.exports}
    shutil.copytree(place.settings.data_dir, scratch / "data")
    settings = replace(place.settings, data_dir=scratch / "data", cache_dir=scratch / "cache", model=BEFORE)
    world = World(scratch / "tree", settings)
    chunks = indexed(world, given.repositories, given.chunks, catalogue.get(BEFORE).dimension)
    found: dict[str, Any] = {"chunks": chunks, "layers": given.layers, "exports": exports, "move": moved(world, MODEL)}
    found["rollback_s"] = rolled_back(world)
    for file in settings.cache_dir.glob(f"vectors-{MODEL}-*"):  # else nothing would be left to compute
        file.unlink()
    found["kills"] = killed(world, MODEL, given.kills)
    return found


if __name__ == "__main__":
    main()
