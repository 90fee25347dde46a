"""Fetch the pinned packages and write the pairs of each: resumable, a package at a time.

The sources are read inside their archive, and nothing of them is run or unpacked to disk.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import random
import sys
import tarfile
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from training import pair
from training.download import ChangedError, Remote, UnfetchedError
from training.extract import LONGEST_FILE, pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from training.packages import Package
    from training.pair import Pair

SEED = 20_267
MOST_PAIRS = 4_000
"""Of one package: more would teach its own words."""
LEFT_OUT = frozenset("test tests testing testdata vendor third_party node_modules dist build debian fixtures".split())
"""Folders of other people's code, of made code, and of tests, whose comments say what is expected, not what is done."""


def collect(folder: Path, mirrors: Mapping[str, str], packages: Sequence[Package], processes: int = 0) -> list[str]:
    """Write ``pairs/NAME.jsonl.gz`` below a folder for every package that is not there yet.

    Returns the names of those that no mirror gives any more: mirrors drop old versions. The next run tries them again.

    Raises:
        SystemExit: a mirror gives another file than the pinned one.
    """
    (folder / "pairs").mkdir(parents=True, exist_ok=True)
    missing = [one for one in packages if not target(folder, one).exists()]
    if not missing:
        return []
    random.Random(SEED).shuffle(missing)  # what is there when a run is stopped is a sample of all languages
    work = partial(_collected, folder, {index: Remote(root) for index, root in mirrors.items()})
    with multiprocessing.get_context("spawn").Pool(processes or min(os.cpu_count() or 1, len(missing))) as pool:
        try:
            for number, told in enumerate(pool.imap_unordered(work, missing), start=1):
                print(f"{number}/{len(missing)} {told}", file=sys.stderr, flush=True)
        except ChangedError as error:
            raise SystemExit(str(error)) from error
    return sorted(one.name for one in missing if not target(folder, one).exists())


def collected(folder: Path) -> Iterator[Pair]:
    """Read all pairs, package after package in the order of their names."""
    for path in sorted((folder / "pairs").glob("*.jsonl.gz")):
        yield from pair.read(path)


def target(folder: Path, package: Package) -> Path:
    """Name the file of a package's pairs."""
    return folder / "pairs" / f"{package.name}.jsonl.gz"


def _collected(folder: Path, remotes: Mapping[str, Remote], package: Package) -> str:
    try:
        data = remotes[package.index].bytes(f"{package.folder}/{package.file}", package.sha256)
    except UnfetchedError as error:
        return f"{package.name}: left out, {error}"
    files = dict(_files(data))
    found = list(islice(pairs(package.name, files), MOST_PAIRS))
    pair.write(target(folder, package), found)
    return f"{package.name}: {len(files)} files, {len(found)} pairs"


def _files(data: bytes) -> Iterator[tuple[str, str]]:
    """List the text files of an archive that may hold pairs, by path below its own top folder."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            name = member.name.encode("utf-8", "replace").decode("utf-8").removeprefix("./")
            path = name.partition("/")[2] or name
            if not member.isfile() or not 0 < member.size <= LONGEST_FILE or LEFT_OUT & set(Path(path).parts[:-1]):
                continue
            if (opened := archive.extractfile(member)) is not None:
                raw = opened.read()
                if b"\0" not in raw[:4096]:
                    yield path, raw.decode("utf-8", "replace").replace("\r\n", "\n")
