"""Ignore rules, judged by git itself."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderank.corpus.ignore import Scope, scope_above
from coderank.corpus.patterns import RuleSet
from coderank.corpus.walk import walk

NAMES = ["a", "b", "ab", "c.py", "d.log", "build", "#e", "!f", "g h", "[i]"]
SEGMENTS = [
    "a",
    "b",
    "ab",
    "c.py",
    "d.log",
    "build",
    "*",
    "**",
    "*.py",
    "*.log",
    "a*",
    "*b",
    "?",
    "b?",
    "[ab]",
    "[!a]",
    "[a-c].*",
]
SEGMENTS += ["\\#e", "\\!f", "g h", "g\\ h", "\\[i\\]", "*.p[xy]", "nothing"]


def git(folder: Path, *arguments: str) -> str:
    """Run git without anyone's personal settings."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder)}
    environment |= {"XDG_CONFIG_HOME": str(folder), "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    for kind in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{kind}_NAME": "A", f"GIT_{kind}_EMAIL": "a@example.org"}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def seen_by_git(root: Path) -> set[str]:
    return set(git(root, "ls-files", "-co", "--exclude-standard", "-z").split("\0")) - {""}


def seen(root: Path) -> set[str]:
    listing = walk(root)
    return {entry.path for entry in listing.files} | {skip.path for skip in listing.skips}


@st.composite
def ignore_lines(draw: st.DrawFn) -> str:
    segments = draw(st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=3))
    line = draw(st.sampled_from(["", "", "/"])) + "/".join(segments) + draw(st.sampled_from(["", "", "/"]))
    return draw(st.sampled_from(["", "", "!"])) + line + draw(st.sampled_from(["", "", "  ", "\r"]))


def ignore_file(max_lines: int = 6) -> st.SearchStrategy[str]:
    return st.lists(st.one_of(ignore_lines(), st.sampled_from(["", "# a", "!", "/"])), max_size=max_lines).map(
        "\n".join
    )


PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)


def plant(root: Path, paths: set[str], ignores: dict[str, str], exclude: str) -> None:
    """Make a checkout. A path that would go through a file is left out."""
    for path in sorted(paths):
        place = root / path
        if not place.exists() and not any(parent.is_file() for parent in place.parents):
            write(root, {path: "text"})
    for folder, text in ignores.items():
        if (root / folder).is_dir():
            write(root / folder, {".gitignore": text})
    (root / ".git" / "objects").mkdir(parents=True)
    (root / ".git" / "refs").mkdir()
    write(root, {".git/HEAD": "ref: refs/heads/main\n", ".git/info/exclude": exclude})


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    paths=st.sets(PATHS, min_size=3, max_size=25),
    ignores=st.dictionaries(st.one_of(st.just("."), st.just("."), PATHS), ignore_file(), max_size=4),
    exclude=ignore_file(3),
)
def test_the_walk_sees_what_git_sees(paths: set[str], ignores: dict[str, str], exclude: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        plant(root, paths, ignores, exclude)
        expected = seen_by_git(root)
        assert seen(root) == expected
        for inner in {path.split("/")[0] for path in expected if "/" in path}:
            below = {path.removeprefix(inner + "/") for path in expected if path.startswith(inner + "/")}
            assert seen(root / inner) == below


@pytest.mark.parametrize(
    "seed", ["*.log\n!keep.log", "/*\n!/a\n!/b.py", "a/*\n!a/keep", "a/**\n!a/keep", "**/b", "a/**/c"]
)
def test_familiar_idioms_work_as_in_git(tmp_path: Path, seed: str) -> None:
    files = ["keep.log", "x.log", "a/keep", "a/x", "a/b/c", "a/b/d", "a/c", "b.py", "b/x", "c/keep.log"]
    write(tmp_path, {".gitignore": seed, **dict.fromkeys(files, "text")})
    git(tmp_path, "init", "-q")
    assert seen(tmp_path) == seen_by_git(tmp_path)


@pytest.mark.parametrize("pattern", ["a\\", "[z-a]", "[a", "!", "!/", "/", "[[a]", "[a&&b]x", "\\", "**a**/***"])
def test_odd_patterns_neither_fail_nor_hide_other_rules(pattern: str) -> None:
    rules = RuleSet([pattern, "*.log"])
    assert rules.file("x.log", "x.log") is True
    assert rules.file("other.py", "other.py") is None


def test_a_pattern_with_many_stars_does_not_hang() -> None:
    rules = RuleSet(["*a" * 30 + "b", "*a*a*b"])  # a backtracking match of the first would never end
    assert rules.file("a" * 255, "a" * 255) is None


def test_rules_hold_without_git(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*.log", "a.py": "x", "b.log": "x", "c/d.log": "x"})
    assert seen(tmp_path) == {".gitignore", "a.py"}


def test_a_byte_order_mark_is_no_part_of_the_first_rule(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "\ufeff*.log\n", "b.log": "x"})
    assert seen(tmp_path) == {".gitignore"}


def test_an_ignored_folder_is_not_entered(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "out/\n!out/keep.py\n", "out/keep.py": "x", "out/.gitignore": "!*"})
    assert seen(tmp_path) == {".gitignore"}


