from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from coderank.collections.config import (
    Binary,
    Collection,
    PayloadMapping,
    Quantization,
    Reranking,
    Scalar,
    Server,
    Source,
    Turbo,
    load,
)
from coderank.errors import ConfigurationError
from coderank.models.catalogue import get

GIVEN = """{"qdrant_ecosystem": {"embedding_model": "nomic-ai/CodeRankEmbed", "embedding_dimension": 768, "distance_metric": "Cosine",
  "quantization": {"binary": {"enabled": true, "oversampling": 3.0}, "scalar": {"enabled": true, "type": "int8", "quantile": 0.99}},
  "reranking": {"enabled": true, "model": "nomic-ai/CodeRankLLM", "candidates": 100, "top_k": 10}},
 "agent_kit": {"embedding_model": "nomic-ai/CodeRankEmbed", "embedding_dimension": 768, "distance_metric": "Cosine",
  "quantization": {"binary": {"enabled": true}, "scalar": {"enabled": true}}}}
"""  # noqa: E501 - the text that users have, letter for letter
SAMPLE = Path(__file__).parents[2] / "configs" / "sample_collections.json"


def written(folder: Path, collections: object, name: str = "collections.json") -> Path:
    path = folder / name
    path.write_text(collections if isinstance(collections, str) else json.dumps(collections), "utf-8")
    return path


def refusal(folder: Path, entry: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(written(folder, {"code": entry}))
    return str(caught.value)


def test_the_shape_that_users_have_loads_unchanged(tmp_path: Path) -> None:
    found = load(written(tmp_path, GIVEN))
    assert list(found) == ["qdrant_ecosystem", "agent_kit"]
    first = found["qdrant_ecosystem"]
    assert (first.name, first.embedding_model, first.embedding_dimension) == (
        "qdrant_ecosystem",
        "nomic-ai/CodeRankEmbed",
        768,
    )
    assert first.quantization.used == Binary(oversampling=3.0)
    assert first.quantization.scalar == Scalar(quantile=0.99)
    assert (first.reranking.enabled, first.reranking.candidates, first.reranking.top_k) == (True, 100, 10)
    assert not found["agent_kit"].reranking.enabled
    assert found["agent_kit"].sources == ()
    assert found["agent_kit"].store is None


def test_toml_says_the_same(tmp_path: Path) -> None:
    text = """
[code]
embedding_model = "all-minilm-l6-v2"
quantization.binary.enabled = false
quantization.turbo.bits = "bits2"
sources = [{path = "src", exclude = ["*.sql"]}, {git = "https://host/owner/name.git", ref = "main"}]

[code.store]
url = "http://localhost:6333"
payload = {text = "payload.document", path = "metadata.file"}
"""
    code = load(written(tmp_path, text, "collections.toml"))["code"]
    assert code.quantization.used == Turbo(bits="bits2")
    assert [(one.kind, one.name, one.place) for one in code.sources] == [
        ("path", "src", str(tmp_path / "src")),
        ("git", "name", "https://host/owner/name.git"),
    ]
    assert code.store is not None
    assert (code.store.collection, code.store.api_key_env) == ("code", "QDRANT_API_KEY")


def test_the_sample_loads_and_its_models_have_those_dimensions() -> None:
    found = load(SAMPLE)
    assert list(found) == ["qdrant_ecosystem", "agent_kit", "inngest_overall", "docling"]
    for one in found.values():
        assert get(one.embedding_model).dimension == one.embedding_dimension
        assert one.sources


def test_places_begin_at_the_folder_of_the_file(tmp_path: Path) -> None:
    sources = [{"jsonl": "chunks.jsonl.gz"}, {"documents": "/srv/docs/"}, {"path": "~/app", "name": "mine"}]
    found = load(written(tmp_path, {"code": {"sources": sources}}))["code"].sources
    assert [(one.name, one.place) for one in found] == [
        ("chunks", str(tmp_path / "chunks.jsonl.gz")),
        ("docs", "/srv/docs"),
        ("mine", str(Path.home() / "app")),
    ]


@pytest.mark.parametrize(
    ("entry", "key", "remedy"),
    [
        ({"quantization": {"binary": {"oversamplng": 3}}}, "code.quantization.binary.oversamplng", "oversampling?"),
        ({"embeding_model": "x"}, "code.embeding_model", "Did you mean embedding_model?"),
        ({"sources": [{"path": "a"}, {"pth": "b"}]}, "code.sources[1].pth", "Did you mean path?"),
        ({"sources": [{"path": "a"}, {"path": 3}]}, "code.sources[1].path", "Correct"),
        ({"store": {"payload": {"txt": "x"}}}, "code.store.payload.txt", "Did you mean text?"),
        ({"store": {"api_key": "k"}}, "code.store.api_key", "variable that api_key_env names"),
        ({"store": {"url": "http://me:pw@host"}}, "code.store.url", "out of the file"),
        ({"store": {"url": "https://ghp_token@host"}}, "code.store.url", "out of the file"),
        ({"sources": [{"git": "https://ghp_token@host/a/b.git"}]}, "code.sources[0].git", "out of the file"),
        ({"sources": [{"git": "http://ghp_token@host/a/b.git"}]}, "code.sources[0].git", "out of the file"),
        ({"sources": [{"git": "https://ghp_token@[host/a/b.git"}]}, "code.sources[0].git", "is no URL"),
        ({"sources": [{"git": "ssh://git:pw@host/a/b.git"}]}, "code.sources[0].git", "out of the file"),
        ({"store": {"url": "localhost:6333"}}, "code.store.url", "http:// or https://"),
        ({"store": {"client_key_file": "a.key"}}, "code.store.client_key_file", "client_cert_file too"),
        ({"store": {"grpc_port": 0}}, "code.store.grpc_port", "1 to 65535"),
        ({"store": {"write_consistency_factor": 2}}, "code.store.write_consistency_factor", "replication_factor"),
        ({"distance_metric": "cosine"}, "code.distance_metric", "Write Cosine"),
        ({"distance_metric": "Euclid"}, "code.distance_metric", "same order"),
        ({"embedding_dimension": "768"}, "code.embedding_dimension", "Correct"),
        ({"quantization": {"scalar": {"quantile": 0.2}}}, "code.quantization.scalar.quantile", "0.5 to 1.0"),
        ({"quantization": {"binary": {"oversampling": 0.5}}}, "code.quantization.binary.oversampling", "1.0 or more"),
        ({"quantization": {"scalar": {"type": "int4"}}}, "code.quantization.scalar.type", "Correct"),
        ({"reranking": {"candidates": 5, "top_k": 10}}, "code.reranking.top_k", "candidates"),
        ({"sources": [{}]}, "code.sources[0]", "path, git, jsonl, documents"),
        ({"sources": [{"path": "a", "git": "https://h/b"}]}, "code.sources[0]", "one of"),
        ({"sources": [{"path": "a/x"}, {"path": "b/x"}]}, "code.sources[1]", "another name"),
        ({"sources": [{"path": "a", "name": "x/y"}]}, "code.sources[0].name", "Leave out"),
        ({"sources": [{"git": "ext::sh -c evil"}]}, "code.sources[0].git", "https://"),
        ({"sources": [{"git": "http://host/a"}]}, "code.sources[0].git", "https://"),
        ({"sources": [{"git": "-uevil:x"}]}, "code.sources[0].git", "https://"),
        ({"sources": [{"git": "https://h/a", "ref": "--upload-pack=x"}]}, "code.sources[0].ref", "branch"),
        ({"name": "x"}, "code.name", "is the collection's name"),
        (3, "code in", "is a collection"),
    ],
)
def test_a_wrong_entry_is_named_with_its_path_and_a_remedy(
    tmp_path: Path, entry: object, key: str, remedy: str
) -> None:
    message = refusal(tmp_path, entry)
    assert message.startswith(key)
    assert remedy in message
    assert str(tmp_path / "collections.json") in message


def test_a_secret_is_not_repeated(tmp_path: Path) -> None:
    assert "hunter2" not in refusal(tmp_path, {"store": {"url": "http://me:hunter2@host"}})
    assert "hunter2" not in refusal(tmp_path, {"store": {"api_key": "hunter2"}})
    for url in ("https://hunter2@host/a.git", "http://hunter2@host/a.git", "https://hunter2@[host/a.git"):
        assert "hunter2" not in refusal(tmp_path, {"sources": [{"git": url}]})


@pytest.mark.parametrize("url", ["git@host:owner/name.git", "ssh://git@host/owner/name.git"])
def test_the_user_name_of_ssh_is_no_secret(tmp_path: Path, url: str) -> None:
    assert load(written(tmp_path, {"code": {"sources": [{"git": url}]}}))["code"].sources[0].place == url


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "x" * 300])
def test_a_name_that_no_store_takes_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name"):
        load(written(tmp_path, {name: {}}))


