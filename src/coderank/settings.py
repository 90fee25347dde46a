"""The only reader of the environment: typed, validated once, then passed on."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

RERANK_MODEL = "nomic-ai/CodeRankLLM"
RERANK_BUDGET_MS = 500
"""What a person takes for "at once", together with the search itself."""
RERANK_TIMEOUT_MS = 30_000
"""A 7 B model reads 10,000 tokens in 1 to 10 s on a GPU. The budget of a search ends an answer before."""
RERANK_CONTEXT = 32_768
"""CodeRankLLM's own, as vLLM serves it. Ollama cuts what is longer than it was told, or than 4,096, silently."""
RERANK_CONCURRENCY = 10
"""The first round of ``topdown`` over 100 passages is one batch of so many."""
RERANK_STRATEGIES = ("topdown", "sliding")
"""The default first: windows of its first pass run at once."""
RERANK_PROMPTS = ("docstring", "github_issue")
"""The authors' variants, their default first."""
BACKENDS = ("auto", "onnx", "torch")
PRECISIONS = ("auto", "fp32", "bf16", "fp16", "int8")
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
    static_model: str = "auto"
    """The table whose vectors stand in for those of the model until they are there; ``auto`` for the one that comes
    with coderank, or ``none`` (``CODERANK_STATIC_MODEL``)."""
    models_file: Path | None = None
    """Models of the user's own, as TOML or JSON (``CODERANK_MODELS_FILE``)."""
    backend: str = "auto"
    """What runs an embedding model that is not bundled: one of BACKENDS (``CODERANK_BACKEND``)."""
    precision: str = "auto"
    """In which precision: one of PRECISIONS (``CODERANK_PRECISION``)."""
    device: str = "auto"
    """Where torch runs: ``auto`` for every GPU there is, else the CPU; or ``cpu``, ``cuda:0,cuda:1``
    (``CODERANK_DEVICE``)."""
    max_tokens: int = 0
    """Tokens of a text that the embedding model reads; 0 for the model's default (``CODERANK_MAX_TOKENS``)."""
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
    rerank_cross_encoder: str = "auto"
    """Which one runs where no folder is named: ``auto``, or a model's name (``CODERANK_RERANK_CROSS_ENCODER``)."""
    rerank_llm: Path | None = None
    """Weights of CodeRankLLM in the hub's layout, to be run in this process by torch (``CODERANK_RERANK_LLM``)."""
    rerank_strategy: str = "topdown"
    """In which order a language model sees the windows: one of RERANK_STRATEGIES (``CODERANK_RERANK_STRATEGY``)."""
    rerank_prompt: str = "docstring"
    """What the model is told that queries are: one of RERANK_PROMPTS (``CODERANK_RERANK_PROMPT``)."""
    rerank_budget_ms: int = RERANK_BUDGET_MS
    """What reranking may add to a search (``CODERANK_RERANK_BUDGET_MS``)."""
    rerank_timeout_ms: int = RERANK_TIMEOUT_MS
    """What one answer of the endpoint may take, retries included (``CODERANK_RERANK_TIMEOUT_MS``)."""
    rerank_context: int = RERANK_CONTEXT
    """Tokens that a prompt and its answer may have at the endpoint (``CODERANK_RERANK_CONTEXT``)."""
    rerank_concurrency: int = RERANK_CONCURRENCY
    """Requests that the endpoint is sent at once (``CODERANK_RERANK_CONCURRENCY``)."""
    collections_file: Path | None = None
    """Named collections, as JSON or TOML; None for `collections_place` (``CODERANK_COLLECTIONS_FILE``)."""
    qdrant_url: str = ""
    """The Qdrant server of collections that name none (``CODERANK_QDRANT_URL``, else ``QDRANT_URL``)."""
    qdrant_api_key: str = field(default="", repr=False)
    """Its key, shown nowhere (``CODERANK_QDRANT_API_KEY``, else ``QDRANT_API_KEY``)."""
    ca_file: Path | None = None
    """Who signs the certificates of Qdrant servers, in PEM; None for the public authorities (``CODERANK_CA_FILE``, else
    ``SSL_CERT_FILE``)."""
    serve_token: str = field(default="", repr=False)
    """What clients of ``coderank serve --http`` have to show; empty for none (``CODERANK_SERVE_TOKEN``)."""

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
            static_model=env.get("CODERANK_STATIC_MODEL", "") or "auto",
            models_file=_path(env, "CODERANK_MODELS_FILE"),
            backend=_one_of(env, "CODERANK_BACKEND", BACKENDS),
            precision=_one_of(env, "CODERANK_PRECISION", PRECISIONS),
            device=env.get("CODERANK_DEVICE", "") or "auto",
            max_tokens=_count(env, "CODERANK_MAX_TOKENS"),
            threads=_count(env, "CODERANK_THREADS"),
            background=_flag(env, "CODERANK_BACKGROUND", default=True),
            debug=_flag(env, "CODERANK_DEBUG", default=False),
            rerank_url=env.get("CODERANK_RERANK_URL", ""),
            rerank_model=env.get("CODERANK_RERANK_MODEL", "") or RERANK_MODEL,
            rerank_key=env.get("CODERANK_RERANK_KEY", ""),
            rerank_folder=_path(env, "CODERANK_RERANK_FOLDER"),
            rerank_cross_encoder=env.get("CODERANK_RERANK_CROSS_ENCODER", "") or "auto",
            rerank_llm=_path(env, "CODERANK_RERANK_LLM"),
            rerank_strategy=_one_of(env, "CODERANK_RERANK_STRATEGY", RERANK_STRATEGIES),
            rerank_prompt=_one_of(env, "CODERANK_RERANK_PROMPT", RERANK_PROMPTS),
            rerank_budget_ms=_count(env, "CODERANK_RERANK_BUDGET_MS") or RERANK_BUDGET_MS,
            rerank_timeout_ms=_count(env, "CODERANK_RERANK_TIMEOUT_MS") or RERANK_TIMEOUT_MS,
            rerank_context=_count(env, "CODERANK_RERANK_CONTEXT") or RERANK_CONTEXT,
            rerank_concurrency=_count(env, "CODERANK_RERANK_CONCURRENCY") or RERANK_CONCURRENCY,
            collections_file=_path(env, "CODERANK_COLLECTIONS_FILE"),
            qdrant_url=env.get("CODERANK_QDRANT_URL", "") or env.get("QDRANT_URL", ""),
            qdrant_api_key=env.get("CODERANK_QDRANT_API_KEY", "") or env.get("QDRANT_API_KEY", ""),
            ca_file=_path(env, "CODERANK_CA_FILE") or _path(env, "SSL_CERT_FILE"),
            serve_token=env.get("CODERANK_SERVE_TOKEN", ""),
        )

    def collections_place(self) -> Path:
        """Say where collections are described: the file that is set, else the one of the user's configuration folder.

        There it is ``collections.json``, or ``collections.toml`` where only that is there.
        """
        if self.collections_file:
            return self.collections_file
        import platformdirs  # noqa: PLC0415 - asked for by commands on collections only

        json = Path(platformdirs.user_config_path("coderank", appauthor=False), "collections.json")
        toml = json.with_suffix(".toml")
        return toml if toml.is_file() and not json.exists() else json


