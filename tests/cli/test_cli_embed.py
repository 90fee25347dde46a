"""``coderank embed`` and ``load`` as processes: vectors made on one machine are loaded on another."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet
from tests.cli.conftest import FILES, World
from tests.tiny_model import settings_with_tiny


def test_exported_embedded_and_loaded(world: World, tmp_path: Path) -> None:
    settings_with_tiny(tmp_path)
    described = {"kit": {"embedding_model": "small", "embedding_dimension": 16, "sources": [{"path": str(world.repo)}]}}
    (tmp_path / "collections.json").write_text(json.dumps(described))
    here = world.having("CODERANK_MODELS_FILE", str(tmp_path / "models.toml")).having(
        "CODERANK_COLLECTIONS_FILE", str(tmp_path / "collections.json")
    )
    for arguments in (
        ["index", "--collection", "kit"],
        ["collections", "export", "kit", "--out", str(tmp_path / "kit.jsonl.gz")],
        ["embed", str(tmp_path / "kit.jsonl.gz"), "--model", "tiny", "--out", str(tmp_path / "kit.parquet")],
        ["collections", "export", "kit", "--out", str(tmp_path / "points.parquet"), "--vectors"],
        ["embed", str(tmp_path / "points.parquet"), "--model", "tiny", "--out", str(tmp_path / "again.parquet")],
        ["embed", "--collections", "kit", "--model", "tiny", "--out", str(tmp_path / "sources.parquet")],
    ):
        done = here.run(*arguments)
        assert done.returncode == 0, done.stderr
        if arguments[0] == "collections":
            assert f"kit: exporting points, {len(FILES) - 1} of {len(FILES) - 1}" in done.stderr
    one, other, again = (_vectors(tmp_path / name) for name in ("kit.parquet", "sources.parquet", "again.parquet"))
    assert one == other == again
    assert len(one) >= len(FILES) - 1

    (world.repo / "later.py").write_text("def written_later():\n    return 'after the export'\n")
    assert here.run("index", "--collection", "kit").returncode == 0
    refused = here.run("load", str(tmp_path / "kit.parquet"), "--collection", "kit", "--model", "small")
    assert refused.returncode == 2
    loaded = here.run("load", str(tmp_path / "kit.parquet"), "--collection", "kit", "--verbose")
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.startswith(f"kit: on tiny (32-d): {len(one) + 1} points, 1 embedded, in ")
    found = json.loads(here.run("search", "RingBuffer push", "--collection", "kit", "--format", "json").stdout)
    assert (found["index"]["model"], found["index"]["dense_coverage"]) == ("tiny", 1.0)
    assert found["results"][0]["path"] == "src/ring.py"

    # Where there is nothing, an index is made of the file; with sources, the next sync takes in what changed since.
    assert here.run("collections", "delete", "kit", "--yes").returncode == 0
    (tmp_path / "collections.json").write_text(json.dumps(described | {"bare": {"embedding_model": "tiny"}}))
    for name, chunks in (("kit", len(one) + 1), ("bare", len(one))):
        made = here.run("load", str(tmp_path / "kit.parquet"), "--collection", name, "--from", "kit")
        assert made.stdout == f"{name}: made of {len(one)} points, with the vectors of tiny (32-d)\n", made.stderr
        found = json.loads(here.run("search", "RingBuffer push", "--collection", name, "--format", "json").stdout)
        index = found["index"]
        assert (index["model"], index["chunks"], index["dense_coverage"]) == ("tiny", chunks, 1.0)
        assert found["results"][0]["path"] == "src/ring.py"
    again_ = here.run("load", str(tmp_path / "kit.parquet"), "--collection", "bare", "--from", "kit")
    assert again_.stdout == "bare: on tiny (32-d) already\n", again_.stderr
    assert "0 embedded" in here.run("index", "--collection", "kit").stdout


def test_two_inputs_of_one_collection_are_refused(world: World, tmp_path: Path) -> None:
    settings_with_tiny(tmp_path)
    here = world.having("CODERANK_MODELS_FILE", str(tmp_path / "models.toml"))
    line = json.dumps({"id": 1, "payload": {"page_content": "some text"}}) + "\n"
    for name in ("docs.v1.jsonl", "docs.v2.jsonl", "other/docs.v2.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(line)
    wanted = ["--model", "tiny", "--out", str(tmp_path / "docs.parquet")]
    one, two, same = (str(tmp_path / name) for name in ("docs.v1.jsonl", "docs.v2.jsonl", "other/docs.v2.jsonl"))
    refused = here.run("embed", two, same, *wanted)
    assert refused.returncode == 2
    assert f"{two} and {same} are both of the collection 'docs.v2'" in refused.stderr
    assert "--from" in refused.stderr
    assert here.run("embed", one, two, *wanted).returncode == 0
    table = pyarrow.parquet.read_table(tmp_path / "docs.parquet")
    assert table.column("collection").to_pylist() == ["docs.v1", "docs.v2"]
    lost = here.run("load", str(tmp_path / "docs.parquet"), "--collection", str(world.repo), "--model", "tiny")
    assert "--from docs.v1 or --from docs.v2" in lost.stderr


def _vectors(file: Path) -> dict[str, list[float]]:
    table = pyarrow.parquet.read_table(file)
    rows = zip(table.column("id").to_pylist(), table.column("vector").to_pylist(), strict=True)
    return {id_: [round(number, 4) for number in vector] for id_, vector in rows}
