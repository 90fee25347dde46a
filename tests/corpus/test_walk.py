from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from coderank.corpus.exclusions import by_name
from coderank.corpus.walk import MAX_FILE_BYTES, PROGRESS_STEP, Listing, walk
from coderank.errors import PathNotFoundError
from coderank.types import Skip, SkipReason

SECRETS = [
    *(".env", ".env.local", ".ENV", "prod.env", "server.pem", "tls.KEY", "id_rsa", "id_rsa.pub", "id_ed25519_work"),
    *("a.p12", "a.keystore", "vault.kdbx", "credentials.json", "gcp-credentials.json", "client_secret_1.json"),
    *(".netrc", ".npmrc", ".pypirc", ".git-credentials", "terraform.tfstate", "service-account.json", "secrets.yml"),
]

NO_SECRETS = [
    *(".env.example", ".env.sample", ".env.template", ".env.local.example", "example.env", "env.py", "environment.ts"),
    *("id_rsa_parser.py", "keys.py", "key", "map", "so", "bin", "credentials.py", "secrets.py", "token.go", "pem.c"),
]

LOCK_FILES = [
    *("package-lock.json", "yarn.lock", "pnpm-lock.yaml", "Cargo.lock", "poetry.lock", "uv.lock", "go.sum"),
    *("Gemfile.lock", "composer.lock", "Pipfile.lock", "flake.lock", "mix.lock", "Podfile.lock"),
]


def write(root: Path, *paths: str, content: bytes = b"text\n") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def paths(listing: Listing) -> list[str]:
    return [entry.path for entry in listing.files]


def reasons(listing: Listing) -> dict[str, SkipReason]:
    return {skip.path: skip.reason for skip in listing.skips}


class TestListing:
    def test_an_entry_carries_size_and_time(self, tmp_path: Path) -> None:
        write(tmp_path, "a/b.py", content=b"12345")
        (entry,) = walk(tmp_path).files
        assert (entry.path, entry.size) == ("a/b.py", 5)
        assert entry.mtime_ns == (tmp_path / "a/b.py").stat().st_mtime_ns

    def test_is_sorted_by_path(self, tmp_path: Path) -> None:
        write(tmp_path, "b.py", "a/z.py", "a.py", "a-b/c.py", "B.py", "é.py", "a/b/c.py")
        write(tmp_path, "z.lock", "y.png", "a/x.png", content=b"")
        listing = walk(tmp_path)
        assert paths(listing) == sorted(paths(listing))
        assert [skip.path for skip in listing.skips] == sorted(skip.path for skip in listing.skips)
        assert len(listing.files) == 7

    def test_is_the_same_every_time(self, tmp_path: Path) -> None:
        write(tmp_path, *(f"{folder}/{name}.py" for folder in "abc" for name in "xyz"))
        assert walk(tmp_path) == walk(tmp_path)

    def test_folders_named_by_the_caller_are_not_entered(self, tmp_path: Path) -> None:
        write(tmp_path / "real", "a.py", "own/b.py", "deeper/own/c.py")
        (tmp_path / "link").symlink_to(tmp_path / "real")
        elsewhere = tmp_path / "elsewhere"
        assert paths(walk(tmp_path / "real", leave_out=[tmp_path / "link" / "own", elsewhere])) == [
            "a.py",
            "deeper/own/c.py",
        ]

    def test_any_text_is_corpus(self, tmp_path: Path) -> None:
        names = [
            "Makefile",
            "README",
            "a.unheardof",
            "b.toml",
            "c.md",
            ".gitignore",
            "data.csv",
            "go.mod",
            ".editorconfig",
        ]
        write(tmp_path, *names)
        assert set(paths(walk(tmp_path))) == set(names)

    def test_an_empty_folder_lists_nothing(self, tmp_path: Path) -> None:
        assert walk(tmp_path) == Listing((), ())

    def test_a_relative_root_and_one_through_a_link(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path, "real/a.py")
        (tmp_path / "link").symlink_to("real")
        monkeypatch.chdir(tmp_path)
        assert paths(walk(Path("real"))) == paths(walk(Path("link"))) == ["a.py"]

    def test_progress_ends_at_the_number_of_files(self, tmp_path: Path) -> None:
        write(tmp_path, *(f"{folder}/{number}.py" for folder in "ab" for number in range(PROGRESS_STEP)))
        told: list[int] = []
        walk(tmp_path, on_progress=told.append)
        assert told == [PROGRESS_STEP, 2 * PROGRESS_STEP, 2 * PROGRESS_STEP]


