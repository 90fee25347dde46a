"""What the tools answer about a real repository."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.small_tree import QUESTION, write_tree

from coderank.errors import InvalidQueryError, PathNotFoundError
from coderank.serving.cursor import StaleCursorError
from coderank.serving.follow import NOBODY
from coderank.serving.kept import Kept
from coderank.serving.tokens import tokens
from coderank.serving.tools import Reply, tools
from coderank.serving.workspace import Workspace
from coderank.settings import Settings


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    base = tmp_path_factory.mktemp("tools")
    repo = write_tree(base / "repo")
    more = {
        f"many/m{n}.py": f"def many_{n}(value):\n    '''Count sheep number {n}.'''\n    return value\n"
        for n in range(12)
    }
    write_tree(repo, more)
    opened = Workspace.open([str(repo)], Settings(data_dir=base / "data", cache_dir=base / "cache"))
    yield opened
    opened.close()


def ask(workspace: Workspace, tool: str, **given: Any) -> Reply:
    spec = next(spec for spec in tools(workspace) if spec.name == tool)
    return spec.run(workspace, given, NOBODY)


def root(workspace: Workspace) -> Path:
    return Path(workspace.targets["repo"].places[0])


def paths(reply: Reply) -> list[str]:
    return [result["path"] for result in reply.structured["results"]]


def wait_for_vectors(workspace: Workspace) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if ask(workspace, "index_status").structured["collections"][0].get("dense_coverage") == 1:
            return
        time.sleep(0.05)
    raise AssertionError("vectors never came")


def test_a_search_says_where_what_and_how_sure_it_is(workspace: Workspace) -> None:
    ask(workspace, "search_code", query=QUESTION)
    wait_for_vectors(workspace)
    reply = ask(workspace, "search_code", query=QUESTION, limit=2)
    ring = str(root(workspace) / "src" / "ring.py")
    assert reply.text.startswith(f"{ring}\n1-10  RingBuffer")
    assert "overwrite the oldest" in reply.text
    assert "100 % of" in reply.text
    assert "dense + lexical" in reply.text
    first = reply.structured["results"][0]
    assert (first["path"], first["language"]) == (ring, "python")
    assert {"start_line", "end_line", "symbol", "score", "text"} == set(first["spans"][0])
    index = reply.structured["index"]
    assert index["current"] is True
    assert index["dense_coverage"] == 1
    assert {"embed", "retrieve", "rank"} <= {stage["name"] for stage in reply.structured["stages"]}
    json.dumps(reply.structured)


def test_a_cursor_leads_through_all_hits_once(workspace: Workspace) -> None:
    whole = ask(workspace, "search_code", query="count sheep", limit=50, detail="paths", max_tokens=20_000)
    seen: list[str] = []
    following: dict[str, str] = {}
    while True:
        reply = ask(workspace, "search_code", query="count sheep", limit=4, detail="signatures", **following)
        seen += paths(reply)
        if "cursor" not in reply.structured:
            break
        assert f"for more pass cursor {reply.structured['cursor']}" in reply.text
        following = {"cursor": reply.structured["cursor"]}
    assert sorted(seen) == sorted(paths(whole))
    assert len(seen) == len(set(seen)) >= 12
    with pytest.raises(InvalidQueryError, match="another question"):
        ask(workspace, "search_code", query="something else", **following)


def test_a_list_that_changed_is_not_gone_on_with(workspace: Workspace) -> None:
    cursor = ask(workspace, "search_code", query="count sheep", limit=3).structured["cursor"]
    best = root(workspace) / "many" / "sheep.py"
    best.write_text("def count_sheep(sheep):\n    '''Count sheep.'''\n    return len(sheep)\n")
    try:
        with pytest.raises(StaleCursorError):
            ask(workspace, "search_code", query="count sheep", cursor=cursor)
    finally:
        best.unlink()


@pytest.mark.parametrize("budget", [300, 1_000])
def test_an_answer_keeps_to_its_budget(workspace: Workspace, budget: int) -> None:
    reply = ask(workspace, "search_code", query="count sheep", limit=12, max_tokens=budget, detail="full")
    assert paths(reply)
    assert tokens(reply.text) <= budget
    assert tokens(json.dumps(reply.structured)) <= budget + 100
    assert [stage["name"] for stage in reply.structured["stages"]] == ["embed", "retrieve", "rank"]


@pytest.mark.parametrize("budget", [100, 200, 299])
def test_a_small_budget_is_spent_on_places_rather_than_on_what_ran(workspace: Workspace, budget: int) -> None:
    reply = ask(workspace, "search_code", query="count sheep", limit=12, max_tokens=budget)
    beside_the_path = tokens(json.dumps(reply.structured)) - tokens(paths(reply)[0])
    assert beside_the_path <= budget
    assert tokens(reply.text) - tokens(paths(reply)[0]) <= budget
    assert reply.structured["index"]["current"] is True
    assert reply.structured["index"]["dense_coverage"] == 1
    assert set(reply.structured) == {"results", "index", "cursor"}
    more = ask(workspace, "search_code", query="count sheep", limit=12, cursor=reply.structured["cursor"])
    assert paths(more)


def test_what_became_of_a_reranking_is_said_within_any_budget(workspace: Workspace) -> None:
    reply = ask(workspace, "search_code", query="count sheep", max_tokens=100, enable_reranking=True)
    assert [stage["name"] for stage in reply.structured["stages"]] == ["rerank"]


def test_what_changes_between_search_and_answer_is_never_shown_stale(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = root(workspace) / "src" / "login.py"
    before = login.read_text()
    real = Kept.texts

    def changing(kept: Kept, paths: Iterable[str]) -> object:
        login.write_text("# moved down\n" + before.replace("user.hash ==", "secure_compare(user.hash,"))
        (root(workspace) / "docs" / "guide.md").unlink(missing_ok=True)
        return real(kept, paths)

    monkeypatch.setattr(Kept, "texts", changing)
    try:
        reply = ask(workspace, "search_code", query="compare a password", limit=3, detail="full")
    finally:
        login.write_text(before)
        write_tree(root(workspace))
    assert "user.hash ==" not in reply.text
    assert "secure_compare" in reply.text
    assert "(changed)" in reply.text
    assert reply.structured["gone"] == 1
    assert "left out: the file is gone since" in reply.text


def test_filters_and_no_hits_are_answers(workspace: Workspace) -> None:
    assert {Path(path).suffix for path in paths(ask(workspace, "search_code", query="password", language="md"))} == {
        ".md"
    }
    assert {Path(path).parent.name for path in paths(ask(workspace, "search_code", query="x value", path="many/"))} == {
        "many"
    }
    nothing = ask(workspace, "search_code", query="x", path="*.java")
    assert nothing.text.startswith(f"[no indexed file matches path, which is a glob relative to {root(workspace)}: ")
    assert nothing.structured["nothing"] in nothing.text
    with pytest.raises(InvalidQueryError, match="Did you mean python"):
        ask(workspace, "search_code", query="x", language="pyton")


def test_the_path_of_a_hit_is_a_filter_too(workspace: Workspace) -> None:
    ring = ask(workspace, "search_code", query=QUESTION, limit=1).structured["results"][0]["path"]
    src = str(Path(ring).parent)
    assert paths(ask(workspace, "search_code", query=QUESTION, path=ring)) == [ring]
    for glob in (f"{src}/**", f"{src}/", src, f"{src}/*.py", "./src/**"):
        assert {str(Path(path).parent) for path in paths(ask(workspace, "search_code", query="x", path=glob))} == {src}
    assert len(paths(ask(workspace, "search_code", query="x value", path=str(root(workspace))))) > 3


def test_related_code_by_the_place_of_a_hit(workspace: Workspace) -> None:
    hit = ask(workspace, "search_code", query="count sheep number 3", limit=1).structured["results"][0]
    reply = ask(workspace, "find_related", path=hit["path"], line=hit["spans"][0]["start_line"], limit=3)
    assert len(paths(reply)) == 3
    assert hit["path"] not in paths(reply)
    with pytest.raises(PathNotFoundError):
        ask(workspace, "find_related", path="../outside.py", line=1)


def test_status_and_collections_are_short(workspace: Workspace) -> None:
    listed = ask(workspace, "list_collections")
    assert listed.structured == {"collections": [{"name": "repo", "kind": "folder", "places": [str(root(workspace))]}]}
    status = ask(workspace, "index_status", collection="repo")
    assert status.structured["collections"][0]["chunks"] >= 15
    assert tokens(status.text) < 100
    with pytest.raises(InvalidQueryError, match="unknown field"):
        ask(workspace, "list_collections", verbose=True)
