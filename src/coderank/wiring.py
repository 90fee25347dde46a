"""Which tree, folder, model and settings an engine is opened on: of a path, or of a named collection. Opens nothing."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING

from coderank.corpus import grammars
from coderank.errors import ConfigurationError, IndexUnusableError
from coderank.indexing.claim import fingerprint_of
from coderank.indexing.generation import Generation, Home
from coderank.indexing.keeping import InFolder
from coderank.indexing.location import arguments, collection_folder, existing, index_folder, remembered
from coderank.indexing.tree import FolderTree
from coderank.loading.choice import described_embedder, embedder, remembered_embedder, stand_in
from coderank.settings import RERANK_MODEL, expanded
from coderank.store.quantization import TURBO

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coderank.collections.config import Collection, Reranking
    from coderank.embedding.contract import Embedder
    from coderank.indexing.keeping import Keeper
    from coderank.indexing.tree import Tree
    from coderank.models.catalogue import Model
    from coderank.retrieval.answer import Reranking as Asking
    from coderank.settings import Settings
    from coderank.store.contract import KeptStore
    from coderank.store.raw import RawPoints

DEFAULT_LIMIT = 10
"""Hits of a search that names no number: what fits a screen, or an agent's attention."""


SWITCHED_S = 0.3
"""What a search waits that met points of another model than described, before it looks again."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a search does where its caller does not say."""

    limit: int = DEFAULT_LIMIT
    rerank: bool = False
    candidates: int = 0
    """How many candidates a reranker sees at most; 0 for its own number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What an engine is opened on."""

    home: Home
    generation: Generation
    label: str
    """What its hits' paths are relative to, as the caller named it; of a collection, its name."""
    root_of: Callable[[str], str]
    """Gives what joins with a hit's path to a file that can be opened; "" where nothing does."""
    inside: Callable[[str], str] = str
    """Spells the path of a file, as a user may name it, as hits do."""
    arguments: str
    """What names it on the command line."""
    collection: str = ""
    """Name of the collection; empty for a path."""
    follow: bool
    """Whether the model is the one that the index remembers, whatever that is."""
    anew: Callable[[], Opening] | None = None
    """Finds out again which model made points that were written elsewhere; None where the record of an index says."""
    defaults: Defaults = field(default_factory=Defaults)


def of_path(path: str | Path, model: str, index_dir: Path | None, settings: Settings) -> Opening:
    """Find out what the engine of a folder or file needs. Raises what `Engine.open` raises."""
    given = expanded(path)
    root = existing(given if str(path) else None)
    folder = expanded(index_dir).absolute() if index_dir else index_folder(settings.data_dir, root)
    named = arguments(given, index_dir, model)
    tree = FolderTree(root, leave_out=(folder, settings.data_dir, settings.cache_dir))
    chosen = _Chosen(settings.model if model == "auto" else model, remember=model == "auto", named=named)
    label = str(given if root.is_dir() else given.parent)
    home, generation = _wired(tree, root, folder, chosen, settings, InFolder(static=stand_in(settings)))
    return Opening(
        home=home,
        generation=generation,
        label=label,
        root_of=lambda _: label,
        arguments=named,
        follow=chosen.remember,
    )


def of_collection(
    name: str, settings: Settings, *, model: str = "auto", remember: bool = True, bare: bool = False
) -> Opening:
    """Find out what the engine of a named collection needs. Raises what `Engine.open_collection` raises.

    A ``bare`` one may have neither sources nor points: they are to be loaded.
    """
    from coderank.indexing.gathered import gathered  # noqa: PLC0415 - not needed to open a folder
    from coderank.loading.servers import quantization  # noqa: PLC0415

    file = settings.collections_place()
    described = describe(name, settings)
    settings = _reranked(settings, described.reranking)
    root = file / name
    folder = collection_folder(settings.data_dir, root)
    tree = gathered(described, settings.cache_dir, (folder, settings.data_dir, settings.cache_dir))
    named = shlex.join(["--collection", name, *(["--model", model] if model != "auto" else [])])
    remember = remember and model == "auto"
    chosen = _Chosen(model if model != "auto" else _model_of(described, settings), remember=remember, named=named)
    # The dimension is that of the described model: who names another one means its own.
    dimension = described.embedding_dimension if model == "auto" else 0
    found = described_embedder(chosen.name, dimension, f"{name} in {file}", settings)
    keeper: Keeper = (
        OnServer(described, settings, folder)
        if described.store
        else InFolder(quantization(described.quantization, TURBO), stand_in(settings))
    )
    home, generation = _wired(tree, root, folder, chosen, settings, keeper)
    if described.is_adopted:
        from coderank.indexing.foreign import ForeignGeneration  # noqa: PLC0415 - most collections have sources

        generation = ForeignGeneration(home, found)
    elif not bare and not tree.is_there and not generation.is_met():
        raise ConfigurationError(
            f"The collection {name} of {file} has no sources, and nothing was loaded into it",
            "Give it sources or a store (docs/collections.md)",
        )
    reranking = described.reranking
    return Opening(
        home=home,
        generation=generation,
        label=name,
        root_of=tree.root_of,
        inside=tree.inside,
        collection=name,
        arguments=named,
        follow=remember,
        anew=partial(_anew, name, settings) if described.is_adopted and model == "auto" else None,
        defaults=Defaults(reranking.top_k or DEFAULT_LIMIT, reranking.enabled, reranking.candidates),
    )


