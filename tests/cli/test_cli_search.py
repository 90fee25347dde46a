"""``coderank search`` and ``related``: the real command on a real repository."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import World

QUESTION = "overwrite the oldest element of a circular queue"


def make_large(world: World) -> None:
    """More chunks than are embedded while somebody waits."""
    for n in range(30):
        body = "\n".join(f"def task_{n}_{m}(queue):\n    return queue.take({m}) + {n}\n" for m in range(90))
        (world.repo / f"many_{n}.py").write_text(body)


def found(output: str) -> list[str]:
    return [hit["path"] for hit in json.loads(output)["results"]]


class TestSearch:
    def test_one_command_answers_in_a_new_repository(self, world: World) -> None:
        done = world.run("search", QUESTION)
        assert done.returncode == 0
        # Nothing else is said, and that only where a busy machine has not got to every vector in time.
        assert all(line.startswith("results by ") for line in done.stderr.splitlines())
        first, second, *_ = done.stdout.split("\n")
        assert first.startswith("src/ring.py:")
        assert second.strip()
        assert "\x1b" not in done.stdout

    def test_writes_nothing_into_the_repository(self, world: World) -> None:
        before = sorted(world.repo.rglob("*"))
        world.run("search", QUESTION)
        assert sorted(world.repo.rglob("*")) == before

    def test_json_has_the_documented_shape(self, world: World) -> None:
        world.run("index")
        document: dict[str, Any] = json.loads(world.run("search", QUESTION, "--format", "json", "-k", "2").stdout)
        assert set(document) == {"query", "results", "stages", "index"}
        assert len(document["results"]) == 2
        assert set(document["results"][0]) == {
            "path", "start_line", "end_line", "language", "symbol", "score", "content",
        }  # fmt: skip
        assert document["index"]["dense_coverage"] == 1.0

    def test_takes_in_an_edit_unless_told_not_to(self, world: World) -> None:
        world.run("index")
        (world.repo / "src" / "zebra.py").write_text("def zebra_crossing():\n    return 1\n")
        query = ("search", "zebra_crossing", "--format", "json")
        assert "src/zebra.py" not in found(world.run(*query, "--no-sync").stdout)
        assert found(world.run(*query).stdout)[0] == "src/zebra.py"

    def test_filters(self, world: World) -> None:
        json_of = ("--format", "json")
        assert set(found(world.run("search", "password", "--lang", "markdown", *json_of).stdout)) == {"docs/guide.md"}
        assert set(found(world.run("search", "password", "--path", "src/*.py", *json_of).stdout)) <= {
            "src/login.py",
            "src/ring.py",
        }

    @pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
    def test_modes(self, world: World, mode: str) -> None:
        done = world.run("search", "check_password", "--mode", mode, "--format", "json")
        assert found(done.stdout)[0] == "src/login.py"

    def test_several_paths_are_one_answer(self, world: World, tmp_path: Path) -> None:
        other = tmp_path / "other"
        shutil.copytree(world.repo / "src", other)
        done = world.run("search", "password hash", "docs", str(other), "--format", "json")
        hits = json.loads(done.stdout)["results"]
        assert {hit["root"] for hit in hits} == {"docs", str(other)}
        assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)

    @pytest.mark.parametrize("indexed_before", [False, True])
    @pytest.mark.parametrize("file", ["src/login.py", "src/[id].ts"])
    def test_a_file_is_searched_alone(self, world: World, file: str, *, indexed_before: bool) -> None:
        if indexed_before:
            world.run("index")
        done = world.run("search", "load a profile or check a password", file)
        paths = {line.partition(":")[0] for line in done.stdout.splitlines() if line and not line.startswith(" ")}
        assert paths == {file}

    def test_two_files_of_one_index(self, world: World) -> None:
        world.run("index")
        done = world.run("search", "password", "src/login.py", "docs/guide.md", "--format", "json")
        assert set(found(done.stdout)) == {"src/login.py", "docs/guide.md"}

    def test_a_root_is_asked_once_whatever_it_is_called(self, world: World) -> None:
        once = world.run("search", "password", "src", "--format", "json")
        twice = world.run("search", "password", "src", str(world.repo / "src"), "docs/../src", "--format", "json")
        assert found(twice.stdout) == found(once.stdout)

    def test_a_folder_and_a_file_of_it_are_one_root(self, world: World) -> None:
        world.run("index", "src")
        both = world.run("search", "password", "src/login.py", str(world.repo / "src"), "--format", "json")
        hits = [(hit["path"], hit["start_line"]) for hit in json.loads(both.stdout)["results"]]
        assert "ring.py" in dict(hits)
        assert len(hits) == len(set(hits))

    @pytest.mark.parametrize("others", [(), ("src/login.py",)])
    def test_a_file_that_the_index_leaves_out_is_searched_nevertheless(
        self, world: World, others: tuple[str, ...]
    ) -> None:
        (world.repo / ".gitignore").write_text("secret.py\n")
        (world.repo / "secret.py").write_text("def check_password_twice():\n    return True\n")
        world.run("index")
        done = world.run("search", "check password", "secret.py", *others, "--format", "json")
        document = json.loads(done.stdout)
        assert set(found(done.stdout)) == {"secret.py", *others}
        assert document["index"]["chunks"] == 1 or others

    def test_a_file_without_a_match_is_not_taken_for_one_left_out(self, world: World) -> None:
        world.run("index")
        done = world.run("search", "zzyzx", "src/login.py", "--mode", "lexical")
        assert (done.returncode, done.stdout) == (0, "")
        assert "no hits in " in done.stderr
        assert len(list(Path(world.environment["CODERANK_DATA_DIR"]).rglob("shard"))) == 1

    def test_index_dir(self, world: World, tmp_path: Path) -> None:
        done = world.run("search", QUESTION, "--index-dir", str(tmp_path / "here"))
        assert done.returncode == 0
        assert (tmp_path / "here").is_dir()
        assert not (tmp_path / "data").exists()

    def test_nothing_found_is_said_and_no_failure(self, world: World) -> None:
        done = world.run("search", "zzyzx", "--mode", "lexical")
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.startswith("no hits in ")

    def test_an_empty_folder(self, world: World, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        done = world.run("search", "anything", str(tmp_path / "empty"))
        assert (done.returncode, done.stdout) == (0, "")
        assert "nothing to search here" in done.stderr

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (("search", ""), 2, "query is empty"),
            (("search", "x" * 100_000), 2, "100000 characters"),
            (("search", "x", "nowhere"), 2, "nowhere"),
            (("search", "x", "--lang", "klingon"), 2, "klingon"),
            (("search", "x", "--model", "gpt-17"), 2, "gpt-17"),
            (("search", "x", "--no-sync"), 1, "never indexed"),
            (("search", "x", "src/login.py", "--path", "*.py"), 2, "restricts a folder"),
            (("related", "src/login.py:9000"), 2, "9000"),
            (("related", "data.bin:1"), 2, "data.bin"),
            (("status",), 1, "never indexed"),
        ],
    )
    def test_bad_input_is_one_line(self, world: World, arguments: tuple[str, ...], code: int, message: str) -> None:
        if message == "restricts a folder":
            world.run("index")
        done = world.run(*arguments)
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.startswith("coderank: ")
        assert message in done.stderr
        assert done.stderr.count("\n") == 1

    def test_a_reader_that_leaves_early_is_no_failure_to_report(self, world: World) -> None:
        (world.repo / "big.py").write_text("\n".join(f"def password_{n}():\n    return {n}\n" for n in range(3000)))
        shell = f"{' '.join(world.command('search', 'password', '-k', '900'))} | head -1"
        done = subprocess.run(
            ["sh", "-c", shell], cwd=world.repo, env=world.environment, capture_output=True, text=True, check=True
        )
        assert len(done.stdout.splitlines()) == 1
        assert "rror" not in done.stderr

    def test_an_ascii_terminal_gets_escapes_instead_of_a_crash(self, world: World) -> None:
        (world.repo / "ümlaut.py").write_text("def grüße():\n    return 'naïve 日本語'\n", "utf-8")
        done = world.run("search", "grüße", "-k", "1", PYTHONIOENCODING="ascii", LC_ALL="C")
        assert done.returncode == 0
        assert done.stdout.startswith("\\xfcmlaut.py:1-2")
        as_json = world.run("search", "grüße", "-k", "1", "--format", "json", PYTHONIOENCODING="ascii", LC_ALL="C")
        assert found(as_json.stdout) == ["ümlaut.py"]

    @pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
    def test_a_name_with_a_line_end_is_listed_on_one_line(self, world: World) -> None:
        (world.repo / "two\nlines\x1b[31m.py").write_text("def peculiar_name():\n    return 1\n")
        world.run("index")
        listed = world.run("status", "--skips").stdout.splitlines()
        assert any(line.startswith("  two\\nlines\\x1b[31m.py  unreadable") for line in listed)


class TestBackground:
    def test_vectors_fill_in_behind_the_answer(self, world: World) -> None:
        make_large(world)
        done = world.run("search", "task_3_7", CODERANK_BACKGROUND="1")
        assert done.stdout.startswith("many_3.py")
        assert "they fill in in the background" in done.stderr
        assert self.coverage(world, patience=240) == 1.0
        assert not [
            log.read_text() for log in Path(world.environment["CODERANK_DATA_DIR"]).rglob("*.log") if log.read_text()
        ]

    def test_switched_off_it_says_what_to_do(self, world: World) -> None:
        make_large(world)
        done = world.run("search", "task_3_7", CODERANK_STATIC_MODEL="none")
        assert done.stderr.startswith("lexical results only: 0 % of ")
        assert "`coderank index .` adds the rest" in done.stderr

    def coverage(self, world: World, patience: float) -> float:
        until = time.monotonic() + patience
        share = 0.0
        while share < 1.0 and time.monotonic() < until:
            time.sleep(0.5)
            share = json.loads(world.run("status", "--format", "json").stdout)["dense_coverage"]
        return share


class TestRelated:
    def test_finds_other_code_than_the_line_named(self, world: World) -> None:
        (world.repo / "src" / "auth.py").write_text(
            "def verify_secret(account, secret):\n    return account.digest == digest(secret, account.salt)\n"
        )
        done = world.run("related", "src/login.py:2", "--format", "json", "-k", "1")
        (hit,) = json.loads(done.stdout)["results"]
        assert (hit["root"], hit["path"]) == ("src", "auth.py")

    def test_takes_the_place_of_a_hit_from_a_sub_folder(self, world: World) -> None:
        world.run("index")
        done = world.run("related", "login.py:1-3", cwd=world.repo / "src")
        assert done.returncode == 0
        assert all(line.startswith(("../", " ")) for line in done.stdout.splitlines() if line)

    def test_a_root_without_vectors_does_not_outrank_one_that_has_them(self, world: World, tmp_path: Path) -> None:
        world.run("index")
        new = tmp_path / "new"
        new.mkdir()
        (new / "notes.py").write_text("# check password: the password of a check\n" * 3 + "password = 'check'\n")
        done = world.run(
            "search", "check_password", str(world.repo), str(new), "--format", "json", CODERANK_MODEL="auto"
        )
        assert json.loads(done.stdout)["results"][0]["path"] == "src/login.py"

    def test_nothing_is_said_of_a_root_that_is_complete(self, world: World, tmp_path: Path) -> None:
        world.run("index")
        new = tmp_path / "new"
        new.mkdir()
        for n in range(120):
            (new / f"f{n}.py").write_text(f"def password_{n}():\n    return {n}\n")
        done = world.run("search", "password", str(world.repo), str(new), CODERANK_STATIC_MODEL="none")
        assert "partial results" in done.stderr
        assert "refused" not in done.stderr

    def test_an_unknown_language_is_refused_before_any_work(self, world: World) -> None:
        done = world.run("search", "password", "--lang", "nosuch")
        assert (done.returncode, done.stdout) == (2, "")
        assert "never indexed" in world.run("status").stderr

    def test_a_mode_is_told_only_of_what_it_lacks(self, world: World) -> None:
        world = world.having("CODERANK_STATIC_MODEL", "none")
        world.run("search", "password", "--mode", "lexical")
        assert world.run("search", "password", "--mode", "lexical").stderr == ""
        dense = world.run("search", "password", "--mode", "dense", "--no-sync")
        assert dense.stderr.startswith("no results by meaning: 0 % of ")
        assert "other words" not in dense.stderr
