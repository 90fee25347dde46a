from __future__ import annotations

import codecs
import os
from hashlib import blake2b
from pathlib import Path

import pytest

from coderank.corpus.decode import decode, is_binary
from coderank.corpus.machine_written import (
    HEADER_LINES,
    HUGE_LINE,
    MAX_MEAN_LINE,
    MINIFIED_MIN_CHARS,
    generated_marker,
    is_minified,
)
from coderank.corpus.read import SourceText, read
from coderank.corpus.walk import MAX_FILE_BYTES, walk
from coderank.types import FileEntry, Skip, SkipReason

ORDINARY = "def total(prices):\n    return sum(prices)\n\n\n" * 30


def read_bytes(root: Path, name: str, data: bytes) -> SourceText | Skip:
    (root / name).write_bytes(data)
    return read(root, FileEntry(name, len(data), 0))


def text_of(found: SourceText | Skip) -> str:
    assert isinstance(found, SourceText)
    return found.text


def reason_of(found: SourceText | Skip) -> SkipReason:
    assert isinstance(found, Skip)
    return found.reason


class TestReading:
    def test_text_and_digest_of_the_raw_bytes(self, tmp_path: Path) -> None:
        data = "größe = 1\r\n".encode()
        found = read_bytes(tmp_path, "a.py", data)
        assert found == SourceText("größe = 1\n", blake2b(data, digest_size=16).hexdigest())

    def test_every_listed_file_of_a_root_that_is_one_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("x = 1\n")
        (entry,) = walk(tmp_path / "a.py").files
        assert text_of(read(tmp_path / "a.py", entry)) == "x = 1\n"

    def test_a_root_through_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "real" / "a.py").write_text("x = 1\n")
        (tmp_path / "link").symlink_to("real")
        (entry,) = walk(tmp_path / "link").files
        assert text_of(read(tmp_path / "link", entry)) == "x = 1\n"

    def test_white_space_alone_is_empty(self, tmp_path: Path) -> None:
        assert reason_of(read_bytes(tmp_path, "a.py", b" \r\n\t\n")) is SkipReason.EMPTY


