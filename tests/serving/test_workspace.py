"""What a server serves: real folders, real engines, several threads."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.serving.waiting import covered
from tests.small_tree import QUESTION, write_tree

from coderank import Engine
from coderank.errors import (
    ConfigurationError,
    IndexIncompatibleError,
    IndexNotFoundError,
    InvalidQueryError,
    PathNotFoundError,
)
from coderank.serving import asking, caretaker, watch
from coderank.serving.asking import NotReadyError
from coderank.serving.calls import THREADS, Calls
from coderank.serving.follow import NOBODY
from coderank.serving.targets import UnknownCollectionError, folders
from coderank.serving.tools import tools
from coderank.serving.workspace import Question, Workspace
from coderank.settings import Settings


def test_the_first_answer_comes_from_words_and_vectors_fill_in_behind(workspace: Workspace, repo: Path) -> None:
    answer = workspace.search(Question(QUESTION))
    assert answer.result[0].path == "src/ring.py"
    assert answer.result[0].root == str(repo)
    [part] = answer.parts
    assert part.freshness.current
    assert answer.result.index.dense_coverage == 0
    assert covered(workspace) == 1
    again = workspace.search(Question(QUESTION)).result
    assert [stage.detail for stage in again.stages if stage.name == "retrieve"] == ["dense + lexical"]


def test_the_next_question_sees_what_changed(workspace: Workspace, repo: Path) -> None:
    assert "zebra.py" not in {hit.path for hit in workspace.search(Question("zebra crossing")).result}
    covered(workspace)
    (repo / "zebra.py").write_text("def zebra_crossing():\n    return 'stripes'\n")
    answer = workspace.search(Question("zebra crossing"))
    assert answer.result[0].path == "zebra.py"
    assert answer.result.index.dense_coverage == 1  # a chunk or two are embedded at once
    (repo / "zebra.py").unlink()
    assert "zebra.py" not in {hit.path for hit in workspace.search(Question("zebra crossing")).result}


def test_an_index_that_another_process_built_anew_is_used_as_it_is_now(
    workspace: Workspace, repo: Path, settings: Settings
) -> None:
    workspace.search(Question(QUESTION))
    covered(workspace)
    with Engine.open(repo, settings=settings) as other:
        other.index(rebuild=True)
    assert workspace.search(Question(QUESTION)).result[0].path == "src/ring.py"


def test_many_threads_get_the_same_answer(workspace: Workspace) -> None:
    workspace.search(Question(QUESTION))
    covered(workspace)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: workspace.search(Question(QUESTION)).result.hits, range(32)))
    # Not the scores: the runtime does not give a vector the same last bits on every run.
    assert len({tuple((hit.path, hit.start_line) for hit in hits) for hits in answers}) == 1


def test_several_folders_are_searched_together_or_one_by_name(repo: Path, tmp_path: Path, settings: Settings) -> None:
    other = write_tree(tmp_path / "more" / "repo", {"lion.py": "def lion_roars():\n    return 'loud'\n"})
    workspace = Workspace.open([str(repo), str(other)], settings)
    assert list(workspace.targets) == ["repo", "repo-2"]
    roots = {hit.root for hit in workspace.search(Question("password lion")).result}
    assert roots == {str(repo), str(other)}
    assert {hit.root for hit in workspace.search(Question("password", collection="repo")).result} == {str(repo)}
    assert workspace.related("lion.py", 1).parts[0].kept.target.name == "repo-2"
    with pytest.raises(UnknownCollectionError, match="Did you mean 'repo-2'"):
        workspace.search(Question("x", collection="repo-3"))
    with pytest.raises(UnknownCollectionError, match="Choose from: repo, repo-2"):
        workspace.states("zzz")
    workspace.close()


@pytest.fixture
def lions(repo: Path, tmp_path: Path, settings: Settings) -> Iterator[Workspace]:
    """Two folders, none of them indexed."""
    other = write_tree(tmp_path / "zoo", {"lion.py": "def lion_roars():\n    return 'loud'\n"})
    opened = Workspace.open([str(repo), str(other)], settings)
    yield opened
    opened.close()


def test_several_folders_get_ready_at_the_same_time(lions: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(2, timeout=30)
    real = Engine.sync

    def met(engine: Engine, **arguments: object) -> object:
        together.wait()
        return real(engine, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "sync", met)
    answer = lions.search(Question("password lion"))
    assert [part.freshness.current for part in answer.parts] == [True, True]
    assert {hit.path for hit in answer.result} >= {"src/login.py", "lion.py"}


def hold(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let every sync of the repository wait for the event, for a minute at most."""
    let = threading.Event()
    real = Engine.sync

    def held(engine: Engine, **arguments: object) -> object:
        if engine.root.name == "repo":
            let.wait(60)
        return real(engine, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "sync", held)
    return let


