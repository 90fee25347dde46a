"""Change one collection of a user's file, and nothing else in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coderank.collections import config, document
from coderank.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_INDENT = re.compile(rb"^\{\s*?\n([ \t]+)")
_BARE_KEY = re.compile(r"[\w-]+", re.ASCII)


def change(path: Path, name: str, values: Mapping[str, Any]) -> Path:
    """Set keys of the collection ``name`` in a JSON file; a value of None takes the key away.

    What the file was is kept beside it and returned: ``collections.json.bak``, or with a number where that is there.
    The order of keys and the depth of indentation stay, and the file is replaced in one step.

    Raises:
        ConfigurationError: there is no such collection, the result would not be one, the file cannot be written, or
            it is TOML, whose comments would be lost: then the remedy is the text to paste.
    """
    tables = document.read(path)
    if name not in tables:
        raise ConfigurationError(f"{path} has no collection {name!r}", f"It has: {', '.join(tables) or 'none'}")
    entry = {key: value for key, value in (tables[name] | values).items() if value is not None}
    config.check(path, name, entry)
    if path.suffix.lower() == ".toml":
        raise ConfigurationError(
            f"{path} is TOML, which is not rewritten: its comments would be lost",
            f"Put this there, in the place of what it has of these keys:\n{toml_text(name, values)}",
        )
    try:
        return _rewrite(path.resolve(), tables | {name: entry})
    except OSError as error:
        raise ConfigurationError(f"Cannot write {path}: {error.strerror or error}", "Allow writing there") from error


def toml_text(name: str, values: Mapping[str, Any]) -> str:
    """Write keys of a collection as TOML, one a line."""
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items() if value is not None]
    return "\n".join([f"[{_key(name)}]", *lines])


def _rewrite(path: Path, tables: Mapping[str, Any]) -> Path:
    before = path.read_bytes()
    indent = found[1].decode() if (found := _INDENT.match(before)) else 2
    text = json.dumps(tables, indent=indent, ensure_ascii=False) + "\n"
    backup = _backup(path)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.copymode(path, draft)
        Path(draft).replace(path)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
    return backup


def _backup(path: Path) -> Path:
    """Copy a file to the first free name; what an earlier change kept is not overwritten."""
    number = 0
    while True:
        kept = path.with_name(f"{path.name}.bak{number or ''}")
        try:
            with kept.open("xb") as stream:
                stream.write(path.read_bytes())
            shutil.copymode(path, kept)
            return kept
        except FileExistsError:
            number += 1


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _value(value: object) -> str:
    """Write a scalar or a list: JSON's spelling of strings, numbers, booleans and lists is TOML's too."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
