"""Pin the source packages of Debian to train on: ``python -m training.debian_index --mirror URL``.

Debian's source index is a package index of every language, with a SHA-256 for each file and, for most packages, a
machine-readable statement of licences. A package is taken if its name says its language, its sources are small, every
licence in it (but for the packaging itself) is permissive, and it is no project that anybody measures code search on
(`training.kept_out`). What was taken is written to ``packages.json``: name, version, licences, file, SHA-256.
"""

from __future__ import annotations

import argparse
import io
import lzma
import random
import re
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.download import AT_ONCE, ChangedError, Remote, UnfetchedError
from training.kept_out import is_kept_out
from training.packages import Package, is_permissive, pin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUITES = ("trixie", "bookworm", "sid")
"""Releases, the first one that has a package and gives its files before the others."""
SEED = 20_261
"""Of the order in which packages are drawn. Every step has a seed of its own, so that one can be changed by itself."""
LARGEST = 12_000_000
"""Bytes of a packed source: larger ones are applications with data, and one of them would outweigh a hundred."""
SHARES: dict[str, tuple[str, int]] = {
    "java": (
        r".*-java$|ant$|maven|jetty|tomcat|jenkins-|bnd$|groovy|plexus-|jakarta-|eclipse-|xerces|velocity|httpcomponents",
        150,
    ),
    "python": (r"python-|python3-|py[a-z]+$", 150),
    "javascript": (r"node-", 110),
    "go": (r"golang-", 110),
    "rust": (r"rust-", 60),
    "php": (r"php-", 50),
    "ruby": (r"ruby-", 50),
    "c": (r"lib(?!.*-(?:java|perl)$)", 90),
    "haskell": (r"haskell-", 30),
    "r": (r"r-(?:cran|bioc)-", 20),
    "ocaml": (r"ocaml-|.*-ocaml$", 12),
    "elixir": (r"elixir-|erlang-", 12),
    "lua": (r"lua-", 10),
    "csharp": (r".*(?:-sharp|\.net|dotnet)", 10),
    "scala": (r"scala-?|jruby$", 6),
}
"""By language: the names of its packages, and the megabytes of packed sources that are taken at most."""
_PARAGRAPHS = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class _Listed:
    """One entry of the index."""

    name: str
    version: str
    language: str
    folder: str
    source: tuple[str, str, int]
    """File, SHA-256 and bytes of what its authors published."""
    packaging: tuple[str, str, int]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pinned list and say what is in it."""
    parser = argparse.ArgumentParser(prog="python -m training.debian_index", description=__doc__)
    parser.add_argument("--mirror", required=True, help="root of a Debian mirror")
    given = parser.parse_args(arguments)
    remote = Remote(given.mirror)
    listed: dict[str, list[_Listed]] = {}
    for suite in SUITES:
        packed = remote.bytes(f"dists/{suite}/main/source/Sources.xz")
        for one in _listed(lzma.decompress(packed).decode("utf-8")):
            listed.setdefault(one.name, []).append(one)
    taken: list[Package] = []
    for language, (_, megabytes) in SHARES.items():
        named = [listed[name] for name in sorted(listed) if listed[name][0].language == language]
        taken += _chosen(named, megabytes * 1_000_000, remote)
        mine = [one for one in taken if one.language == language]
        print(f"{language}: {len(mine)} packages, {sum(one.size for one in mine) / 1e6:.0f} MB", flush=True)
    pin(taken, "debian")


def _listed(text: str) -> list[_Listed]:
    """Read the index: packages of a known language, small enough, that nobody measures with."""
    found = {}
    for block in text.split("\n\n"):
        fields = _fields(block)
        name = fields.get("Package", "")
        language = next((key for key, (names, _) in SHARES.items() if re.match(names, name)), "")
        if not language or is_kept_out(name, fields.get("Homepage", ""), fields.get("Vcs-Browser", "")):
            continue
        files = [line.split() for line in fields.get("Checksums-Sha256", "").splitlines() if line.strip()]
        sources = [(file, sha, int(size)) for sha, size, file in files if re.search(r"\.orig\.tar\.(gz|xz|bz2)$", file)]
        packaging = [(file, sha, int(size)) for sha, size, file in files if ".debian.tar." in file]
        if len(sources) == 1 and packaging and sources[0][2] <= LARGEST:
            version = fields["Version"]
            found[name] = _Listed(name, version, language, fields["Directory"], sources[0], packaging[0])
    return [found[name] for name in sorted(found)]


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    key = ""
    for line in block.split("\n"):
        if line.startswith((" ", "\t")):
            fields[key] = fields.get(key, "") + "\n" + line.strip()
        elif ":" in line:
            key, _, value = line.partition(":")
            fields[key] = value.strip()
    return fields


def _chosen(named: list[list[_Listed]], limit: int, remote: Remote) -> Iterator[Package]:
    """Draw packages in an order that the seed fixes, as long as there is room; those of doubtful licence are passed."""
    random.Random(SEED).shuffle(named)
    size = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, len(named), 4 * AT_ONCE):
            for found in pool.map(lambda versions: _first(versions, remote), named[start : start + 4 * AT_ONCE]):
                if found and size + found.size <= limit:
                    size += found.size
                    yield found
            if size > 0.95 * limit:
                return


def _first(versions: list[_Listed], remote: Remote) -> Package | None:
    """Take the first version of a package that the mirror gives, if its licences are permissive."""
    for one in versions:
        try:
            licences = _licences(one, remote)
        except (UnfetchedError, ChangedError):
            continue
        return Package(one.name, one.version, one.language, licences, one.folder, *one.source) if licences else None
    return None


def _licences(one: _Listed, remote: Remote) -> tuple[str, ...]:
    """Name the licences of a package if all are permissive; nothing where one is not, or cannot be told."""
    file, sha256, _ = one.packaging
    with tarfile.open(fileobj=io.BytesIO(remote.bytes(f"{one.folder}/{file}", sha256))) as archive:
        try:
            stated = archive.extractfile("debian/copyright")
        except KeyError:
            return ()
        text = stated.read().decode("utf-8", "replace") if stated else ""
    names = set()
    for paragraph in _PARAGRAPHS.split(text):
        fields = _fields(paragraph)
        files = fields.get("Files", "").split()
        if files and not all(each.startswith("debian/") for each in files):
            names.add(fields.get("License", "").split("\n")[0].strip())
    return tuple(sorted(names)) if names and all(map(is_permissive, names)) else ()


if __name__ == "__main__":
    main()
