from __future__ import annotations

import os
import subprocess
import sys

import pytest

from coderank.store.stderr import silent_if_failing


def test_what_is_said_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with silent_if_failing():
        os.write(2, b"a remark\n")
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "a remark\n"


def test_what_is_said_before_a_failure_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with silent_if_failing():
            os.write(2, b"thread panicked\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_without_standard_error_the_block_still_runs() -> None:
    code = (
        "import os; os.close(2)\n"
        "from coderank.store.stderr import silent_if_failing\n"
        "with silent_if_failing(): print('ran')"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "ran\n"
