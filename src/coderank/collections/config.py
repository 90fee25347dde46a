"""What a file of collections may say, and how it is read: strict, checked once, then passed on frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from coderank.collections import document, rules

if TYPE_CHECKING:
    from pathlib import Path

SourceKind: TypeAlias = Literal["path", "git", "jsonl", "documents"]
Encoding: TypeAlias = Literal["one_bit", "two_bits", "one_and_half_bits"]
QueryEncoding: TypeAlias = Literal["default", "binary", "scalar4bits", "scalar8bits"]
TurboBits: TypeAlias = Literal["bits4", "bits2", "bits1_5", "bits1"]


class Binary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Binary quantization: 1 to 2 bits a number."""

    enabled: bool = True
    encoding: Encoding = "one_bit"
    query_encoding: QueryEncoding = "default"
    oversampling: float = 3.0
    """How many times as many candidates are taken from the quantized vectors as are wanted."""
    rescore: bool = True
    """Whether the stored vectors decide among them."""
    always_ram: bool = True


class Scalar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scalar quantization: 8 bits a number."""

    enabled: bool = True
    type: Literal["int8"] = "int8"
    quantile: float = 0.99
    """Share of the numbers that the range of 8 bits spans; those outside are cut."""
    oversampling: float = 1.0
    rescore: bool = True
    always_ram: bool = True


class Turbo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TurboQuant: the embedded store's own choice, and that of servers which have it."""

    enabled: bool = True
    bits: TurboBits = "bits4"
    oversampling: float = 1.0
    rescore: bool = True
    always_ram: bool = True


class Quantization(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wanted of quantization. A vector holds one: `used` says which."""

    binary: Binary | None = None
    scalar: Scalar | None = None
    turbo: Turbo | None = None

    @property
    def used(self) -> Binary | Scalar | Turbo | None:
        """The first that is enabled, in the order of the fields: binary wins over scalar."""
        return next((one for one in (self.binary, self.scalar, self.turbo) if one is not None and one.enabled), None)


class Reranking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether searches are reranked unless the caller says otherwise, and how."""

    enabled: bool = True
    model: str = ""
    """Catalogue name or hub id; empty for what the settings have."""
    candidates: int = 0
    """How many candidates the reranker sees at most; 0 for the default."""
    top_k: int = 0
    """How many hits a search gives where the caller names no number; 0 for the default."""
    budget_ms: int = 0
    """What reranking may add to a search; 0 for the setting."""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place that a collection is made of: exactly one of ``path``, ``git``, ``jsonl`` and ``documents``."""

    path: str = ""
    """Folder or file of code, read as `coderank index PATH` reads it."""
    git: str = ""
    """URL of a repository (https, ssh or file), cloned into the cache folder."""
    ref: str = ""
    """Branch or tag of a git source; empty for the repository's own choice."""
    jsonl: str = ""
    """File of ready chunks, one JSON object a line; may be compressed (.gz)."""
    documents: str = ""
    """Folder or file of documentation: text, and PDF, HTML and Word through docling."""
    name: str = ""
    """Begins the paths of its hits where a collection has several sources; by default the last part of the place."""
    include: tuple[str, ...] = ()
    """Globs as in a .gitignore; where given, only what matches one is taken."""
    exclude: tuple[str, ...] = ()
    """Globs of what is left out, on top of what .gitignore files leave out."""

    @property
    def kind(self) -> SourceKind:
        """Which of the four it is."""
        return "git" if self.git else "jsonl" if self.jsonl else "documents" if self.documents else "path"

    @property
    def place(self) -> str:
        """The path or URL itself."""
        return self.git or self.jsonl or self.documents or self.path


class PayloadMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the points of another program keep what coderank shows: dotted names, as ``payload.document``."""

    text: str
    path: str = ""
    start_line: str = ""
    end_line: str = ""
    language: str = ""
    symbol: str = ""


class Server(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A collection on a Qdrant server. Keys are never in the file: ``api_key_env`` names a variable."""

    url: str = ""
    """Empty for the setting (``CODERANK_QDRANT_URL`` or ``QDRANT_URL``)."""
    collection: str = ""
    """Its name on the server; filled in with the collection's own where the file gives none."""
    api_key_env: str = "QDRANT_API_KEY"
    prefer_grpc: bool = False
    grpc_port: int = 6334
    timeout_s: float = 30.0
    ca_file: str = ""
    """Who must have signed the server's certificate; empty for the setting (``SSL_CERT_FILE``)."""
    client_cert_file: str = ""
    """What this machine shows where the server asks for a certificate."""
    client_key_file: str = ""
    """Its key, where it is in another file."""
    vector: str | None = None
    """Name of the dense vector, "" for the unnamed one; None to find it out."""
    payload: PayloadMapping | str | None = None
    """A mapping or the name of a preset; None for coderank's own payload or what is found out."""
    shard_number: int | None = None
    replication_factor: int | None = None
    write_consistency_factor: int | None = None
    on_disk: bool = False
    """Whether vectors stay on the server's disk, with only the quantized ones in memory."""


class Collection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One named collection. Places are absolute, and sources have names: `load` completes both."""

    name: str
    embedding_model: str = "auto"
    """Catalogue name or hub id."""
    embedding_dimension: int = 0
    """What the model must produce; 0 where the file does not say."""
    distance_metric: str = "Cosine"
    quantization: Quantization = Quantization()
    reranking: Reranking = Reranking(enabled=False)
    sources: tuple[Source, ...] = ()
    store: Server | None = None
    """None for the embedded store."""

    @property
    def is_adopted(self) -> bool:
        """Whether another program writes it: it is on a server and has no sources."""
        return self.store is not None and not self.sources


def load(path: Path) -> dict[str, Collection]:
    """Read every collection of a file, JSON or TOML by its suffix, in the order of the file.

    Raises:
        ConfigurationError: the file cannot be read, has an unknown key, or says what cannot be; the message names the
            key with its path, as ``qdrant_ecosystem.quantization.binary.oversamplng``.
    """
    entries = document.read(path)
    return {name: _collection(path, name, entry) for name, entry in entries.items()}


def check(path: Path, name: str, entry: object) -> None:
    """Raise ConfigurationError if ``entry`` cannot be the collection ``name`` of a file."""
    _collection(path, name, entry)


def _collection(path: Path, name: str, entry: object) -> Collection:
    place = rules.Place(path, name)
    given: dict[str, Any] = rules.checked_table(place, entry)
    try:
        found = msgspec.convert(given | {"name": name}, Collection)
    except msgspec.ValidationError as error:
        raise rules.misfit(place, given, error, Collection) from error
    rules.check(place, found)
    sources = tuple(_completed(path, source) for source in found.sources)
    rules.check_names(place, sources)
    store = found.store and _placed(path, found.store, name)
    return msgspec.structs.replace(found, sources=sources, store=store)


def _placed(path: Path, store: Server, name: str) -> Server:
    """Give a store the name of its collection, and absolute places of its certificates."""
    files = {
        key: str(rules.absolute(path, place))
        for key in ("ca_file", "client_cert_file", "client_key_file")
        if (place := getattr(store, key))
    }
    return msgspec.structs.replace(store, collection=store.collection or name, **files)


def _completed(path: Path, source: Source) -> Source:
    """Give a source its name, and an absolute place: relative ones begin at the folder of the file that names them."""
    if source.kind != "git":
        source = msgspec.structs.replace(source, **{source.kind: str(rules.absolute(path, source.place))})
    return msgspec.structs.replace(source, name=source.name or rules.default_name(source))
