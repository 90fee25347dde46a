"""``coderank spread``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from coderank.collections.config import Collection
    from coderank.embedding.contract import Embedder
    from coderank.models.catalogue import Model
    from coderank.settings import Settings
    from coderank.store.server import ServerStore


@click.command(short_help="Embed exported chunks on a Ray cluster, and write them to a Qdrant server.")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="EXPORT...",
)
@click.option("--collection", "name", required=True, metavar="NAME", help="A configured collection with a store.")
@click.option("--embedders", type=click.IntRange(1), default=1, show_default=True, help="Processes with the model.")
@click.option("--gpus", type=click.FloatRange(0), default=0.0, show_default=True, help="GPUs of each of them.")
@click.option("--address", default="", metavar="A", help="Of the cluster; without, one is started on this machine.")
def spread(files: tuple[Path, ...], *, name: str, embedders: int, gpus: float, address: str) -> None:
    """Embed the chunks of each EXPORT on a Ray cluster and write them to a collection on a Qdrant server.

    An EXPORT is a file of `coderank collections export`, where every node can read it. Interrupted, it goes on when the
    command is run again: what the collection has already is not embedded again.
    """
    from coderank.indexing.location import collection_folder  # noqa: PLC0415 - not needed to print help
    from coderank.indexing.spread import Job, exports  # noqa: PLC0415
    from coderank.indexing.spread import spread as run  # noqa: PLC0415
    from coderank.loading.choice import described_embedder, embedder  # noqa: PLC0415
    from coderank.loading.servers import check_owner  # noqa: PLC0415
    from coderank.settings import Settings  # noqa: PLC0415
    from coderank.wiring import describe  # noqa: PLC0415

    settings = Settings.from_environment()
    described = describe(name, settings)
    file = settings.collections_place()
    # Before a cluster is started: what is missing, and whether another machine writes there.
    check_owner(described, settings, collection_folder(settings.data_dir, file / name))
    where = f"{name} in {file}"
    described_embedder(described.embedding_model, described.embedding_dimension, where, settings)
    model = embedder(described.embedding_model, settings)
    done = run(
        Job(
            files=exports(files),
            open_store=partial(opened_store, described, settings, model),
            open_embedder=partial(opened_model, model, settings),
            embedders=embedders,
            gpus=gpus,
            address=address,
        )
    )
    counts = done.counts
    click.echo(f"{name}: {done.written:,} chunks written with {model.name}, {counts.points:,} in all")
    if counts.dense < counts.points:
        click.echo(f"  {counts.points - counts.dense:,} have no vector and are found by their words")


def opened_store(described: Collection, settings: Settings, model: Model) -> ServerStore:
    """Open the collection in a process of the cluster, as one of coderank's own."""
    from coderank.indexing.claim import fingerprint_of  # noqa: PLC0415 - in another process
    from coderank.loading.servers import own_store  # noqa: PLC0415

    name = described.store.collection if described.store else ""  # which is refused
    return own_store(described, settings, model.dimension, fingerprint_of(model), name)


def opened_model(model: Model, settings: Settings) -> Embedder:
    """Open the model in a process of the cluster."""
    from coderank.loading.opened import opened_embedder  # noqa: PLC0415 - in another process

    return opened_embedder(model, settings)
