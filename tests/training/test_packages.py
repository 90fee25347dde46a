"""Which packages are taken: by licence, and not those that people measure on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.training.mirror import package
from training.kept_out import is_kept_out
from training.packages import is_permissive, pin, pinned


@pytest.mark.parametrize(
    "licence", ["Expat", "MIT", "Apache-2.0", "BSD-3-clause", "GPL-2+ or Expat", "ISC and Zlib", "Apache-2.0, or MIT"]
)
def test_licences_that_ask_to_be_named_are_permissive(licence: str) -> None:
    assert is_permissive(licence)


@pytest.mark.parametrize(
    "licence", ["GPL-3", "LGPL-2.1+", "MPL-2.0", "Expat and GPL-2", "GPL-2 or LGPL-3", "", "custom"]
)
def test_other_licences_are_not(licence: str) -> None:
    assert not is_permissive(licence)


@pytest.mark.parametrize(
    "named",
    [
        ("requests",),
        ("python-requests",),
        ("golang-github-spf13-cobra",),
        ("golang-github-gin-gonic-gin",),
        ("node-lodash",),
        ("libspdlog-dev",),
        ("rust-serde",),
        ("junit4",),
        ("ruby-sinatra",),
        ("some-fork", "https://example.org/pallets/flask.git"),
        ("chart", "https://example.org/moment.js/"),
    ],
)
def test_projects_that_are_measured_on_are_kept_out(named: tuple[str, ...]) -> None:
    assert is_kept_out(*named)


@pytest.mark.parametrize(
    "named", ["python-requests-oauthlib", "golang-blackfriday", "ant", "node-abbrev", "erlang-jiffy"]
)
def test_others_are_not(named: str) -> None:
    assert not is_kept_out(named, f"https://example.org/someone/{named}")


def test_nothing_that_is_pinned_is_kept_out_or_of_another_licence() -> None:
    listed = pinned()
    assert len(listed) > 2_000
    assert [one.name for one in listed if is_kept_out(one.name.removeprefix("pypi-"))] == []
    stated = {licence for one in listed if one.index == "debian" for licence in one.licences}
    assert [licence for licence in sorted(stated) if not is_permissive(licence)] == []
    assert {len(one.sha256) for one in listed} == {64}


def test_pinning_an_index_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "packages.json"
    ours, theirs = package("b", b"1"), package("a", b"2", index="pypi")
    pin([ours], "debian", path)
    pin([theirs], "pypi", path)
    assert pinned(path) == [theirs, ours]
    pin([], "debian", path)
    assert pinned(path) == [theirs]