class TestRoot:
    def test_may_be_one_file(self, tmp_path: Path) -> None:
        write(tmp_path, "a.py", "b.py")
        assert paths(walk(tmp_path / "a.py")) == ["a.py"]

    def test_one_file_is_listed_although_ignored(self, tmp_path: Path) -> None:
        write(tmp_path, "a.log")
        write(tmp_path, ".gitignore", content=b"*.log")
        assert paths(walk(tmp_path / "a.log")) == ["a.log"]

    def test_one_file_is_judged_as_any(self, tmp_path: Path) -> None:
        write(tmp_path, ".env")
        assert walk(tmp_path / ".env") == Listing((), (Skip(".env", SkipReason.SECRET),))

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(PathNotFoundError, match="missing: No such file or directory"):
            walk(tmp_path / "missing")

    def test_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(PathNotFoundError, match="neither a file nor a folder"):
            walk(tmp_path / "pipe")


class TestNames:
    @pytest.mark.parametrize("name", SECRETS)
    def test_secrets(self, name: str) -> None:
        assert by_name(name) is SkipReason.SECRET

    @pytest.mark.parametrize("name", NO_SECRETS)
    def test_what_only_sounds_like_one(self, name: str) -> None:
        assert by_name(name) is None

    @pytest.mark.parametrize("name", LOCK_FILES)
    def test_lock_files(self, name: str) -> None:
        assert by_name(name) is SkipReason.LOCK_FILE

    @pytest.mark.parametrize(
        "name", ["lock.py", "filelock.c", "a.lock", "package.json", "Cargo.toml", "go.mod", "lock"]
    )
    def test_no_lock_files(self, name: str) -> None:
        assert by_name(name) is None

    @pytest.mark.parametrize(
        "name", ["a.png", "a.PDF", "a.so", "a.pyc", "a.zip", "a.tar.gz", "a.woff2", "a.mp4", "A.class"]
    )
    def test_binaries(self, name: str) -> None:
        assert by_name(name) is SkipReason.BINARY

    @pytest.mark.parametrize(
        "name", ["a.ts", "a.d", "a.m", "a.s", "a.h", "a.pl", "a.mo", "a.dat", "a.json", "a.ipynb", "a.r"]
    )
    def test_extensions_of_source_that_also_mean_something_else(self, name: str) -> None:
        assert by_name(name) is None

    @pytest.mark.parametrize("name", ["a.min.js", "a.MIN.css", "a.js.map", "a.map"])
    def test_minified(self, name: str) -> None:
        assert by_name(name) is SkipReason.MINIFIED

    @pytest.mark.parametrize(
        "name", ["a_pb2.py", "a_pb2_grpc.py", "a.pb.go", "a.g.dart", "a.Designer.cs", "a_generated.go"]
    )
    def test_generated(self, name: str) -> None:
        assert by_name(name) is SkipReason.GENERATED

    def test_are_not_opened(self, tmp_path: Path) -> None:
        write(tmp_path, "a.png", ".env", "go.sum", "sub/b_pb2.py", "sub/c.py")
        listing = walk(tmp_path)
        assert paths(listing) == ["sub/c.py"]
        assert reasons(listing) == {
            ".env": SkipReason.SECRET,
            "a.png": SkipReason.BINARY,
            "go.sum": SkipReason.LOCK_FILE,
            "sub/b_pb2.py": SkipReason.GENERATED,
        }

    def test_what_is_ignored_is_not_reported(self, tmp_path: Path) -> None:
        write(tmp_path, ".env", "a.png")
        write(tmp_path, ".coderankignore", content=b".*\n*.png")
        assert walk(tmp_path) == Listing((), ())


class TestSize:
    def test_empty(self, tmp_path: Path) -> None:
        write(tmp_path, "__init__.py", content=b"")
        assert walk(tmp_path).skips == (Skip("__init__.py", SkipReason.EMPTY),)

    def test_too_large_by_one_byte(self, tmp_path: Path) -> None:
        write(tmp_path, "fits.sql", content=b"x" * MAX_FILE_BYTES)
        write(tmp_path, "large.sql", content=b"x" * (MAX_FILE_BYTES + 1))
        listing = walk(tmp_path)
        assert paths(listing) == ["fits.sql"]
        assert listing.skips == (Skip("large.sql", SkipReason.TOO_LARGE, "1,048,577 bytes"),)


