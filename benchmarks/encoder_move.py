"""A large index moves from all-MiniLM-L6-v2 to a model of CodeRankEmbed's shape, searched and killed all the time.

``python -m benchmarks.encoder_move REPOS_DIR MODEL_DIR [--save]``

The model has random weights, the true widths (768, 12 heads, 3,072 inside, NomicBERT) and two layers of twelve, so that
a move ends in minutes; it was exported to 8 bits as users export theirs. MODEL_DIR is where it is kept: the first run
makes it there, which needs torch. What twelve layers take is what `coderank migrate --dry-run` says.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hub_layout import CODERANK_EMBED

from benchmarks.full_size import MODEL, PACKAGES, Place, demand
from benchmarks.migration import CHUNKS, KILLS, World, busy, indexed, kill_rows, killed, move_rows, moved, rolled_back
from benchmarks.results import FOLDER, Run, Table
from coderank.evaluation.tables import markdown
from coderank.models import catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

BEFORE = "all-minilm-l6-v2"
LAYERS = 2
REACH_S = 30.0
"""A move is killed within so many seconds of its start: past the backup, which takes ten on a busy machine."""
NAME = f"{BEFORE} to {LAYERS} layers of {MODEL}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its table and, if asked to, write its result."""
    given = _parser().parse_args(arguments)
    run = Run("migration-encoder", "python -m benchmarks.encoder_move REPOSITORIES MODEL --save")
    with tempfile.TemporaryDirectory() as scratch:
        details = _measured(Path(scratch), given)
    rows = [*move_rows(NAME, details["move"]), *kill_rows(details["kills"]), busy()]
    table = Table(f"A move of {details['chunks']:,} chunks to a model that computes", ("what", "value"), rows)
    print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        print(run.write({}, details, [table], given.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoder_move", description=__doc__)
    parser.add_argument("repositories", type=Path, help="folder of repositories to copy from")
    parser.add_argument("model", type=Path, help="folder of the model")
    parser.add_argument("--layers", type=int, default=LAYERS, choices=range(1, CODERANK_EMBED.layers + 1))
    parser.add_argument("--chunks", type=int, default=CHUNKS, help="at least so many")
    parser.add_argument("--kills", type=int, default=KILLS, help="how often to kill a move")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return parser


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
    found["kills"] = killed(world, MODEL, given.kills, REACH_S)
    return found


if __name__ == "__main__":
    main()
