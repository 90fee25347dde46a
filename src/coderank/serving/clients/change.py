"""One change of one client's file: planned without a trace, shown, then made whole or not at all."""

from __future__ import annotations

import difflib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coderank.errors import ClientFileError
from coderank.serving.clients import jsonc, toml
from coderank.serving.clients.entry import NAME, entry_for, is_ours
from coderank.serving.clients.faults import BrokenFileError, ForeignShapeError
from coderank.store.atomic import put_whole, usual_rights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import ModuleType

    from coderank.serving.clients.catalogue import Client

BACKUP_SUFFIX = ".coderank-backup"
LONG_LINE = 500
"""Characters beyond which a line was written by a program, and is not shown whole."""
AROUND = 40
"""Characters shown before and behind a change in such a line."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Change:
    """What a file holds and what it is to hold; None is no file."""

    client: Client
    path: Path
    before: bytes | None
    after: bytes | None
    is_first: bool = False
    """Whether there was no entry of ours yet, so that this file is the one to keep a copy of."""

    @property
    def is_needed(self) -> bool:
        """Whether anything is to be done."""
        return self.before != self.after

    @property
    def backup(self) -> Path:
        """Where the file as it was is kept, beside it."""
        return backup_of(self.path)

    def diff(self) -> str:
        """Show the change as a unified diff, with line ends as they are read; of long lines only what changes."""
        old, new = (_lines(data) for data in (self.before, self.after))
        old_name = str(self.path) if self.before is not None else "/dev/null"
        new_name = str(self.path) if self.after is not None else "/dev/null"
        if max(map(len, [*old, *new]), default=0) > LONG_LINE:
            return "\n".join((f"--- {old_name}", f"+++ {new_name}", *_within_lines("\n".join(old), "\n".join(new))))
        return "\n".join(difflib.unified_diff(old, new, old_name, new_name, lineterm=""))

    def make(self) -> None:
        """Write the file; a copy of it as it was before the first entry is made first.

        That copy stays until the very same bytes are back: an update would only put our own entry into it.

        Raises:
            ClientFileError: it was changed since it was read, or cannot be written.
        """
        try:
            if _read(self.path) != self.before:
                raise ClientFileError(f"{self.path} was changed meanwhile", "Nothing was written; run it again")
            self._write()
        except OSError as error:
            raise ClientFileError(
                f"Cannot write {self.path}: {error.strerror or error}", "Allow writing there, or see --print"
            ) from error

    def _write(self) -> None:
        # A client's file may be a link into a folder of dotfiles: what it leads to is replaced, not the link.
        target = self.path.resolve()
        rights = stat.S_IMODE(target.stat().st_mode) if self.before is not None else usual_rights()
        if self.before is not None and not os.access(target, os.W_OK):
            raise PermissionError(0, "it is read-only", str(target))
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.after is None:
            target.unlink()
            return
        restored = self.backup.is_file() and self.backup.read_bytes() == self.after
        if self.before is not None and self.is_first:
            put_whole(self.backup, self.before, rights=rights)
        put_whole(target, self.after, rights=rights)
        if restored:
            self.backup.unlink()


def backup_of(path: Path) -> Path:
    """Where the copy of a client's file is kept."""
    return path.with_name(path.name + BACKUP_SUFFIX)


def installed(client: Client, path: Path, command: Sequence[str]) -> Change:
    """Plan to enter coderank in a client's file.

    Raises:
        ClientFileError: the file is broken, has another shape, or its entry of that name is somebody else's.
    """
    before = _read(path)
    older = _entry(client, path, before, _paste(client, entry_for(client, command)))
    entry = entry_for(client, command, older)
    if older == entry:
        return Change(client, path, before, before)
    return Change(client, path, before, _put(client, path, before, entry), is_first=older is None)


def uninstalled(client: Client, path: Path) -> Change:
    """Plan to take coderank's entry out: back to the very bytes before it was entered, if nothing else changed since.

    Else the entry is cut, and its table if that holds nothing else. Raises ClientFileError as `installed` does.
    """
    before = _read(path)
    remedy = f"Take {NAME!r} out by hand"
    entry = _entry(client, path, before, remedy)
    if before is None or entry is None:
        return Change(client, path, before, before)
    original = _read(backup_of(path))
    if _leads_to(client, path, original, entry, before):
        return Change(client, path, before, original)
    after = _edited(path, before, lambda text: _edits(client).take_out(text, client.table, NAME), remedy)
    return Change(client, path, before, after)


def _leads_to(client: Client, path: Path, original: bytes | None, entry: dict[str, Any], now: bytes) -> bool:
    """Whether an install on the original gives what is there now."""
    try:
        return _entry(client, path, original, "") is None and _put(client, path, original, entry) == now
    except ClientFileError:
        return False


def _entry(client: Client, path: Path, data: bytes | None, remedy: str) -> dict[str, Any] | None:
    """Read the entry of our name. Raises ClientFileError where it is not ours."""
    found: list[dict[str, Any] | None] = []

    def look(text: str) -> str:
        found.append(_edits(client).find(text, client.table, NAME))
        return text

    _edited(path, data or b"", look, remedy)
    if found[0] is not None and not is_ours(found[0]):
        raise ClientFileError(f"{path} has an entry {NAME!r} that does not start this program", remedy)
    return found[0]


def _put(client: Client, path: Path, data: bytes | None, entry: dict[str, Any]) -> bytes:
    return _edited(
        path, data or b"", lambda text: _edits(client).put(text, client.table, NAME, entry), _paste(client, entry)
    )


def _edited(path: Path, data: bytes, edit: Callable[[str], str], remedy: str) -> bytes:
    mark = _BOM if data.startswith(_BOM) else b""
    try:
        return mark + edit(data.removeprefix(mark).decode("utf-8")).encode("utf-8")
    except UnicodeDecodeError as error:
        raise ClientFileError(f"{path} is left as it is: it is not UTF-8", remedy) from error
    except (BrokenFileError, ForeignShapeError) as error:
        raise ClientFileError(f"{path} is left as it is: {error}", remedy) from error


def _edits(client: Client) -> ModuleType:
    return toml if client.format == "toml" else jsonc


def _paste(client: Client, entry: dict[str, Any]) -> str:
    return (
        f"Mend it and run the command again, or enter this by hand: {_edits(client).shown(client.table, NAME, entry)}"
    )


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ClientFileError(f"Cannot read {path}: {error.strerror or error}", "Allow reading it") from error


def _lines(data: bytes | None) -> list[str]:
    return (data or b"").decode("utf-8", "replace").splitlines()


def _within_lines(old: str, new: str) -> Iterator[str]:
    """Show the one stretch in which two texts differ, with a little of what is around it."""
    start = _shared(old, new)
    rest_of_old, rest_of_new = old[start:], new[start:]
    end = _shared(rest_of_old[::-1], rest_of_new[::-1])
    before = ("…" if start > AROUND else "") + old[max(0, start - AROUND) : start]
    after = rest_of_old[len(rest_of_old) - end :]
    after = after[:AROUND] + ("…" if len(after) > AROUND else "")
    yield f"@@ character {start} @@"
    for sign, changed in (("-", rest_of_old), ("+", rest_of_new)):
        stretch = changed[: len(changed) - end]
        yield from (f"{sign}{line}" for line in f"{before}{stretch}{after}".split("\n"))


def _shared(old: str, new: str) -> int:
    """How many characters two texts have in common at their start."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))