class TestCoderankIgnore:
    def test_wins_over_git_at_any_depth(self, tmp_path: Path) -> None:
        rules = {".coderankignore": "!wanted.log\nnoise.py\n", "deep/.gitignore": "wanted.log\n!noise.py\n"}
        write(tmp_path, {**rules, "deep/wanted.log": "x", "deep/noise.py": "x"})
        assert seen(tmp_path) == {".coderankignore", "deep/.gitignore", "deep/wanted.log"}

    def test_a_deeper_one_wins_over_a_shallower_one(self, tmp_path: Path) -> None:
        write(tmp_path, {".coderankignore": "*.txt", "a/.coderankignore": "!b.txt", "a/b.txt": "x", "a/c.txt": "x"})
        assert seen(tmp_path) == {".coderankignore", "a/.coderankignore", "a/b.txt"}

    def test_brings_back_what_is_left_out_by_default(self, tmp_path: Path) -> None:
        files = {"node_modules/a.js": "x", "env/pyvenv.cfg": "x", "env/a.py": "x"}
        write(tmp_path, files)
        assert seen(tmp_path) == set()
        write(tmp_path, {".coderankignore": "!node_modules/\n!env/\n"})
        assert seen(tmp_path) == {*files, ".coderankignore"}

    def test_never_brings_back_the_history(self, tmp_path: Path) -> None:
        write(tmp_path, {".coderankignore": "!.git\n!.git/**\n", ".git/config": "x"})
        assert seen(tmp_path) == {".coderankignore"}


class TestDefaults:
    @pytest.mark.parametrize(
        "folder", [".hg", ".svn", "node_modules", "__pycache__", ".tox", ".mypy_cache", ".idea", "x-1.0.dist-info"]
    )
    def test_folders_nobody_searches(self, tmp_path: Path, folder: str) -> None:
        write(tmp_path, {f"{folder}/a.py": "x", f"src/{folder}/a.py": "x", "src/a.py": "x"})
        assert seen(tmp_path) == {"src/a.py"}

    def test_git_cannot_bring_them_back(self, tmp_path: Path) -> None:
        write(tmp_path, {".gitignore": "*\n!*/\n!*.js\n", "node_modules/a.js": "x", "a.js": "x"})
        assert seen(tmp_path) == {"a.js"}

    @pytest.mark.parametrize("marker", ["pyvenv.cfg", "CACHEDIR.TAG", "conda-meta/history"])
    def test_folders_known_by_what_they_contain(self, tmp_path: Path, marker: str) -> None:
        write(tmp_path, {f"any/{marker}": "x", "any/lib/a.py": "x", "venv/a.py": "x"})
        assert seen(tmp_path) == {"venv/a.py"}

    def test_ordinary_names_are_kept(self, tmp_path: Path) -> None:
        files = {"build/a.py", "dist/a.py", "target/a.py", "vendor/a.py", "env/a.py", "bin/a.py", ".github/a.yml"}
        write(tmp_path, dict.fromkeys(files, "x"))
        assert seen(tmp_path) == files


