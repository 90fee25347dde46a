"""The only reader of the environment: typed, validated once, then passed on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

RERANK_MODEL = "nomic-ai/CodeRankLLM"
RERANK_BUDGET_MS = 500
"""What a person takes for "at once", together with the search itself."""
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
    rerank_url: str = ""
    """OpenAI-compatible endpoint of a listwise reranker, up to its version (``CODERANK_RERANK_URL``)."""
    rerank_model: str = RERANK_MODEL
    """What the endpoint calls its model (``CODERANK_RERANK_MODEL``)."""
    rerank_key: str = field(default="", repr=False)
    """Sent to the endpoint as a bearer token, shown nowhere (``CODERANK_RERANK_KEY``)."""
    rerank_folder: Path | None = None
    """A cross-encoder's ``model.onnx`` and tokenizer (``CODERANK_RERANK_FOLDER``)."""
    rerank_budget_ms: int = RERANK_BUDGET_MS
    """What reranking may add to a search (``CODERANK_RERANK_BUDGET_MS``)."""

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
            rerank_url=env.get("CODERANK_RERANK_URL", ""),
            rerank_model=env.get("CODERANK_RERANK_MODEL", "") or RERANK_MODEL,
            rerank_key=env.get("CODERANK_RERANK_KEY", ""),
            rerank_folder=_path(env, "CODERANK_RERANK_FOLDER"),
            rerank_budget_ms=_count(env, "CODERANK_RERANK_BUDGET_MS") or RERANK_BUDGET_MS,
        )


def _path(env: Mapping[str, str], name: str) -> Path | None:
    value = env.get(name)
    return expanded(value).absolute() if value else None


def _folder(env: Mapping[str, str], name: str, default: str) -> Path:
    given = _path(env, name)
    if given:
        return given
    import platformdirs  # noqa: PLC0415 - 15 ms that an explicit folder saves

    folder: Path = getattr(platformdirs, default)("coderank", appauthor=False)
    return folder


def _count(env: Mapping[str, str], name: str) -> int:
    value = env.get(name, "") or "0"
    if not value.isdecimal():
        raise ConfigurationError(f"{name} is {value!r}, not a whole number", f"Unset {name} or give a whole number")
    return int(value)


def _flag(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = env.get(name, "").lower()
    if not value:
        return default
    if value in _TRUE | _FALSE:
        return value in _TRUE
    raise ConfigurationError(f"{name} is {value!r}, neither on nor off", f"Set {name} to 1 or 0")


def expanded(path: str | Path) -> Path:
    """Put the user's home folder in for a leading ``~``; a ``~name`` of nobody stays as it is, as in a shell."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)
