from __future__ import annotations

import json
from pathlib import Path

import pytest

from coderank.collections.change import change, toml_text
from coderank.collections.config import load
from coderank.collections.document import parse
from coderank.errors import ConfigurationError

TEXT = """{
    "zeta": {"embedding_model": "nomic-ai/CodeRankEmbed", "embedding_dimension": 768},
    "Übung": {"quantization": {"binary": {"enabled": true}}, "sources": [{"path": "src"}]}
}
"""
WANTED = {"quantization": {"scalar": {"enabled": True, "quantile": 0.99}}}


def test_one_collection_changes_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "collections.json"
    path.write_text(TEXT, "utf-8")
    path.chmod(0o640)
    kept = change(path, "Übung", WANTED)
    assert kept.read_text("utf-8") == TEXT
    after = path.read_text("utf-8")
    assert list(json.loads(after)) == ["zeta", "Übung"]
    assert json.loads(after)["zeta"] == json.loads(TEXT)["zeta"]
    assert json.loads(after)["Übung"] == {**WANTED, "sources": [{"path": "src"}]}
    assert after.startswith('{\n    "zeta"')
    assert path.stat().st_mode & 0o777 == kept.stat().st_mode & 0o777 == 0o640


def test_an_earlier_backup_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "collections.json"
    path.write_text(TEXT, "utf-8")
    first = change(path, "zeta", {"embedding_dimension": None})
    second = change(path, "zeta", WANTED)
    assert first.read_text("utf-8") == TEXT
    assert json.loads(second.read_text("utf-8"))["zeta"] == {"embedding_model": "nomic-ai/CodeRankEmbed"}
    assert {one.name for one in tmp_path.iterdir()} == {path.name, first.name, second.name}


@pytest.mark.parametrize(
    ("name", "values", "complaint"),
    [
        ("absent", WANTED, "no collection 'absent'"),
        ("zeta", {"quantization": {"binry": {}}}, "zeta.quantization.binry"),
    ],
)
def test_a_change_that_would_not_load_is_refused(
    tmp_path: Path, name: str, values: dict[str, object], complaint: str
) -> None:
    path = tmp_path / "collections.json"
    path.write_text(TEXT, "utf-8")
    with pytest.raises(ConfigurationError, match=complaint):
        change(path, name, values)
    assert path.read_text("utf-8") == TEXT
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "c.json"
    real.parent.mkdir()
    real.write_text(TEXT, "utf-8")
    link = tmp_path / "collections.json"
    link.symlink_to(real)
    change(link, "zeta", WANTED)
    assert link.is_symlink()
    assert load(link)["zeta"].quantization.scalar is not None


def test_toml_is_not_rewritten_but_its_text_given(tmp_path: Path) -> None:
    path = tmp_path / "collections.toml"
    path.write_text("# mine\n[code]\n", "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        change(path, "code", WANTED)
    assert path.read_text("utf-8") == "# mine\n[code]\n"
    pasted = caught.value.remedy.partition("\n")[2]
    assert parse(path, pasted.encode()) == {"code": WANTED}


def test_toml_text_reads_back(tmp_path: Path) -> None:
    values = {"embedding_model": 'a "b"', "sources": [{"path": "x", "include": ["*.py"]}], **WANTED}
    assert parse(tmp_path / "c.toml", toml_text("my.code", values).encode()) == {"my.code": values}