class TestInsideACheckout:
    def test_rules_of_the_folders_above_hold(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {".gitignore": "*.log\n/a/b/only.py\n", "a/.gitignore": "!keep.log\n", ".coderankignore": "skip.py"},
        )
        write(tmp_path, {f"a/b/{name}": "x" for name in ("x.log", "keep.log", "only.py", "skip.py", "x.py")})
        git(tmp_path, "init", "-q")
        write(tmp_path, {".git/info/exclude": "x.py"})
        assert seen(tmp_path / "a" / "b") == {"keep.log"}

    def test_rules_above_the_top_do_not(self, tmp_path: Path) -> None:
        write(tmp_path, {".gitignore": "*", "a/b/x.py": "x"})
        git(tmp_path / "a", "init", "-q")
        assert seen(tmp_path / "a" / "b") == {"x.py"}

    def test_without_a_checkout_folders_above_say_nothing(self, tmp_path: Path) -> None:
        write(tmp_path, {".gitignore": "*", "a/x.py": "x"})
        assert seen(tmp_path / "a") == {"x.py"}

    @pytest.mark.parametrize("rule", ["/out/", "out", "/*"])
    def test_an_ignored_root_is_searched_all_the_same(self, tmp_path: Path, rule: str) -> None:
        write(tmp_path, {".gitignore": rule + "\n*.py\n", "out/sub/x.py": "x"})
        git(tmp_path, "init", "-q")
        assert seen(tmp_path / "out" / "sub") == {"x.py"}

    def test_the_top_has_no_scope_above(self, tmp_path: Path) -> None:
        git(tmp_path, "init", "-q")
        assert scope_above(tmp_path) == Scope()


class TestSeveralRepositories:
    def test_a_nested_one_has_its_own_rules_only(self, tmp_path: Path) -> None:
        write(tmp_path, {".gitignore": "*.log\n", "inner/.gitignore": "*.py\n", "inner/x.log": "x", "inner/x.py": "x"})
        git(tmp_path, "init", "-q")
        git(tmp_path / "inner", "init", "-q")
        write(tmp_path, {"inner/.git/info/exclude": "y\n", "inner/y": "x"})
        assert seen(tmp_path) == {".gitignore", "inner/.gitignore", "inner/x.log"}

    def test_a_worktree_below_the_root_is_left_out(self, tmp_path: Path) -> None:
        write(tmp_path, {"x.py": "x"})
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-qm", "x")
        git(tmp_path, "worktree", "add", "-q", "trees/one")
        assert seen(tmp_path) == {"x.py"}

    def test_a_worktree_as_root_follows_the_excludes_it_shares(self, tmp_path: Path) -> None:
        write(tmp_path, {"main/x.py": "x"})
        git(tmp_path / "main", "init", "-q")
        git(tmp_path / "main", "add", ".")
        git(tmp_path / "main", "commit", "-qm", "x")
        git(tmp_path / "main", "worktree", "add", "-q", "../other")
        write(tmp_path, {"main/.git/info/exclude": "*.log", "other/y.log": "x"})
        assert seen(tmp_path / "other") == seen_by_git(tmp_path / "other") == {"x.py"}

    def test_worktrees_of_a_bare_repository_are_kept(self, tmp_path: Path) -> None:
        write(tmp_path, {"tree/.git": f"gitdir: {tmp_path}/repo.git/worktrees/tree\n", "tree/x.py": "x"})
        assert seen(tmp_path) == {"tree/x.py"}

    @pytest.mark.parametrize("module", ["lib", "worktrees/lib"])
    def test_a_submodule_is_kept(self, tmp_path: Path, module: str) -> None:
        exclude = {f".git/modules/{module}/info/exclude": "y"}
        files = {"lib/.git": f"gitdir: ../.git/modules/{module}\n", "lib/x.py": "x", "lib/y": "x"}
        write(tmp_path, {**exclude, **files})
        assert seen(tmp_path) == {"lib/x.py"}

    @pytest.mark.parametrize("text", ["", "gitdir:", "nonsense\n", "gitdir: /nowhere\n", "x" * 10_000])
    def test_a_broken_git_file_hides_nothing(self, tmp_path: Path, text: str) -> None:
        write(tmp_path, {"lib/.git": text, "lib/x.py": "x"})
        assert seen(tmp_path) == {"lib/x.py"}


def test_a_rule_file_that_is_a_link_sets_no_rules(tmp_path: Path) -> None:
    write(tmp_path, {"rules": "*.py", "x.py": "x"})
    (tmp_path / ".gitignore").symlink_to("rules")
    assert seen(tmp_path) == {"rules", "x.py"}
