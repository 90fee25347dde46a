"""Pin the source archives of Python packages by name: ``python -m training.python_index --index URL``.

``python_names.txt`` lists names that people know. A package is taken if it states a permissive licence, has a source
archive that is not large, and is no project that anybody measures on.
"""

from __future__ import annotations

import argparse
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.download import AT_ONCE, Remote, UnfetchedError
from training.kept_out import is_kept_out
from training.packages import PINNED, Package, is_permissive, pin

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = Path(__file__).parent / "python_names.txt"
LARGEST = 4_000_000
"""Bytes of an archive: larger ones carry data."""
_FOLDER = re.compile(r"packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}")
"""Where an archive lies, below whatever serves the files of the index."""
_SPOKEN = re.compile(r"\b(?:(mit|expat|isc|apache|zlib|unlicense|psf|wtfpl)\b|(bsd))", re.IGNORECASE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Add the packages to the pinned list."""
    parser = argparse.ArgumentParser(prog="python -m training.python_index", description=__doc__)
    parser.add_argument("--index", required=True, help="root of the Python package index")
    given = parser.parse_args(arguments)
    remote = Remote(given.index)
    names = [name for name in NAMES.read_text("utf-8").split() if not is_kept_out(name)]
    with ThreadPoolExecutor(AT_ONCE // 2) as pool:
        found = [one for one in pool.map(lambda name: _package(name, remote), names) if one]
    pin(found, "pypi")
    print(f"{len(found)} of {len(names)} packages, {sum(one.size for one in found) / 1e6:.0f} MB in {PINNED}")


def _package(name: str, remote: Remote) -> Package | None:
    try:
        told = json.loads(remote.bytes(f"pypi/{name}/json"))
    except UnfetchedError:
        return None
    about = told["info"]
    addresses = [*(about.get("project_urls") or {}).values(), about.get("home_page") or ""]
    licence = _licence(about)
    archives = [one for one in told["urls"] if one["packagetype"] == "sdist" and one["filename"].endswith(".tar.gz")]
    if not licence or not archives or archives[0]["size"] > LARGEST or is_kept_out(name, *addresses):
        return None
    file = archives[0]
    folder = _FOLDER.search(file["url"])
    if folder is None:
        return None
    sha256 = file["digests"]["sha256"]
    return Package(
        f"pypi-{name.lower()}",
        about["version"],
        "python",
        (licence,),
        folder[0],
        file["filename"],
        sha256,
        file["size"],
        "pypi",
    )


def _licence(about: dict[str, Any]) -> str:
    """Name the licence that a package states, if it is permissive."""
    expression = about.get("license_expression") or ""
    if expression:
        return expression if is_permissive(expression) else ""
    stated = [one for one in about.get("classifiers") or [] if one.startswith("License :: OSI Approved :: ")]
    if stated:
        names = [one.rpartition(" :: ")[2] for one in stated]
        return " and ".join(names) if all(map(_SPOKEN.search, names)) else ""
    spoken = (about.get("license") or "").strip()
    return spoken if len(spoken) < 40 and _SPOKEN.search(spoken) and "gpl" not in spoken.lower() else ""


if __name__ == "__main__":
    main()
