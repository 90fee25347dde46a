"""Read one listed file, unless its bytes or text show that it does not belong in an index."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.corpus.decode import decode, is_binary
from coderank.corpus.exclusions import by_name
from coderank.corpus.machine_written import generated_marker, is_minified
from coderank.corpus.regular import read_regular, read_straight
from coderank.corpus.walk import MAX_FILE_BYTES
from coderank.types import Skip, SkipReason

if TYPE_CHECKING:
    from coderank.types import FileEntry

DIGEST_BYTES = 16
"""128 bits: two different files share a digest with a probability nobody needs to think about."""

DETAIL_CHARS = 80
"""How much of a marker comment a skip quotes: it is shown on one line."""

_PRIVATE_KEY = re.compile(r"\s*-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")


_DETOURS = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True)
class SourceText:
    """The text of a file, with newlines as ``\\n``, and the digest of its bytes as they are on disk."""

    text: str
    digest: str
    """BLAKE2b, 128 bits, hexadecimal."""


def read(root: Path, entry: FileEntry) -> SourceText | Skip:
    """Read a file of ``walk(root)``; a Skip says why it is left out, be it that it changed since it was listed."""
    try:
        data = _load(root, entry.path)
    except (OSError, ValueError) as error:
        return Skip(entry.path, SkipReason.UNREADABLE, getattr(error, "strerror", None) or str(error))
    if isinstance(data, Skip):
        return data
    text = decode(data)
    return _judge(entry.path, text) or SourceText(text, blake2b(data, digest_size=DIGEST_BYTES).hexdigest())


def holds_private_key(text: str) -> bool:
    """Tell whether a text is a private key, which is left out whatever the name of its file."""
    return _PRIVATE_KEY.match(text) is not None


def read_again(root: Path, path: str) -> str | Skip:
    """Give the text of a file that is in the index, as it is now; a Skip says why it is not to be read any more.

    Whether a person wrote it was judged when it was indexed, and is not asked again for every answer.
    """
    try:
        data = _load(root, path)
    except (OSError, ValueError) as error:
        return Skip(path, SkipReason.UNREADABLE, getattr(error, "strerror", None) or str(error))
    if isinstance(data, Skip):
        return data
    text = decode(data)
    return Skip(path, SkipReason.SECRET, "a private key") if _PRIVATE_KEY.match(text) else text


def _load(root: Path, path: str) -> bytes | Skip:
    """Return the bytes, unless the name or they speak against the file."""
    reason = by_name(path.rpartition("/")[2])
    if reason is not None:
        return Skip(path, reason)
    data = read_straight(f"{root}/{path}", MAX_FILE_BYTES + 1)
    if data is None:
        place = locate(root, path)
        if place is None:
            return Skip(path, SkipReason.OUTSIDE_ROOT)
        data = read_regular(place, MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        return Skip(path, SkipReason.TOO_LARGE, f"more than {MAX_FILE_BYTES:,} bytes")
    return Skip(path, SkipReason.BINARY) if is_binary(data) else data


def locate(root: Path, path: str) -> Path | None:
    """Return where the file of an entry is; None if by now a link on the way leads out of the root."""
    base = Path(os.path.realpath(root))
    place = (base if base.is_dir() else base.parent) / path
    if _is_straight(base, path):
        return place
    return place if Path(os.path.realpath(place)).is_relative_to(base) else None


def _is_straight(base: Path, path: str) -> bool:
    """Tell whether no step of a path is a link or leads upwards, so that there is nothing to resolve: half the time."""
    steps = path.split("/")
    if os.name != "posix" or not _DETOURS.isdisjoint(steps):
        return False
    place = str(base)
    try:
        for step in steps:
            place = f"{place}/{step}"
            if stat.S_ISLNK(os.lstat(place).st_mode):
                return False
    except OSError:
        return False
    return True


def _judge(path: str, text: str) -> Skip | None:
    """Return why the text does not belong in an index; None if it does."""
    if not text or text.isspace():
        return Skip(path, SkipReason.EMPTY)
    if holds_private_key(text):
        return Skip(path, SkipReason.SECRET, "a private key")
    if is_minified(path, text):
        return Skip(path, SkipReason.MINIFIED)
    marker = generated_marker(path, text)
    return Skip(path, SkipReason.GENERATED, marker[:DETAIL_CHARS]) if marker else None