class TestChangedSinceListed:
    def test_vanished(self, tmp_path: Path) -> None:
        found = read(tmp_path, FileEntry("gone.py", 1, 0))
        assert found == Skip("gone.py", SkipReason.UNREADABLE, "No such file or directory")

    def test_emptied(self, tmp_path: Path) -> None:
        assert reason_of(read_bytes(tmp_path, "a.py", b"")) is SkipReason.EMPTY

    def test_grown(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes(b"some words\n" * 100_000)
        found = read(tmp_path, FileEntry("a.txt", 5, 0))
        assert found == Skip("a.txt", SkipReason.TOO_LARGE, f"more than {MAX_FILE_BYTES:,} bytes")

    @pytest.mark.parametrize("name", ["folder.py", "pipe.py"])
    def test_replaced_by_something_else(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "folder.py").mkdir()
        os.mkfifo(tmp_path / "pipe.py")
        assert read(tmp_path, FileEntry(name, 5, 0)) == Skip(name, SkipReason.UNREADABLE, "not a regular file")

    def test_replaced_by_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        (tmp_path / "outside.py").write_text("x")
        (tmp_path / "root" / "inside.py").write_text("x")
        (tmp_path / "root" / "a.py").symlink_to("inside.py")
        (tmp_path / "root" / "b.py").symlink_to("../outside.py")
        assert reason_of(read(tmp_path / "root", FileEntry("a.py", 1, 0))) is SkipReason.UNREADABLE
        assert reason_of(read(tmp_path / "root", FileEntry("b.py", 1, 0))) is SkipReason.OUTSIDE_ROOT

    def test_its_folder_replaced_by_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        (tmp_path / "root-not").mkdir()
        (tmp_path / "root-not" / "a.py").write_text("x")
        (tmp_path / "root" / "sub").symlink_to("../root-not")
        for path in ("sub/a.py", "../root-not/a.py"):
            assert reason_of(read(tmp_path / "root", FileEntry(path, 1, 0))) is SkipReason.OUTSIDE_ROOT

    @pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
    def test_permission_withdrawn(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("x")
        (tmp_path / "a.py").chmod(0)
        assert read(tmp_path, FileEntry("a.py", 1, 0)) == Skip("a.py", SkipReason.UNREADABLE, "Permission denied")


class TestSecrets:
    @pytest.mark.parametrize("kind", ["", "RSA ", "OPENSSH ", "EC ", "ENCRYPTED "])
    @pytest.mark.parametrize("before", ["", "\n", "\ufeff"])
    def test_a_private_key_under_any_name(self, tmp_path: Path, kind: str, before: str) -> None:
        text = f"{before}-----BEGIN {kind}PRIVATE KEY-----\nMIIE\n-----END {kind}PRIVATE KEY-----\n"
        assert reason_of(read_bytes(tmp_path, "deploy", text.encode())) is SkipReason.SECRET

    def test_code_about_keys_is_read(self, tmp_path: Path) -> None:
        text = 'HEADER = "-----BEGIN PRIVATE KEY-----"\n'
        assert text_of(read_bytes(tmp_path, "pem.py", text.encode())) == text

    def test_a_secret_by_name_is_not_read_whoever_asks(self, tmp_path: Path) -> None:
        assert read_bytes(tmp_path, ".env", b"TOKEN=1\n") == Skip(".env", SkipReason.SECRET)


class TestBinary:
    @pytest.mark.parametrize(
        "data", [b"\x7fELF\x02\x01\x00", b"text \0 text", bytes(range(1, 256)), b"\x1f\x8b\x08\x01\x02" * 9]
    )
    def test_is_left_out(self, tmp_path: Path, data: bytes) -> None:
        assert read_bytes(tmp_path, "noextension", data) == Skip("noextension", SkipReason.BINARY)

    @pytest.mark.parametrize(
        "data", [b"a\fb\x1b[31mred\x1b[0m\n", b"x" * 100 + b"\x01", codecs.BOM_UTF16_LE + b"a\0b\0"]
    )
    def test_is_text(self, data: bytes) -> None:
        assert not is_binary(data)


class TestEncodings:
    @pytest.mark.parametrize(
        ("mark", "encoding"),
        [
            (codecs.BOM_UTF8, "utf-8"),
            (codecs.BOM_UTF16_LE, "utf-16-le"),
            (codecs.BOM_UTF16_BE, "utf-16-be"),
            (codecs.BOM_UTF32_LE, "utf-32-le"),
            (codecs.BOM_UTF32_BE, "utf-32-be"),
        ],
    )
    def test_by_byte_order_mark(self, tmp_path: Path, mark: bytes, encoding: str) -> None:
        text = "größe = 'テスト'\n"
        assert text_of(read_bytes(tmp_path, "a.py", mark + text.encode(encoding))) == text

    @pytest.mark.parametrize(
        ("encoding", "text"),
        [
            ("cp1252", "// Größe der Fläche: übergeben\n"),
            ("cp1252", "# Crée le répertoire où l'œuvre est sauvée, à côté; ça marche\n"),
            ("latin-1", "x = 'naïve'\n"),
            ("cp1251", "# Привет, мир. Это комментарий к функции\n"),
            ("koi8_r", "# Привет, мир. Это комментарий к функции\n"),
            ("cp932", "// これはテストです。日本語のコメント\n"),
            ("euc_jp", "// これはテストです。日本語のコメント\n"),
            ("gb18030", "// 这是一个测试文件，用于检测编码\n"),
            ("big5", "// 這是一個測試文件，用於檢測編碼\n"),
            ("euc_kr", "// 이것은 테스트 파일입니다. 한국어 주석\n"),
        ],
    )
    def test_by_detection(self, encoding: str, text: str) -> None:
        assert decode(text.encode(encoding)) == text

    def test_a_long_legacy_file_is_cut_between_lines_for_detection(self) -> None:
        text = "// これはテストです。日本語のコメント\n" * 5000
        assert decode(text.encode("euc_jp")) == text

    def test_one_bad_byte_does_not_garble_the_rest(self) -> None:
        assert decode("naïve, größe, café ".encode() + b"\xff") == "naïve, größe, café \ufffd"

    @pytest.mark.parametrize(
        "data", [b"\xff", b"\x81\x8d\x8f", b"\xff\xfea", b"\xfe\xff\xd8\x00", b"\xef\xbb\xbf\xff", b"\xc3" * 99]
    )
    def test_no_bytes_make_it_fail(self, data: bytes) -> None:
        assert decode(data).encode("utf-8")

    def test_line_ends(self) -> None:
        assert decode(b"a\r\nb\rc\nd\r\r\ne") == "a\nb\nc\nd\n\ne"


class TestMinified:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("bundle.js", "var a=1;" * 62_500),
            ("bundle.js", "/* licence */\n" * 20 + "var a=1;" * 10_000),
            ("style.css", ("a{color:red}" * 40 + "\n") * 20),
            ("data.json", "[" + "1," * 5_000 + "1]"),
            ("notes.md", "![](data:image/png;base64," + "A" * 50_000 + ")\n"),
        ],
    )
    def test_is_left_out(self, tmp_path: Path, name: str, text: str) -> None:
        assert read_bytes(tmp_path, name, text.encode()) == Skip(name, SkipReason.MINIFIED)

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("a.py", ORDINARY),
            ("package.json", '{"name": "x", "files": []}' * 20),
            ("essay.md", ("A paragraph in one line, as many write prose. " * 20 + "\n\n") * 20),
            ("logo.py", ORDINARY + f'LOGO = "{"A" * 50_000}"\n'),
            ("table.c", ("0x12345678, " * 12 + "\n") * 500),
        ],
    )
    def test_is_kept(self, name: str, text: str) -> None:
        assert not is_minified(name, text)

    def test_thresholds(self) -> None:
        line = "x" * MAX_MEAN_LINE + "\n"
        assert not is_minified("a.js", line * 100)
        assert is_minified("a.js", ("x" + line) * 100)
        assert not is_minified("a.js", "x" * (MINIFIED_MIN_CHARS - 1))
        assert is_minified("a.js", "x" * MINIFIED_MIN_CHARS)
        assert not is_minified("a.md", "x" * HUGE_LINE)
        assert is_minified("a.md", "x" * (HUGE_LINE + 1))