@pytest.mark.parametrize(
    ("text", "name", "complaint"),
    [
        ('{"a": {}, "a": {}}', "c.json", "'a' twice"),
        ('{"a": ', "c.json", "cannot be parsed"),
        ("[1]", "c.json", "no table"),
        ("a = ", "c.toml", "cannot be parsed"),
        ("a: 1", "c.yaml", "neither .json nor .toml"),
        ("[" * 100_000, "c.json", "cannot be parsed"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, name: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        load(written(tmp_path, text, name))


def test_no_file_says_where_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no file of collections at .*absent.json") as caught:
        load(tmp_path / "absent.json")
    assert "CODERANK_COLLECTIONS_FILE" in caught.value.remedy


def test_adopted_is_what_another_program_writes(tmp_path: Path) -> None:
    entries: dict[str, Any] = {
        "theirs": {"store": {"collection": "ws-1"}},
        "ours": {"store": {}, "sources": [{"path": "."}]},
    }
    found = load(written(tmp_path, entries))
    assert [one.is_adopted for one in found.values()] == [True, False]
    assert found["ours"].sources[0].name == tmp_path.name


def test_every_key_is_documented() -> None:
    page = (SAMPLE.parents[1] / "docs" / "collections.md").read_text("utf-8")
    documented = {
        key for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)
    }
    structs = (Collection, Quantization, Binary, Scalar, Turbo, Reranking, Source, Server)
    fields = {name for struct in structs for name in struct.__struct_fields__}
    assert documented == fields - {"binary", "scalar", "turbo"}
    assert all(f"`{name}`" in page for name in (*Quantization.__struct_fields__, *PayloadMapping.__struct_fields__))
