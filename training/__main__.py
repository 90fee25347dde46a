"""Train the models that come with coderank, from the pinned packages to weights: ``python -m training WORK ...``.

Every step keeps what it made in WORK and passes over what is there, so that a run goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING

from training.bundle import packaged_weights
from training.dataset import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Collect, filter, train."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("work", type=Path, help="folder for everything that is made")
    parser.add_argument("--debian", required=True, metavar="URL", help="root of a Debian mirror")
    parser.add_argument("--pypi", required=True, metavar="URL", help="root of the files of the Python package index")
    parser.add_argument("--evaluation", type=Path, required=True, metavar="DIR", help="sets to train on nothing of")
    parser.add_argument("--repositories", type=Path, required=True, metavar="DIR", help="those of its localisation set")
    parser.add_argument("--base", type=Path, metavar="DIR", help="encoder to begin with; default: that of the package")
    parser.add_argument("--pairs", type=int, default=0, help="train on at most so many, for a trial")
    parser.add_argument("--batch", type=int, default=1024, help="of the first stage; default: %(default)s")
    given = parser.parse_args(arguments)
    base = given.base or packaged_weights()
    if importlib.util.find_spec("torch") is None:
        raise SystemExit("Training needs torch: pip install -c constraints.txt -e '.[train]'")
    mirrors = {"debian": given.debian, "pypi": given.pypi}
    print(json.dumps(prepare(given.work, mirrors, given.evaluation, given.repositories), indent=1))

    from training import fit  # noqa: PLC0415 - 5 s, which the processes that collect would spend, too

    options = ["--pairs", str(given.pairs), "--batch", str(given.batch)]
    fit.main([str(given.work), str(base), str(given.work / "out"), *options])


if __name__ == "__main__":
    main()