GENERATED = [
    ("a.go", "// Copyright\n\n// Code generated by stringer; DO NOT EDIT.\n\npackage a\n"),
    ("a.rs", "// @generated\nfn a() {}\n"),
    ("a.js", "/**\n * @generated SignedSource<<abc>>\n */\n"),
    ("a.toml", "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\n"),
    ("a.cs", "// <auto-generated>\n//  This code was generated by a tool.\n// </auto-generated>\n"),
    ("a.txt", "#\n# This file is autogenerated by pip-compile with Python 3.11\n"),
    ("a.c", "/* A Bison parser, made by GNU Bison 3.8.2.  */\n"),
    ("a.c", "/* Generated by Cython 3.0.10 */\n"),
    ("a.h", "/*===- TableGen'erated file -===*\\\n|*\n|* Automatically generated file, do not edit!  *|\n\\*===*/\n"),
    (
        "a.py",
        "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# Generated by the protocol buffer compiler.  DO NOT EDIT!\n",
    ),
    ("a.ts", "// Generated by openapi\n// Do not edit this file by hand.\nexport {}\n"),
    ("a.html", "<!DOCTYPE html>\n<!-- AUTO-GENERATED FILE -->\n<p>x</p>\n"),
    ("a.php", "<?php\n\n// This file has been auto-generated by the Symfony Dependency Injection Component\n"),
    ("a.md", "<!-- Do not edit. Generated from the source. -->\n# Options\n"),
    ("a.yml", "---\n# WARNING: Automatically generated by update.sh\n- x\n"),
    ("a.sql", "-- This file was generated by pg_dump\n"),
    ("a.lua", "--[[\n  Auto-generated by protoc\n]]\n"),
    ("a.js", "'use strict';\n// Autogenerated by Thrift Compiler (0.19.0)\n//\n// DO NOT EDIT UNLESS YOU ARE SURE\n"),
]

WRITTEN = [
    ("gen.go", 'package gen\n\n// Code generated by x; DO NOT EDIT.\nconst a = "x"\n'),
    ("gen.py", '"""Code generated by templates. DO NOT EDIT the output."""\n'),
    ("gen.py", 'HEADER = "# @generated by gen.py, do not edit"\n'),
    ("gen.py", "# Writes files that start with @generated, so that reviewers skip them.\nx = 1\n"),
    ("gen.py", "# This file generates the parser tables.\nx = 1\n"),
    ("gen.js", "/* Checks whether a file is auto-generated */\nfunction check() {}\n"),
    ("gen.js", "/* One line. */ const marker = 1;\n// @generated\n"),
    (".gitignore", "# Auto-generated files\n*.log\n# Generated by the build\n/out\n"),
    ("0001_initial.py", "# Generated by Django 5.0 on 2024-01-01 10:00\n\nfrom django.db import migrations\n"),
    ("a.c", "/* This function is not generated by the compiler. */\nint x;\n"),
    ("a.md", "# Generated code: do not edit it\n\nHow to mark generated files.\n"),
    ("a.py", "\n" * HEADER_LINES + "# @generated\n"),
    ("a.c", "/* never closed\nx\n" * 3),
    ("a.txt", ""),
]


class TestGenerated:
    @pytest.mark.parametrize(("name", "text"), GENERATED)
    def test_is_left_out(self, tmp_path: Path, name: str, text: str) -> None:
        found = read_bytes(tmp_path, name, text.encode())
        assert reason_of(found) is SkipReason.GENERATED
        assert isinstance(found, Skip)
        assert 0 < len(found.detail) <= 80
        assert "\n" not in found.detail

    @pytest.mark.parametrize(("name", "text"), WRITTEN)
    def test_what_only_talks_about_it_is_kept(self, name: str, text: str) -> None:
        assert generated_marker(name, text) == ""

    def test_by_name(self, tmp_path: Path) -> None:
        assert read_bytes(tmp_path, "a_pb2.py", b"x = 1\n") == Skip("a_pb2.py", SkipReason.GENERATED)
