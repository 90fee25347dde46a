"""Packages are fetched from a mirror, compared, read inside their archives, and not fetched twice."""

from __future__ import annotations

import io
import json
import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.training.mirror import archive, package, serve
from tests.training.samples import PYTHON
from training.collect import collect, collected
from training.packages import Package, pin, pinned

from training import dataset, debian_index, python_index

DRAWER = PYTHON.replace("ledger", "drawer").replace("shop", "till")
DEBIAN = archive({"shop-1/shop/ledger.py": PYTHON, "shop-1/tests/test_ledger.py": DRAWER}, "w:xz")
PYPI = archive({"till-1/till/drawer.py": DRAWER})
PACKAGES = [package("shop", DEBIAN), package("pypi-till", PYPI, index="pypi")]
FILES = {"pool/shop/shop.tar": DEBIAN, "pool/pypi-till/pypi-till.tar": PYPI}


def run(folder: Path, files: Mapping[str, bytes], listed: list[Package]) -> tuple[list[str], list[str]]:
    """Collect; give the packages that are gone, and what was asked for."""
    with serve(files) as (root, asked):
        return collect(folder, {"debian": root, "pypi": root}, listed, processes=1), asked


def test_each_index_gives_its_pairs_and_is_asked_once(tmp_path: Path) -> None:
    gone, asked = run(tmp_path, FILES, PACKAGES)
    assert gone == []
    assert [(one.package, one.summary) for one in collected(tmp_path)] == [
        ("pypi-till", "Open the drawer of a till for reading"),
        ("shop", "Open the ledger of a shop for reading"),
    ]
    assert sorted(asked) == sorted(f"/{path}" for path in FILES)
    assert run(tmp_path, FILES, PACKAGES) == ([], [])


def test_a_package_that_is_gone_is_told_and_tried_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    gone, _ = run(tmp_path, {"pool/shop/shop.tar": DEBIAN}, PACKAGES)
    assert gone == ["pypi-till"]
    assert "pypi-till: left out, cannot fetch" in capfd.readouterr().err
    gone, asked = run(tmp_path, FILES, PACKAGES)
    assert (gone, asked) == ([], ["/pool/pypi-till/pypi-till.tar"])


def test_another_file_than_the_pinned_one_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"/pool/shop/shop\.tar has SHA-256 \w{64} instead of \w{64}"):
        run(tmp_path, {"pool/shop/shop.tar": PYPI}, PACKAGES[:1])
    assert list((tmp_path / "pairs").iterdir()) == []


def test_nothing_of_an_archive_is_unpacked(tmp_path: Path) -> None:
    out = io.BytesIO(archive({"../../escaped.py": PYTHON, "/tmp/coderank-escaped.py": DRAWER}))
    with tarfile.open(fileobj=out, mode="r:gz") as packed:
        assert len(packed.getnames()) == 2
    data = out.getvalue()
    run(tmp_path / "work", {"pool/evil/evil.tar": data}, [package("evil", data)])
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["evil.jsonl.gz"]
    assert not Path("/tmp/coderank-escaped.py").exists()
    assert len(list(collected(tmp_path / "work"))) == 2


def test_a_data_set_that_is_there_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "pinned", lambda: PACKAGES)
    sets = tmp_path / "sets"
    (sets / "localisation").mkdir(parents=True)
    (sets / "localisation" / "repos.json").write_text("[]")
    (sets / "one").mkdir()
    (sets / "one" / "queries.jsonl").write_text('{"_id": "1", "text": "open the drawer of a till for reading"}\n')
    with serve(FILES) as (root, asked):
        mirrors = {"debian": root, "pypi": root}
        report = dataset.prepare(tmp_path / "work", mirrors, sets, tmp_path)
        assert report["pairs"] == {"kept": 1, "the same question as in an evaluation": 1}
        before = (tmp_path / "work" / "train.jsonl.gz").read_bytes()
        assert dataset.prepare(tmp_path / "work", mirrors, sets, tmp_path) == report
        (tmp_path / "work" / "report.json").unlink()
        assert dataset.prepare(tmp_path / "work", mirrors, sets, tmp_path) == report
    assert (tmp_path / "work" / "train.jsonl.gz").read_bytes() == before
    assert len(asked) == 2


def stated(licence: str) -> bytes:
    return archive(
        {"debian/copyright": f"Format: 1.0\n\nFiles: *\nLicense: {licence}\n\nFiles: debian/*\nLicense: GPL-3\n"}
    )


def entry(name: str, files: Mapping[str, bytes]) -> str:
    lines = "\n".join(f" {sha256_of(data)} {len(data)} {name}_1{suffix}" for suffix, data in files.items())
    return f"Package: {name}\nVersion: 1-1\nDirectory: pool/{name}\nChecksums-Sha256:\n{lines}\n"


def sha256_of(data: bytes) -> str:
    return package("any", data).sha256


def test_packages_of_debian_are_pinned_by_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {"python-free": "Expat", "python-copyleft": "GPL-3", "python-flask": "Expat", "unheard-of": "Expat"}
    files: dict[str, bytes] = {}
    index = []
    for name, licence in listed.items():
        own = {".orig.tar.gz": PYPI, "-1.debian.tar.gz": stated(licence)}
        files |= {f"pool/{name}/{name}_1{suffix}": data for suffix, data in own.items()}
        index.append(entry(name, own))
    sources = lzma.compress("\n".join(index).encode())
    files |= {f"dists/{suite}/main/source/Sources.xz": sources for suite in debian_index.SUITES}
    path = pinned_in(tmp_path, monkeypatch)
    with serve(files) as (root, _):
        debian_index.main(["--mirror", root])
    (found,) = pinned(path)
    assert (found.name, found.licences, found.language) == ("python-free", ("Expat",), "python")
    assert (f"{found.folder}/{found.file}", found.sha256) == (
        "pool/python-free/python-free_1.orig.tar.gz",
        sha256_of(PYPI),
    )


def test_packages_of_the_python_index_are_pinned_by_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = f"packages/ab/cd/{'0' * 60}"

    def told(**about: object) -> bytes:
        file = {"packagetype": "sdist", "filename": "x-1.tar.gz", "size": 9, "digests": {"sha256": "0" * 64}}
        urls = [file | {"url": f"https://files.example.org/{folder}/x-1.tar.gz"}]
        return json.dumps({"info": {"version": "1", **about}, "urls": urls}).encode()

    free = "License :: OSI Approved :: MIT License"
    files = {
        "pypi/free/json": told(classifiers=[free]),
        "pypi/spdx/json": told(license_expression="Apache-2.0"),
        "pypi/copyleft/json": told(classifiers=[free, "License :: OSI Approved :: GNU General Public License"]),
        "pypi/silent/json": told(),
        "pypi/fork/json": told(license="MIT", home_page="https://example.org/pallets/click"),
    }
    names = tmp_path / "names.txt"
    names.write_text("free\nspdx\ncopyleft\nsilent\nfork\ngone\nrequests\n")
    monkeypatch.setattr(python_index, "NAMES", names)
    path = pinned_in(tmp_path, monkeypatch)
    with serve(files) as (root, asked):
        python_index.main(["--index", root])
    assert [(one.name, one.licences, one.folder) for one in pinned(path)] == [
        ("pypi-free", ("MIT License",), folder),
        ("pypi-spdx", ("Apache-2.0",), folder),
    ]
    assert "/pypi/requests/json" not in asked


def pinned_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = folder / "packages.json"
    for module in (debian_index, python_index):
        monkeypatch.setattr(module, "pin", lambda listed, index: pin(listed, index, path))
    return path