def secret(variable: str) -> str:
    """Read a key from the variable that a configuration names for it; empty where it is not set."""
    return os.environ.get(variable, "")


@dataclass(frozen=True, slots=True)
class ClientHomes:
    """Where this user's programs keep their configuration, as far as `coderank install` writes to it."""

    home: Path
    programs: Path
    """As the system would have it: ``~/.config``, ``~/Library/Application Support`` or ``%APPDATA%``."""
    zed: Path
    claude: Path | None = None
    """Moved there by ``CLAUDE_CONFIG_DIR``."""
    codex: Path | None = None
    """Moved there by ``CODEX_HOME``."""

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, home: Path | None = None, platform: str = sys.platform
    ) -> ClientHomes:
        """Find the folders of this user on this system."""
        env = os.environ if environment is None else environment
        home = home or Path.home()
        named = home / ".config"
        if platform == "win32":
            named = _path(env, "APPDATA") or home / "AppData" / "Roaming"
        elif platform != "darwin" and Path(env.get("XDG_CONFIG_HOME", "")).is_absolute():
            named = Path(env["XDG_CONFIG_HOME"])
        sandboxed = None if platform in {"win32", "darwin"} else _path(env, "FLATPAK_XDG_CONFIG_HOME")
        return cls(
            home=home,
            programs=home / "Library" / "Application Support" if platform == "darwin" else named,
            zed=(sandboxed or named) / ("Zed" if platform == "win32" else "zed"),
            claude=_path(env, "CLAUDE_CONFIG_DIR"),
            codex=_path(env, "CODEX_HOME"),
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


def _one_of(env: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = env.get(name, "").lower() or known[0]
    if value not in known:
        raise ConfigurationError(f"{name} is {value!r}", f"Choose from: {', '.join(known)}")
    return value


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
