"""Which tree a path belongs to."""

from __future__ import annotations

from pathlib import Path

import pathspec
import pytest

from coderank.corpus.roots import distinct, exact_glob, label_of, parse_place, root_of
from coderank.errors import PathNotFoundError, UsageError


class TestParsePlace:
    @pytest.mark.parametrize("suffix", [":12", ":12-20"])
    def test_splits_file_and_line(self, tmp_path: Path, suffix: str) -> None:
        file = tmp_path / "a.py"
        file.touch()
        assert parse_place(f"{file}{suffix}") == (file, 12)

    @pytest.mark.skipif(__import__("sys").platform == "win32", reason="no colons in names there")
    def test_only_the_last_colon_counts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A Windows drive letter, or any colon in a name."""
        monkeypatch.chdir(tmp_path)
        Path("C:\\src\\a.py").touch()
        assert parse_place("C:\\src\\a.py:7") == (Path("C:\\src\\a.py"), 7)

    @pytest.mark.parametrize("text", ["a.py", "a.py:", "a.py:x", ":3", "C:\\a.py", "a.py:-3"])
    def test_without_a_line_it_says_how_to_name_one(self, text: str) -> None:
        with pytest.raises(UsageError, match="not FILE:LINE"):
            parse_place(text)

    def test_no_such_file(self) -> None:
        with pytest.raises(PathNotFoundError, match=r"No such file: 'nowhere/a\.py'"):
            parse_place("nowhere/a.py:3")


class TestRootOf:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "repo" / "pkg" / "sub" / "a.py"
        file.parent.mkdir(parents=True)
        file.touch()
        return file.resolve()

    def test_is_the_nearest_indexed_folder(self, file: Path) -> None:
        (file.parents[2] / ".git").mkdir()
        indexed = {file.parents[1], file.parents[3]}
        assert root_of(file, indexed.__contains__) == file.parents[1]

    def test_else_the_repository(self, file: Path) -> None:
        (file.parents[2] / ".git").write_text("gitdir: elsewhere")
        assert root_of(file, lambda _: False) == file.parents[2]

    def test_else_its_folder(self, file: Path) -> None:
        assert root_of(file, lambda _: False) == file.parent


class TestDistinct:
    def test_keeps_the_first_name_of_every_place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "link").symlink_to("a")
        monkeypatch.chdir(tmp_path)
        assert distinct(["link", "a", "./a/", str(tmp_path / "a"), "nowhere", "."]) == ("link", "nowhere", ".")

    def test_none_are_none(self) -> None:
        assert distinct([]) == ()

    def test_an_empty_name_is_not_this_folder(self) -> None:
        with pytest.raises(PathNotFoundError, match="The path is empty"):
            distinct(["a", ""])


@pytest.mark.parametrize(
    ("root", "here", "label"),
    [("/a/b", "/a/b", "."), ("/a/b/c", "/a", "b/c"), ("/a", "/a/b/c", "../.."), ("/x/y", "/a/b", "/x/y")],
)
def test_label_can_be_opened_from_here(root: str, here: str, label: str) -> None:
    assert label_of(Path(root), Path(here)) == label


@pytest.mark.parametrize(
    "path", ["a.py", "src/[id].tsx", "a*b?.py", "!x.py", "#y.py", "a b ", "back\\slash.py", "ünï/{a,b}.py"]
)
def test_exact_glob_matches_its_path_and_no_other(path: str) -> None:
    spec = pathspec.GitIgnoreSpec.from_lines([exact_glob(path)])
    assert spec.match_file(path)
    assert not any(spec.match_file(other) for other in (f"sub/{path}", "axb1.py", "src/i.tsx", "b.py"))
