"""A file of collections as plain tables, in the order the user wrote them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from coderank.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".json", ".toml")
SAMPLE = "configs/sample_collections.json"


def read(path: Path) -> dict[str, Any]:
    """Read the tables of a JSON or TOML file by name.

    Raises:
        ConfigurationError: it cannot be read or is no such file.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(f"{path} is neither .json nor .toml", "Rename it after what it holds")
    try:
        return parse(path, path.read_bytes())
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no file of collections at {path}",
            f"Write one (docs/collections.md; {SAMPLE} is a sample), or set CODERANK_COLLECTIONS_FILE",
        ) from error
    except OSError as error:
        raise ConfigurationError(f"Cannot read {path}: {error.strerror}", "Allow reading it") from error


def parse(path: Path, data: bytes) -> dict[str, Any]:
    """Parse the content of a file named ``path``, as `read` does."""
    try:
        found = _toml(data) if path.suffix.lower() == ".toml" else _json(path, data)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} cannot be parsed: {error}", "Correct it there") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path} holds no table of collections", f"{SAMPLE} shows the form")
    return found


def _toml(data: bytes) -> object:
    return msgspec.toml.decode(data)


def _json(path: Path, data: bytes) -> object:
    # The standard library's parser sees a key that is there twice; others keep one of the two and say nothing.
    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ConfigurationError(f"{path} has the key {twice!r} twice in one table", "Delete or rename one")
        return found

    return json.loads(data.decode("utf-8-sig"), object_pairs_hook=table)
