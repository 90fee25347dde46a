"""What a collection must keep to beyond the form of its keys, and what to say when it does not. Pure."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec

from coderank.errors import ConfigurationError
from coderank.settings import expanded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coderank.collections.config import Collection, Server, Source

DISTANCES = ("Cosine", "Dot")
"""Vectors are normalised, so that both give the same order."""
GIT_SCHEMES = ("https", "ssh", "file")
STORE_SCHEMES = ("http", "https")
MAX_NAME_BYTES = 200
"""Qdrant takes 255; the rest is left for the suffixes of shadows and backups."""
MAX_PORT = 65_535
MAX_CANDIDATES = 100
"""What rerankers are given at most (``reranking/policy.py``)."""
_NAME = re.compile(r"""[^<>:"/\\|?*\x00-\x1f\x7f-\x9f\s]+""")
_SCP_LIKE = re.compile(r"(?:[\w.-]+@)?[\w.-]+:(?!//)\S+")
"""``git@github.com:owner/name.git``, which git takes for ssh."""
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`")
_SECRET_WORDS = ("api_key", "password", "secret", "token")
_WHERE = re.compile(r" - at `\$(.*)`$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a complaint is about."""

    file: Path
    name: str

    def error(self, key: str, complaint: str, remedy: str) -> ConfigurationError:
        """Complain about one key of the collection, "" for all of it."""
        return ConfigurationError(f"{'.'.join(filter(None, (self.name, key)))} in {self.file} {complaint}", remedy)


def checked_table(place: Place, entry: object) -> dict[str, Any]:
    """Return the entry if it is a table under a usable name."""
    if not _NAME.fullmatch(place.name) or set(place.name) == {"."} or len(place.name.encode()) > MAX_NAME_BYTES:
        raise ConfigurationError(
            f"{place.name!r} in {place.file} cannot be the name of a collection",
            f'Leave out white space and <>:"/\\|?*, and keep to {MAX_NAME_BYTES} bytes',
        )
    if not isinstance(entry, dict):
        raise place.error("", f"is {entry!r}, not a table", "Each name at the top of the file is a collection")
    if "name" in entry:
        raise place.error("name", "is not a key", "The key that holds the table is the collection's name")
    return entry


def misfit(place: Place, given: Mapping[str, Any], error: Exception, shape: type[msgspec.Struct]) -> ConfigurationError:
    """Say which key does not fit the form, with its path, and what it might have been meant for."""
    where = _WHERE.search(str(error))
    key = where[1].removeprefix(".") if where else ""
    complaint = _WHERE.sub("", str(error))
    unknown = _UNKNOWN.match(complaint)
    if unknown is None:
        return place.error(key, f"is {_value_at(given, key)!r}: {complaint}", "Correct it there")
    name, known = unknown[1], _keys_at(shape, key)
    key = f"{key}.{name}" if key else name
    if any(word in name for word in _SECRET_WORDS):
        return place.error(
            key, "is not a key: secrets are not kept in this file", "Put it into a variable that api_key_env names"
        )
    near = difflib.get_close_matches(name, known, n=1)
    return place.error(key, "is not a key", f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}")


def check(place: Place, found: Collection) -> None:
    """Raise ConfigurationError for what no collection can be."""
    _check_vectors(place, found)
    _check_numbers(place, found)
    for number, source in enumerate(found.sources):
        _check_source(place, f"sources[{number}]", source)
    if found.store is not None:
        _check_store(place, found.store)


def default_name(source: Source) -> str:
    """Name a source by the last part of its place: ``https://host/owner/name.git`` -> ``name``."""
    last = source.place.rstrip("/").replace(":", "/").rpartition("/")[2]
    for suffix in (".git",) if source.kind == "git" else (".gz", ".jsonl"):
        last = last.removesuffix(suffix)
    return last or source.kind


def check_names(place: Place, sources: Sequence[Source]) -> None:
    """Refuse two sources of one name: their hits could not be told apart."""
    for number, source in enumerate(sources):
        if source.name in {earlier.name for earlier in sources[:number]}:
            raise place.error(
                f"sources[{number}]", f"is called {source.name!r} like one before it", "Give it another name: name"
            )


def absolute(file: Path, place: str) -> Path:
    """Resolve a place that a file names: ``~`` is the user's home, and relative ones begin at the file's folder."""
    return Path(os.path.normpath(file.absolute().parent / expanded(place)))


def _check_vectors(place: Place, found: Collection) -> None:
    if not found.embedding_model.strip():
        raise place.error("embedding_model", "is empty", "Name a model, or leave the key out for auto")
    if found.embedding_dimension < 0:
        raise place.error("embedding_dimension", f"is {found.embedding_dimension}", "Give the model's dimension")
    metric = found.distance_metric
    if metric in DISTANCES:
        return
    near = next((known for known in DISTANCES if known.lower() == metric.lower()), None)
    raise place.error(
        "distance_metric",
        f"is {metric!r}, which is not one of {', '.join(DISTANCES)}",
        f"Write {near}" if near else "Write Cosine: vectors are normalised, which gives the same order",
    )


def _check_numbers(place: Place, found: Collection) -> None:
    quantization, reranking = found.quantization, found.reranking
    for key in ("binary", "scalar", "turbo"):
        one = getattr(quantization, key)
        if one is not None and not one.oversampling >= 1:
            raise place.error(f"quantization.{key}.oversampling", f"is {one.oversampling}", "Give 1.0 or more")
    if quantization.scalar is not None and not 0.5 <= quantization.scalar.quantile <= 1:
        raise place.error(
            "quantization.scalar.quantile", f"is {quantization.scalar.quantile}", "Give a number from 0.5 to 1.0"
        )
    for key in ("candidates", "top_k", "budget_ms"):
        if getattr(reranking, key) < 0:
            raise place.error(f"reranking.{key}", f"is {getattr(reranking, key)}", "Give 1 or more")
    if reranking.candidates > MAX_CANDIDATES:
        raise place.error(
            "reranking.candidates",
            f"is {reranking.candidates}",
            f"Give at most {MAX_CANDIDATES}: no reranker sees more",
        )
    if reranking.candidates and reranking.top_k > reranking.candidates:
        raise place.error(
            "reranking.top_k",
            f"is {reranking.top_k}, more than the {reranking.candidates} candidates",
            "Raise reranking.candidates or lower it",
        )


def _check_source(place: Place, key: str, source: Source) -> None:
    given = [kind for kind in ("path", "git", "jsonl", "documents") if getattr(source, kind)]
    if len(given) != 1:
        raise place.error(key, f"has {' and '.join(given) or 'no place'}", "Give one of: path, git, jsonl, documents")
    if source.name and (not _NAME.fullmatch(source.name) or set(source.name) == {"."}):
        raise place.error(f"{key}.name", f"is {source.name!r}", "Leave out white space, / and other signs of paths")
    if source.ref and (not source.git or source.ref.startswith("-") or any(map(str.isspace, source.ref))):
        raise place.error(f"{key}.ref", f"is {source.ref!r}", "Give the branch or tag of a git source, or leave it out")
    if source.git:
        _check_url(place, f"{key}.git", source.git, GIT_SCHEMES, may_be_scp=True)


def _check_store(place: Place, store: Server) -> None:
    if store.url:
        _check_url(place, "store.url", store.url, STORE_SCHEMES)
    if not 0 < store.grpc_port <= MAX_PORT:
        raise place.error("store.grpc_port", f"is {store.grpc_port}", f"Give a port from 1 to {MAX_PORT}")
    if store.client_key_file and not store.client_cert_file:
        raise place.error("store.client_key_file", "is a key to no certificate", "Give store.client_cert_file too")
    if not store.timeout_s > 0:
        raise place.error("store.timeout_s", f"is {store.timeout_s}", "Give seconds, more than 0")
    for key in ("shard_number", "replication_factor", "write_consistency_factor"):
        number = getattr(store, key)
        if number is not None and number < 1:
            raise place.error(f"store.{key}", f"is {number}", "Give 1 or more")
    copies = store.replication_factor or 1
    if (store.write_consistency_factor or 1) > copies:
        raise place.error(
            "store.write_consistency_factor",
            f"is {store.write_consistency_factor}, more than the {copies} copies there are",
            "Raise store.replication_factor or lower it",
        )
    if store.collection and (not _NAME.fullmatch(store.collection)):
        raise place.error("store.collection", f"is {store.collection!r}", "Give the name that the server has")


def _check_url(place: Place, key: str, url: str, schemes: tuple[str, ...], *, may_be_scp: bool = False) -> None:
    if may_be_scp and not url.startswith("-") and _SCP_LIKE.fullmatch(url):
        return
    remedy = f"Begin it with {_listed(schemes)}"
    try:
        parts = urlsplit(url)
    except ValueError:  # its message may quote what the next lines keep to themselves
        raise place.error(key, "is no URL", remedy) from None
    # Hosts take a token for the user name as well, and a URL is shown to whoever lists the collections.
    if parts.password is not None or ("@" in parts.netloc and parts.scheme != "ssh"):
        raise place.error(
            key,
            "holds a password, or a user name that may be one",
            "Take it out of the file, up to the @: git and Qdrant have their own places for it",
        )
    if parts.scheme not in schemes or not (parts.netloc or parts.scheme == "file"):
        raise place.error(key, f"is {url!r}", remedy)


def _listed(schemes: tuple[str, ...]) -> str:
    return " or ".join(f"{scheme}://" for scheme in schemes)


def _value_at(given: object, path: str) -> object:
    value: Any = given
    for step in _steps(path):
        value = value[int(step) if isinstance(value, list) else step]
    return value


def _keys_at(shape: type[msgspec.Struct], path: str) -> list[str]:
    """List the keys that a table at a path may have."""
    struct = shape
    for step in _steps(path):
        if not step.isdecimal():
            struct = _struct_in(get_type_hints(struct)[step]) or struct
    # The name of a collection is the key that holds it.
    return [key for key in struct.__struct_fields__ if path or key != "name"]


def _steps(path: str) -> list[str]:
    """``sources[1].name`` -> ``sources``, ``1``, ``name``."""
    return re.findall(r"[^.\[\]]+", path)


def _struct_in(hint: object) -> type[msgspec.Struct] | None:
    """Find the struct that a type is, or is one of."""
    if get_origin(hint) is None and isinstance(hint, type):
        return hint if issubclass(hint, msgspec.Struct) else None
    return next((found for found in map(_struct_in, get_args(hint)) if found is not None), None)