def _anew(name: str, settings: Settings) -> Opening:
    """Find out again, a moment later: between an alias and a description that are switched lie milliseconds."""
    time.sleep(SWITCHED_S)
    return of_collection(name, settings)


def describe(name: str, settings: Settings) -> Collection:
    """Read what the file of collections says of one.

    Raises:
        ConfigurationError: there is no such file or collection, or the file cannot be used.
    """
    from coderank.collections.config import load  # noqa: PLC0415 - msgspec: not needed to open a folder

    file = settings.collections_place()
    known = load(file)
    if name not in known:
        near = get_close_matches(name, known, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known) or 'none'}"
        raise ConfigurationError(f"{file} has no collection {name!r}", remedy)
    return known[name]


@dataclass(frozen=True, slots=True)
class OnServer:
    """Keeps points on the server that a collection names."""

    described: Collection
    settings: Settings
    home: Path | None = None
    """The index folder of a collection that is indexed from here."""

    @property
    def shared(self) -> bool:
        """True: whoever can reach the server can."""
        return True

    def store(
        self,
        folder: Path,
        model: Model,
        verify: Callable[[], object],
        verify_empty: Callable[[], object],
    ) -> KeptStore:
        """Open the collection on the server; of one that another program writes, there is no record here to check."""
        from coderank.loading.servers import open_store  # noqa: PLC0415 - the client takes 0.5 s to import

        made_by = fingerprint_of(model)
        if self.described.is_adopted:
            return open_store(self.described, self.settings, model.dimension, fingerprint=made_by)
        from coderank.store.ownership import Ownership  # noqa: PLC0415

        return open_store(
            self._of(folder),
            self.settings,
            model.dimension,
            fingerprint=made_by,
            owned=Ownership(self.home, self.described.name) if self.home else None,
            verify=verify,
            verify_empty=verify_empty,
        )

    def points(self, folder: Path, verify: Callable[[], object]) -> RawPoints:  # noqa: ARG002 - the server checks
        """Open the points that the generation has, or the collection's name stands for now."""
        from coderank.loading.servers import open_points  # noqa: PLC0415 - the client takes 0.5 s to import

        return open_points(self._of(folder), self.settings)

    def _of(self, folder: Path) -> Collection:
        """Describe what a generation in a folder has: a collection of its own, or what the name stands for."""
        from coderank.loading.servers import pinned  # noqa: PLC0415 - as above
        from coderank.store.pin import read_pin  # noqa: PLC0415

        name = self.described.store.collection if self.described.store else ""
        return pinned(self.described, read_pin(folder, name))


def _model_of(described: Collection, settings: Settings) -> str:
    """Return what a description names; of points that were written elsewhere, else what they say themselves."""
    if not described.is_adopted or described.embedding_model != "auto":
        return described.embedding_model
    from coderank.loading.servers import recorded_model  # noqa: PLC0415 - the client takes 0.5 s to import

    return recorded_model(described, settings)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The model that was asked for."""

    name: str
    remember: bool
    """Whether an index that is there keeps its own instead."""
    named: str


def _wired(
    tree: Tree, root: Path, folder: Path, chosen: _Chosen, settings: Settings, keeper: Keeper
) -> tuple[Home, Generation]:
    grammars.use_cache(settings.cache_dir / "grammars")
    try:
        found = remembered(folder, root)
        known = remembered_embedder(found, settings) if found and chosen.remember else None
    except IndexUnusableError as error:
        error.name_index(chosen.named)
        raise
    download = chosen.name != "auto" and known is None
    opened = partial(_opened, settings=settings, download=download)
    static = keeper.static if isinstance(keeper, InFolder) else None
    home = Home(tree=tree, root=root, folder=folder, settings=settings, embedder=opened, keeper=keeper, static=static)
    return home, Generation(home, known or embedder(chosen.name, settings), found.generation if found else "")


def reranking(defaults: Defaults, settings: Settings, *, wanted: bool | None) -> Asking | None:
    """Say how a search is reranked; None for not at all. ``wanted`` None leaves it to the defaults.

    Raises ConfigurationError: it is wanted, and there is no reranker.
    """
    if not (defaults.rerank if wanted is None else wanted):
        return None
    from coderank.loading.rerankers import opened_cascade  # noqa: PLC0415 - most searches are not reranked
    from coderank.reranking.policy import CANDIDATES  # noqa: PLC0415
    from coderank.retrieval.answer import Reranking as Asked  # noqa: PLC0415

    try:
        cascade = opened_cascade(settings)
    except ConfigurationError as error:
        if wanted:
            raise
        return Asked(None, why=error.message)
    return Asked(cascade, defaults.candidates or CANDIDATES, settings.rerank_budget_ms)


def _reranked(settings: Settings, wanted: Reranking) -> Settings:
    """Map what a collection says of reranking onto the settings; what these say themselves of the endpoint stands."""
    if wanted.budget_ms:
        settings = replace(settings, rerank_budget_ms=wanted.budget_ms)
    if not wanted.model:
        return settings
    from coderank.loading.rerankers import is_cross_encoder  # noqa: PLC0415 - most searches are not reranked

    if is_cross_encoder(wanted.model, settings):
        return replace(settings, rerank_url="", rerank_llm=None, rerank_cross_encoder=wanted.model)
    return replace(settings, rerank_model=wanted.model) if settings.rerank_model == RERANK_MODEL else settings


def _opened(model: Model, settings: Settings, *, download: bool) -> Embedder:
    from coderank.loading.opened import opened_embedder  # noqa: PLC0415 - a lexical search needs no model

    return opened_embedder(model, settings, download=download)
