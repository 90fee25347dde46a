"""The only reader of the environment: typed, validated once, then passed on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things live and how the machine is used."""

    data_dir: Path
    """Indexes, one folder per root (``CODERANK_DATA_DIR``)."""
    cache_dir: Path
    """What can be computed again: vectors by content, extracted grammars (``CODERANK_CACHE_DIR``)."""
    model: str = "auto"
    """The embedding model of new indexes (``CODERANK_MODEL``)."""
    threads: int = 0
    """Threads of the embedding engine; 0 lets the machine decide (``CODERANK_THREADS``)."""
    background: bool = True
    """Whether ``coderank search`` may fill in vectors in a background process (``CODERANK_BACKGROUND``)."""
    debug: bool = False
    """Whether an unexpected error shows its traceback (``CODERANK_DEBUG``)."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from ``CODERANK_*`` variables.

        Raises:
            ConfigurationError: a variable holds a value of the wrong kind.
        """
        env = os.environ if environment is None else environment
        return cls(
            data_dir=_folder(env, "CODERANK_DATA_DIR", "user_data_path"),
            cache_dir=_folder(env, "CODERANK_CACHE_DIR", "user_cache_path"),
            model=env.get("CODERANK_MODEL", "") or "auto",
            threads=_count(env, "CODERANK_THREADS"),
            background=_flag(env, "CODERANK_BACKGROUND", default=True),
            debug=_flag(env, "CODERANK_DEBUG", default=False),
        )


def _folder(env: Mapping[str, str], name: str, default: str) -> Path:
    value = env.get(name)
    if value:
        return Path(value).expanduser().absolute()
    import platformdirs  # noqa: PLC0415 - 15 ms that an explicit folder saves

    folder: Path = getattr(platformdirs, default)("coderank", appauthor=False)
    return folder


def _count(env: Mapping[str, str], name: str) -> int:
    value = env.get(name, "") or "0"
    if not value.isdecimal():
        raise ConfigurationError(
            f"{name} is {value!r}, not a whole number", f"Unset {name} or give a number of threads"
        )
    return int(value)


def _flag(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = env.get(name, "").lower()
    if not value:
        return default
    if value in _TRUE | _FALSE:
        return value in _TRUE
    raise ConfigurationError(f"{name} is {value!r}, neither on nor off", f"Set {name} to 1 or 0")
