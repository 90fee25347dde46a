"""Questions drawn from doc strings, headings and history, and what says their answers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from coderank.corpus.chunk import chunk
from coderank.evaluation.drawing import draw, history, masked, told
from coderank.evaluation.golden import Asked, Place

PYTHON = '''def push(ring, item):
    """Overwrite the oldest item when the ring is full.

    More that nobody asks.
    """
    ring.items[ring.head] = item
    ring.head = (ring.head + 1) % len(ring.items)
    return ring
'''
GO = """// Allow takes one token or says that the caller waits.
// It never blocks.
func (b *Bucket) Allow(now time.Time) bool {
	b.tokens += now.Sub(b.last).Seconds()
	if b.tokens < 1 {
		return false
	}
	return true
}
"""
MARKDOWN = "# Guide\n\nHello there.\n\n## Restoring a lost backup\n\nStop the importer first.\n\n## Usage\n\nRun it.\n"


def drawn(path: str, text: str) -> list[Asked]:
    return draw(chunk(path, text), [], 10)


def test_a_doc_string_asks_for_its_file_and_hides_its_lines() -> None:
    assert drawn("ring.py", PYTHON) == [
        Asked(
            "Overwrite the oldest item when the ring is full",
            ("ring.py",),
            category="doc string",
            hides=(Place("ring.py", 2, 5),),
        )
    ]


def test_a_comment_above_a_definition_is_one_too() -> None:
    (found,) = drawn("limiter.go", GO)
    assert found.query == "Allow takes one token or says that the caller waits"
    assert found.hides == (Place("limiter.go", 1, 2),)


def test_a_heading_of_several_words_is_asked_and_hidden() -> None:
    (found,) = drawn("docs/guide.md", MARKDOWN)
    assert found == Asked(
        "Restoring a lost backup", ("docs/guide.md",), category="heading", hides=(Place("docs/guide.md", 5, 5),)
    )


@pytest.mark.parametrize(
    "text",
    [
        PYTHON.replace("Overwrite the oldest item when the ring is full", "Push it"),
        PYTHON.replace("Overwrite", "TODO overwrite"),
        PYTHON.replace("Overwrite", "Copyright of"),
        PYTHON.replace("    ring.head = (ring.head + 1) % len(ring.items)\n    return ring\n", "").replace(
            "    ring.items[ring.head] = item\n", ""
        ),
        '"""The module that holds all about rings of things."""\n',
    ],
    ids=["short", "to do", "copyright", "nothing left", "no definition"],
)
def test_what_makes_no_question_is_left_out(text: str) -> None:
    assert drawn("ring.py", text) == []


def test_a_question_that_two_places_ask_is_drawn_of_neither() -> None:
    chunks = [*chunk("a.py", PYTHON), *chunk("b.py", PYTHON)]
    assert draw(chunks, [], 10) == []


def test_commits_ask_for_their_files() -> None:
    chunks = chunk("src/ring.py", "x = 1\n") + chunk("README.md", "# Read\n\nme\n")
    commits = [
        ("fix(ring): keep the newest items of a ring (#12)", ["src/ring.py", "README.md"]),
        ("Bump version to the next one there is", ["src/ring.py"]),
        ("Rework all of the files at once", ["src/ring.py", "a", "b", "c"]),
        ("Change a file that is gone now", ["src/gone.py"]),
        ("typo", ["src/ring.py"]),
    ]
    assert draw(chunks, commits, 10) == [Asked("keep the newest items of a ring", ("src/ring.py",), category="commit")]


def test_kinds_are_drawn_alike_and_the_same_ones_every_time() -> None:
    chunks = [
        piece
        for n in range(30)
        for piece in chunk(f"r{n}.py", PYTHON.replace("oldest", f"oldest {chr(97 + n % 26) * (2 + n // 26)}"))
    ]
    commits = [(f"Change number {chr(97 + n) * 3} of the ring", [f"r{n}.py"]) for n in range(5)]
    found = draw(chunks, commits, 12)
    assert [one.category for one in found].count("commit") == 5
    assert [one.category for one in found].count("doc string") == 7
    assert found == draw(list(chunks), commits, 12)
    assert told(found) == "drew 12 questions: 7 from doc strings, 5 from commits"


def test_hidden_lines_leave_content_and_headers() -> None:
    pieces = chunk("docs/guide.md", MARKDOWN)
    assert any("Restoring a lost backup" in piece.symbol for piece in pieces)
    after = masked(pieces, [Place("docs/guide.md", 5, 5)])
    assert not any("Restoring" in piece.content + piece.symbol + piece.signature for piece in after)
    assert [piece.content.count("\n") for piece in after] == [piece.content.count("\n") for piece in pieces]
    assert "Stop the importer first." in "".join(piece.content for piece in after)


def test_a_masked_definition_keeps_its_name_and_code() -> None:
    (piece,) = chunk("ring.py", PYTHON)
    (after,) = masked([piece], [Place("ring.py", 2, 5)])
    assert (after.symbol, after.signature) == (piece.symbol, piece.signature)
    assert "oldest" not in after.content
    assert "ring.items[ring.head] = item" in after.content


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, "-C", str(folder), *arguments], check=True, capture_output=True)


def test_history_is_that_of_the_folder(tmp_path: Path) -> None:
    assert history(tmp_path) == []
    git(tmp_path, "init")
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "a b.py").write_text("x = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "Begin with – one file", "-m", "A body\n\nof lines")
    assert history(tmp_path / "part") == [("Begin with – one file", ["a b.py"])]
    assert history(tmp_path) == [("Begin with – one file", ["part/a b.py"])]


def test_history_starts_no_program_that_the_repository_names(tmp_path: Path) -> None:
    signer, started = tmp_path / "signer", tmp_path / "started"
    signer.write_text(
        '#!/bin/sh\ncat >/dev/null\necho "-----BEGIN PGP SIGNATURE-----"\nprintf "\\n[GNUPG:] SIG_CREATED \\n" >&2\n'
        f'case "$*" in *--verify*) touch {started};; esac\n'
    )
    signer.chmod(0o700)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.py").write_text("a = 1\n")
    git(tree, "init", "-q")
    git(tree, "config", "gpg.program", str(signer))
    git(tree, "config", "log.showSignature", "true")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-S", "-m", "Sign what is begun here")
    git(tree, "log")
    assert started.exists(), "the trap does not work"
    started.unlink()
    assert history(tree) == [("Sign what is begun here", ["a.py"])]
    assert not started.exists()
