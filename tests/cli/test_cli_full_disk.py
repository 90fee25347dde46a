"""A move on a file system of its own that really fills up. Needs the right to mount one; skipped elsewhere."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import World
from tests.indexing.indexing_world import source
from tests.tiny_model import settings_with_tiny

from coderank.migration.contract import Step

SIZE = 400 << 20
"""The engine begins nothing with less than 160 MiB free, and the image is a file of holes."""

LEFT = 16 << 10


class Disk:
    """A mounted image."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    def fill(self) -> None:
        """Leave no more than the engine writes to open an index: it replaces a file of its settings."""
        with self._ballast.open("ab", buffering=0) as file:
            for step in (1 << 20, 1 << 12):
                while self._grown(file.fileno(), step):
                    pass
            file.truncate(os.fstat(file.fileno()).st_size - LEFT)
        assert shutil.disk_usage(self.place).free <= 2 * LEFT

    @property
    def is_full(self) -> bool:
        return self._ballast.exists()

    def free(self) -> None:
        self._ballast.unlink()

    @staticmethod
    def _grown(file: int, step: int) -> bool:
        try:
            os.posix_fallocate(file, os.fstat(file).st_size, step)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return False
        return True


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    image, place = tmp_path / "disk.img", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(SIZE)
    for command in (["mkfs.ext4", "-q", "-m", "0", str(image)], ["mount", "-o", "loop", str(image), str(place)]):
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no file system can be mounted here: {error}")
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def app(world: World, tmp_path: Path, disk: Disk) -> World:
    """The index is on the small disk, the vectors that are kept are not."""
    shutil.copytree(settings_with_tiny(tmp_path).data_dir, disk.place / "data")
    made = world.having("CODERANK_MODELS_FILE", str(tmp_path / "models.toml")).having("CODERANK_MODEL", "small")
    made = made.having("CODERANK_DATA_DIR", str(disk.place / "data"))
    for number in range(60):
        (made.repo / f"part{number}.py").write_text(source(f"part{number}"))
    assert made.run("index").returncode == 0
    return made


@pytest.mark.parametrize("step", [Step.BACK_UP, Step.EMBED, Step.CUT_OVER])
def test_a_disk_that_another_program_fills_stops_the_move_and_loses_nothing(app: World, disk: Disk, step: Step) -> None:
    said: list[str] = []
    with subprocess.Popen(
        app.command("migrate", ".", "--model", "tiny"),
        cwd=app.repo,
        env=app.environment,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stderr
        for line in process.stderr:
            said.append(line)
            if line.startswith(f".: {step}"):
                disk.fill()
    assert disk.is_full
    # Pages of a file that is mapped cannot be written: then the system ends the process, and that is like any kill.
    assert process.returncode in {0, 1, -signal.SIGBUS}
    if process.returncode == 1:
        assert "Free space" in said[-1]
    disk.free()
    found = app.run("search", "part7_1 compute")
    assert (found.returncode, "part7.py" in found.stdout) == (0, True), found.stderr
    moved = app.run("migrate", ".", "--model", "tiny")
    assert moved.returncode == 0, moved.stderr
    status = json.loads(app.run("status", "--format", "json").stdout)
    assert (status["model"], status["dense_coverage"], status["changed_since"]) == ("tiny", 1.0, 0)
    assert "part7.py" in app.run("search", "part7_1 compute").stdout