def test_a_folder_that_has_something_answers_while_another_is_read_for_the_first_time(
    lions: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lions.search(Question("lion", collection="zoo"))
    let = hold(monkeypatch)
    monkeypatch.setattr(asking, "PATIENCE_S", 0.1)
    [search] = [tool for tool in tools(lions) if tool.name == "search_code"]
    reply = search.run(lions, {"query": "password lion"}, NOBODY)
    assert [found["path"].endswith("lion.py") for found in reply.structured["results"]] == [True]
    assert "[not current: repo is still being read" in reply.text
    related = lions.related("lion.py", 1)
    assert related.parts[0].kept.target.name == "zoo"
    let.set()
    monkeypatch.setattr(asking, "PATIENCE_S", 60.0)
    answer = lions.search(Question("password lion"))
    assert {hit.path for hit in answer.result} >= {"src/login.py", "lion.py"}


def test_callers_of_a_folder_without_an_index_hold_up_no_question_about_another(
    lions: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lions.search(Question("lion", collection="zoo"))
    let = hold(monkeypatch)
    paths: list[str] = []

    async def use() -> None:
        calls = Calls(lions.gate)

        async def search(name: str) -> None:
            answer = await calls.run(lambda call: lions.search(Question("password lion", collection=name), call))
            paths.append(answer.result[0].path)

        async with anyio.create_task_group() as group:
            for _ in range(2 * THREADS):
                group.start_soon(search, "repo")
            await anyio.sleep(0.2)
            with anyio.fail_after(30):
                await search("zoo")
                await calls.run(lambda _: lions.states("repo"))
            let.set()

    anyio.run(use)
    assert paths == ["lion.py"] + ["src/login.py"] * 2 * THREADS


def test_bad_questions_are_refused_before_any_work(workspace: Workspace, settings: Settings) -> None:
    endless = "*" * 400 + "a*" * 7  # may not be expensive to refuse, either
    for bad in (Question(" "), Question("x" * 10_001), Question("x", limit=0), Question("x", paths=("*.py", endless))):
        with pytest.raises(InvalidQueryError):
            workspace.search(bad)
    assert not settings.data_dir.exists()


def test_states_tell_of_every_target(workspace: Workspace, repo: Path) -> None:
    [state] = workspace.states()
    assert state.status is None
    assert isinstance(state.problem, IndexNotFoundError)
    workspace.search(Question(QUESTION))
    (repo / "new.py").write_text("def new(): ...\n")
    [state] = workspace.states()
    assert state.problem is None
    assert state.status is not None
    assert (state.status.files, state.status.changed_since) == (3, 1)


def test_a_first_index_that_takes_long_is_an_error_with_a_remedy_and_not_an_empty_answer(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Engine.sync

    def slow(engine: Engine, **arguments: object) -> object:
        time.sleep(0.6)
        return real(engine, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "sync", slow)
    for name, value in {"PATIENCE_S": 0.05, "FIRST_PATIENCE_S": 0.1, "FIRST_STEP_S": 0.05}.items():
        monkeypatch.setattr(asking, name, value)
    with pytest.raises(NotReadyError, match="Nothing of repo can be searched yet") as refused:
        workspace.search(Question(QUESTION))
    assert "index_status" in refused.value.remedy
    monkeypatch.setattr(asking, "FIRST_PATIENCE_S", 30.0)
    assert workspace.search(Question(QUESTION)).result[0].path == "src/ring.py"


def test_idle_engines_and_their_models_are_closed_and_opened_again(
    repo: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    released: list[float] = []
    monkeypatch.setattr(caretaker, "release", lambda: released.append(time.monotonic()))
    targets = folders([str(repo)], settings)
    workspace = Workspace(targets, tuple(targets), idle_s=0.2)
    kept = workspace.search(Question(QUESTION)).parts[0].kept
    covered(workspace)
    deadline = time.monotonic() + 30
    while (kept.opened or not released) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not kept.opened
    assert released
    assert workspace.search(Question(QUESTION)).result[0].path == "src/ring.py"
    workspace.close()


def test_a_home_folder_or_a_whole_disk_is_not_indexed_by_accident(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for folder in (tmp_path, Path("/")):
        monkeypatch.chdir(folder)
        with pytest.raises(PathNotFoundError, match="coderank serve PATH"):
            Workspace.open([], settings)
    for argument in (str(tmp_path), "~", "/", "."):
        with pytest.raises(PathNotFoundError, match="is no project") as refused:
            Workspace.open([argument], settings)
        assert "--force" in refused.value.remedy
    assert list(Workspace.open([str(tmp_path)], settings, force=True).targets) == [tmp_path.name]


def test_a_variable_that_a_client_did_not_replace_is_named(settings: Settings) -> None:
    with pytest.raises(PathNotFoundError, match=r"\$\{workspaceFolder\}") as refused:
        Workspace.open(["${workspaceFolder}"], settings)
    assert "Open a folder" in refused.value.remedy


def _of_another_version(record: Path) -> None:
    content = json.loads(record.read_text())
    content["fingerprint"]["chunker"] = "0"
    record.write_text(json.dumps(content))


def test_an_index_of_another_version_is_an_error_with_its_remedy(workspace: Workspace, settings: Settings) -> None:
    workspace.search(Question(QUESTION))
    [record] = settings.data_dir.glob("indexes/*/index.json")
    _of_another_version(record)
    with pytest.raises(IndexIncompatibleError, match=r"coderank index --rebuild .*repo"):
        workspace.search(replace(Question(QUESTION), limit=3))


def test_an_index_that_cannot_be_used_does_not_keep_the_others_from_answering(
    lions: Workspace, settings: Settings
) -> None:
    lions.search(Question("password lion"))
    records = {record.parent.name.split("-")[0]: record for record in settings.data_dir.glob("indexes/*/index.json")}
    _of_another_version(records["repo"])
    answer = lions.search(Question("password lion"))
    assert {hit.path for hit in answer.result} == {"lion.py"}
    [broken] = [part.freshness for part in answer.parts if not part.freshness.current]
    assert "repo" in broken.detail
    assert isinstance(broken.error, IndexIncompatibleError)
    assert lions.related("lion.py", 1).parts[0].freshness.current
    with pytest.raises(InvalidQueryError, match="klingon"):
        lions.search(Question("password lion", languages=("klingon",)))
    _of_another_version(records["zoo"])
    with pytest.raises(IndexIncompatibleError, match="coderank index --rebuild"):
        lions.search(Question("password lion"))


def test_configured_collections_are_served_beside_folders(repo: Path, tmp_path: Path, settings: Settings) -> None:
    docs = write_tree(tmp_path / "manual", {"lion.md": "# Lions\n\nA lion roars loudly.\n"})
    file = tmp_path / "collections.json"
    file.write_text(
        json.dumps({"handbook": {"sources": [{"path": str(docs)}]}, "repo": {"sources": [{"path": str(repo)}]}})
    )
    workspace = Workspace.open([str(repo)], replace(settings, collections_file=file))
    kinds = {name: target.kind for name, target in workspace.targets.items()}
    assert kinds == {"repo-2": "folder", "handbook": "collection", "repo": "collection"}
    assert workspace.targets["handbook"].places == (str(docs),)
    assert "lion.md" not in {hit.path for hit in workspace.search(Question("lion roars")).result}
    answer = workspace.search(Question("lion roars", collection="handbook"))
    spans, gone = answer.checked(answer.result.hits)
    assert [(span.hit.path, span.hit.root, gone) for span in spans] == [("lion.md", str(docs), 0)]
    for glob in (str(docs / "lion.md"), f"{docs}/*.md", f"{docs}/"):
        asked = Question("lion roars", collection="handbook", paths=(glob,))
        assert [hit.path for hit in workspace.search(asked).result] == ["lion.md"]
    related = workspace.related("src/ring.py", 5, collection="repo")
    assert len(related.result) > 0
    more = {spec.name: spec for spec in tools(workspace, per_collection=True)}
    reply = more["search_handbook"].run(workspace, {"query": "lion roars", "limit": 1}, NOBODY)
    assert reply.structured["results"][0]["path"] == str(docs / "lion.md")
    workspace.close()


def test_only_the_collections_that_are_named_are_served(repo: Path, tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "collections.json"
    file.write_text(json.dumps({name: {"sources": [{"path": str(repo)}]} for name in ("one", "two", "three")}))
    described = replace(settings, collections_file=file)

    def served(only: tuple[str, ...] | None) -> list[str]:
        return list(Workspace.open([str(repo)], described, only=only).targets)

    assert served(None) == ["repo", "one", "two", "three"]
    assert served(("three", "one")) == ["repo", "one", "three"]
    assert served(()) == ["repo"]
    with pytest.raises(UnknownCollectionError, match=r"collections.json describes no collection 'tow'") as refused:
        served(("one", "tow"))
    assert "two" in refused.value.remedy
    with pytest.raises(ConfigurationError):
        Workspace.open([str(repo)], replace(settings, collections_file=tmp_path / "none.json"), only=("one",))


def test_a_collection_whose_description_reranks_is_reranked_for_those_who_ask_for_it(
    repo: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coderank.loading.rerankers.CROSS_ENCODERS", ())
    file = tmp_path / "collections.json"
    described = {"sources": [{"path": str(repo)}], "reranking": {"enabled": True, "model": "nomic-ai/CodeRankLLM"}}
    file.write_text(json.dumps({"ecosystem": described}))
    workspace = Workspace.open([str(repo)], replace(settings, collections_file=file))
    asked = Question(QUESTION, collection="ecosystem")
    assert "rerank" not in [stage.name for stage in workspace.search(asked).result.stages]
    with pytest.raises(ConfigurationError, match="rerank"):
        workspace.search(replace(asked, rerank=True))
    workspace.close()


def test_where_there_is_no_project_the_collections_are_served_alone(
    repo: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "collections.json"
    file.write_text(json.dumps({"app": {"sources": [{"path": str(repo)}]}}))
    workspace = Workspace.open([], replace(settings, collections_file=file))
    assert list(workspace.targets) == ["app"]
    assert workspace.search(Question(QUESTION)).result[0].path == "src/ring.py"
    workspace.close()


def test_an_index_is_compacted_when_its_last_vector_is_there(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    compacted: list[float] = []
    monkeypatch.setattr(Engine, "compact", lambda engine: compacted.append(engine.status().dense_coverage))
    workspace.search(Question(QUESTION))
    covered(workspace)
    deadline = time.monotonic() + 30
    while not compacted and time.monotonic() < deadline:
        time.sleep(0.02)
    assert compacted == [1.0]


def test_an_index_that_was_deleted_under_the_server_is_made_again(workspace: Workspace, settings: Settings) -> None:
    workspace.search(Question(QUESTION))
    covered(workspace)
    [record] = settings.data_dir.glob("indexes/*/index.json")
    for _ in range(2):
        shutil.rmtree(record.parent, ignore_errors=True)
        assert workspace.search(Question(QUESTION)).result[0].path == "src/ring.py"
    assert record.exists()


def test_a_folder_that_is_away_for_a_while_is_searched_again_when_it_is_back(
    workspace: Workspace, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.search(Question(QUESTION))
    repo.rename(repo.with_name("away"))
    # Nothing changed inside of it, so that the kernel has nothing to tell; it is not believed for long.
    monkeypatch.setattr(watch, "TRUST_S", 0.0)
    answer = workspace.search(Question(QUESTION))
    assert not answer.parts[0].freshness.current
    assert "No such file" in answer.parts[0].freshness.detail
    assert answer.checked(answer.result.hits) == ([], len(answer.result))
    repo.with_name("away").rename(repo)
    assert workspace.search(Question(QUESTION)).parts[0].freshness.current
