"""Two machines that index one collection of a server: the second is refused or takes over, and nothing is lost."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from qdrant_client import QdrantClient
from tests.indexing.indexing_world import source
from tests.store.qdrant_server import QdrantServer
from tests.tiny_model import settings_with_tiny

from coderank import Engine
from coderank.cli.main import cli
from coderank.disposal import loss
from coderank.errors import IndexCorruptError, StoreError, UsageError
from coderank.indexing.unstored import points_of
from coderank.loading.choice import embedder
from coderank.loading.opened import opened_embedder
from coderank.loading.servers import check_owner
from coderank.migration.elsewhere import Input, embed
from coderank.migration.parquet import Header
from coderank.migration.text import ChunkTexts
from coderank.migration.vectors import Embedding
from coderank.moving.creation import create, is_missing
from coderank.moving.move import kind_of
from coderank.moving.server import ServerMove
from coderank.moving.sourced import SourcedMove
from coderank.settings import Settings
from coderank.store import server as server_store
from coderank.store.ownership import OWNER, Ownership
from coderank.wiring import describe

QUESTION = "function of part2"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_store, "LOOK_AGAIN_S", 0.05)


@pytest.fixture
def machine(server: QdrantServer, tmp_path: Path) -> Callable[[str], Engine]:
    """A machine with a tree, a data folder and a cache of its own, that describes the collection ``app``."""

    known: dict[str, Settings] = {}

    def made(name: str, *, sources: bool = True) -> Engine:
        home = tmp_path / name
        root = home / "app"
        root.mkdir(parents=True, exist_ok=True)
        store = {"url": server.url, "collection": "app"}
        described = {"embedding_model": "tiny", "store": store} | (
            {"sources": [{"path": str(root)}]} if sources else {}
        )
        (home / "collections.json").write_text(json.dumps({"app": described}))
        if name not in known:
            known[name] = replace(settings_with_tiny(home), collections_file=home / "collections.json")
        return Engine.open_collection("app", settings=known[name])

    return made


def write(tmp_path: Path, machine: str, *names: str) -> None:
    root = tmp_path / machine / "app"
    root.mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / f"{name}.py").write_text(source(name, 2))


def paths(client: QdrantClient) -> set[str]:
    records, _ = client.scroll("app", limit=1000, with_payload=True)
    return {record.payload["path"] for record in records if record.payload}


def test_a_second_machine_is_refused_before_it_writes_or_deletes_anything(
    machine: Callable[..., Engine], client: QdrantClient, tmp_path: Path
) -> None:
    write(tmp_path, "one", "part1", "part2")
    write(tmp_path, "two", "part2", "part3")
    with machine("one") as one, machine("two") as two:
        one.index()
        before = client.get_collection("app"), client.scroll("app", limit=1000, with_vectors=True)[0]
        asked: list[Callable[[], object]] = [
            two.index,
            two.sync,
            lambda: two.index(rebuild=True),
            lambda: check_owner(describe("app", two.home.settings), two.home.settings, two.index_dir),
        ]
        for ask in asked:
            with pytest.raises(
                StoreError, match=r"app is indexed by another index, on the machine .* \(since"
            ) as caught:
                ask()
            assert "coderank index --collection app --take-over" in caught.value.remedy
            assert "without sources" in caught.value.remedy
        after = client.get_collection("app"), client.scroll("app", limit=1000, with_vectors=True)[0]
        assert after == before
        assert one.search(QUESTION)[0].path == "part2.py"
        assert one.index().changed_files == 0
    with machine("three", sources=False) as three:
        assert three.search(QUESTION)[0].path == "part2.py"
        with pytest.raises(UsageError, match="is indexed from its sources on the machine"), ServerMove(three, "small"):
            raise AssertionError


def test_what_is_asked_before_a_deletion_names_the_machine(machine: Callable[..., Engine], tmp_path: Path) -> None:
    write(tmp_path, "one", "part1")
    with machine("one") as one:
        one.index()
    with machine("two") as two:
        assert f"(app, indexed on {platform.node()})" in loss("app", two.home.settings).places[-1]


def test_who_takes_over_keeps_the_vectors_and_the_one_before_is_refused(
    machine: Callable[..., Engine], client: QdrantClient, server: QdrantServer, tmp_path: Path
) -> None:
    write(tmp_path, "one", "part1", "part2")
    write(tmp_path, "two", "part2", "part3")
    with machine("one") as one, machine("two") as two:
        one.index()
        two.take_over()
        report = two.index()
        assert (report.chunks, report.embedded_chunks, report.dense_coverage) == (4, 2, 1.0)
        assert paths(client) == {"part2.py", "part3.py"}
        with pytest.raises(StoreError, match="is indexed by another index"), SourcedMove(one, "small"):
            raise AssertionError
        assert two.search(QUESTION)[0].path == "part2.py"
        write(tmp_path, "one", "part4")
        for ask in (one.index, lambda: one.search(QUESTION), one.status):
            with pytest.raises(StoreError, match="is indexed by another index"):
                ask()
        one.take_over()
        assert one.index().chunks == 6
        assert paths(client) == {"part1.py", "part2.py", "part4.py"}


def test_the_command_takes_over(
    machine: Callable[..., Engine], client: QdrantClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "one", "part1")
    write(tmp_path, "two", "part2")
    with machine("one") as one:
        one.index()
    with machine("two") as two:
        settings = two.home.settings
    for name in ("collections_file", "models_file", "data_dir", "cache_dir"):
        monkeypatch.setenv(f"CODERANK_{name.upper()}", str(getattr(settings, name)))
    refused = CliRunner().invoke(cli, ["index", "--collection", "app"])
    assert isinstance(refused.exception, StoreError)
    done = CliRunner().invoke(cli, ["index", "--collection", "app", "--take-over"])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("app: 1 files (")
    assert paths(client) == {"part2.py"}
    there = tmp_path / "two" / "app"
    here = CliRunner().invoke(cli, ["index", str(there), "--take-over"])
    assert isinstance(here.exception, UsageError)


def test_a_machine_that_loads_a_file_does_not_take_over(
    machine: Callable[..., Engine], client: QdrantClient, tmp_path: Path
) -> None:
    write(tmp_path, "one", "part1")
    write(tmp_path, "two", "part2")
    file = tmp_path / "app.parquet"
    with machine("two") as two:
        chosen = embedder("small", two.home.settings)
        texts = Embedding(ChunkTexts(), lambda: opened_embedder(chosen, two.home.settings), chosen.dimension)
        pages = Input("app", lambda: points_of(two.home.tree), texts)
        embed([pages], file, Header(kind_of(chosen), {"": chosen.dimension}))
    with machine("one") as one:
        one.index()
        with SourcedMove(one, "small") as move:
            move.run()
            move.drop()
    before = client.get_collections(), client.get_aliases()
    with machine("two") as two:
        assert is_missing(two)
        with pytest.raises(StoreError, match="is indexed by another index") as caught:
            create(two, file, "app", "small")
        assert "--take-over" in caught.value.remedy
    assert (client.get_collections(), client.get_aliases()) == before
    with machine("one") as one:
        assert one.search("function of part1")[0].path == "part1.py"


def test_a_machine_that_lost_its_data_folder_takes_over_from_itself(
    machine: Callable[..., Engine], client: QdrantClient, tmp_path: Path
) -> None:
    write(tmp_path, "one", "part1", "part2")
    with machine("one") as one:
        one.index()
        folder = one.index_dir
    shutil.rmtree(folder)
    with machine("one") as one:
        with pytest.raises(StoreError, match="is indexed by another index"):
            one.index()
        one.take_over()
        report = one.index()
        assert (report.chunks, report.embedded_chunks, report.dense_coverage) == (4, 0, 1.0)


def test_a_kill_between_the_claim_and_the_comparison_is_made_up_for(
    machine: Callable[..., Engine], client: QdrantClient, tmp_path: Path
) -> None:
    write(tmp_path, "one", "part1", "part2")
    write(tmp_path, "two", "part2", "part3")
    with machine("one") as one, machine("two") as two:
        one.index()
        two.take_over()
        with pytest.raises(IndexCorruptError):  # nothing is found here that was not compared
            two.search(QUESTION)
    with machine("two") as two:
        two.sync()
        assert paths(client) == {"part2.py", "part3.py"}


def test_a_collection_of_an_older_version_is_claimed_by_whoever_writes_next(
    machine: Callable[..., Engine], client: QdrantClient, server: QdrantServer, tmp_path: Path
) -> None:
    write(tmp_path, "one", "part1")
    with machine("one") as one:
        one.index()
        said = server.local.collections["app"].config.metadata
        assert said is not None
        del said[OWNER]
    with machine("one") as one:
        assert one.search("function of part1")[0].path == "part1.py"
        assert OWNER not in said, "who only reads claims nothing"
        write(tmp_path, "one", "part2")
        one.index()
        assert OWNER in said
        write(tmp_path, "two", "part1")
    with machine("two") as two, pytest.raises(StoreError, match="is indexed by another index"):
        two.index()


def test_points_that_were_written_elsewhere_are_taken_up_with_their_vectors(
    machine: Callable[..., Engine], client: QdrantClient, server: QdrantServer, tmp_path: Path
) -> None:
    """As those of ``coderank spread``, or of an older version on another machine: nobody claims them."""
    write(tmp_path, "one", "part1", "part2")
    write(tmp_path, "two", "part2", "part3")
    with machine("one") as one:
        one.index()
    said = server.local.collections["app"].config.metadata
    assert said is not None
    del said[OWNER]
    with machine("two") as two:
        report = two.index()
        assert (report.chunks, report.embedded_chunks, report.dense_coverage) == (4, 2, 1.0)
        assert paths(client) == {"part2.py", "part3.py"}


def test_of_two_that_make_a_collection_at_once_one_is_refused(
    machine: Callable[..., Engine], server: QdrantServer, tmp_path: Path
) -> None:
    write(tmp_path, "one", "part1")
    write(tmp_path, "two", "part2")
    answer = server.answer
    with machine("one") as one, machine("two") as two:

        def overtaking(method: str, path: str, body: dict[str, object]) -> object:
            if (method, path) == ("PUT", "/collections/app"):
                server.answer = answer  # type: ignore[method-assign]
                one.index()
            return answer(method, path, body)

        server.answer = overtaking  # type: ignore[method-assign]
        with pytest.raises(StoreError, match="is indexed by another index"):
            two.index()
        assert one.search("function of part1")[0].path == "part1.py"


def test_only_what_is_on_a_server_can_be_taken_over(tmp_path: Path, machine: Callable[..., Engine]) -> None:
    (tmp_path / "here").mkdir()
    with (
        Engine.open(tmp_path / "here", settings=settings_with_tiny(tmp_path)) as here,
        pytest.raises(UsageError, match="nobody else writes to"),
    ):
        here.take_over()
    write(tmp_path, "one", "part1")
    with machine("one") as one:
        one.take_over()  # of nobody: it is not there yet
        assert one.index().chunks == 2
    with machine("three", sources=False) as three, pytest.raises(UsageError, match="another program writes it"):
        three.take_over()


def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "owner.json").write_text("{")
    with pytest.raises(IndexCorruptError, match=r"owner.json") as caught:
        Ownership(tmp_path, "app").claim()
    assert "--take-over" in caught.value.remedy