class TestLinks:
    def test_to_a_file_or_folder_inside_is_a_duplicate(self, tmp_path: Path) -> None:
        write(tmp_path, "a/b.py")
        (tmp_path / "file.py").symlink_to("a/b.py")
        (tmp_path / "folder").symlink_to(tmp_path / "a")
        listing = walk(tmp_path)
        assert (paths(listing), listing.skips) == (["a/b.py"], ())

    def test_to_outside_is_not_followed(self, tmp_path: Path) -> None:
        write(tmp_path, "outside/secret.txt", "root/a.py", "rooted.txt")
        for name, target in {
            "file": "../outside/secret.txt",
            "folder": "../outside",
            "sibling": "../rooted.txt",
        }.items():
            (tmp_path / "root" / name).symlink_to(target)
        listing = walk(tmp_path / "root")
        assert paths(listing) == ["a.py"]
        assert reasons(listing) == dict.fromkeys(("file", "folder", "sibling"), SkipReason.OUTSIDE_ROOT)
        assert listing.skips[0].detail == str((tmp_path / "outside/secret.txt").resolve())

    def test_loops_and_dangling_links(self, tmp_path: Path) -> None:
        write(tmp_path, "a/b.py")
        (tmp_path / "a" / "up").symlink_to("..")
        (tmp_path / "self").symlink_to("self")
        (tmp_path / "ping").symlink_to("pong")
        (tmp_path / "pong").symlink_to("ping")
        (tmp_path / "nowhere").symlink_to("missing")
        listing = walk(tmp_path)
        assert (paths(listing), listing.skips) == (["a/b.py"], ())

    def test_an_ignored_link_is_not_reported(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("/")
        write(tmp_path, ".gitignore", content=b"link")
        assert walk(tmp_path).skips == ()


class TestOddEntries:
    def test_pipes_and_sockets_are_not_opened(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path, "a.py")
        monkeypatch.chdir(tmp_path)  # the path of a socket must be short
        os.mkfifo("pipe.py")
        os.mkfifo(".gitignore")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket.py")
            assert paths(walk(tmp_path)) == ["a.py"]

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            (b"a\nb.py", "a\\nb.py"),
            (b"caf\xe9.py", "caf\\xe9.py"),
            (b"bell\x07", "bell\\x07"),
            ("l\u2028s".encode(), "l\\u2028s"),
        ],
    )
    def test_names_that_cannot_be_shown(self, tmp_path: Path, name: bytes, shown: str) -> None:
        (tmp_path / os.fsdecode(name)).write_text("x")
        (tmp_path / os.fsdecode(b"dir" + name)).mkdir()
        (tmp_path / os.fsdecode(b"dir" + name) / "a.py").write_text("x")
        listing = walk(tmp_path)
        assert listing.files == ()
        assert reasons(listing) == {shown: SkipReason.UNREADABLE, "dir" + shown: SkipReason.UNREADABLE}
        assert json.dumps([skip.path for skip in listing.skips], ensure_ascii=False).encode("utf-8")

    def test_names_in_any_script_are_kept(self, tmp_path: Path) -> None:
        names = [
            "Größe.py",
            "テスト.py",
            "a b.py",
            "😀.py",
            "A.PY",
            "a'b\".py",
            "-x.py",
            "a\\b.py",
            "non\u00a0breaking.py",
        ]
        write(tmp_path, *names)
        assert paths(walk(tmp_path)) == sorted(names)

    def test_a_folder_that_cannot_be_listed_does_not_end_the_walk(self, tmp_path: Path) -> None:
        write(tmp_path, "z/a.py")
        depth = _too_deep(tmp_path)
        try:
            listing = walk(tmp_path)
            assert paths(listing) == ["z/a.py"]
            (skip,) = listing.skips
            assert (skip.reason, skip.detail) == (SkipReason.UNREADABLE, "File name too long")
            assert 0 < skip.path.count("/") < depth
        finally:
            shutil.rmtree(tmp_path / ("d" * 200))

    @pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
    def test_a_folder_without_permission(self, tmp_path: Path) -> None:
        write(tmp_path, "closed/a.py", "open/b.py")
        (tmp_path / "closed").chmod(0)
        try:
            listing = walk(tmp_path)
        finally:
            (tmp_path / "closed").chmod(0o700)
        assert paths(listing) == ["open/b.py"]
        assert listing.skips == (Skip("closed", SkipReason.UNREADABLE, "Permission denied"),)


def _too_deep(root: Path) -> int:
    """Nest folders until the path of the last is longer than the system can open; return their number."""
    depth = os.pathconf(root, "PC_PATH_MAX") // 200 + 1
    here = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 200, dir_fd=here)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    return depth
