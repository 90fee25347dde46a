"""``python -m coderank``."""

from __future__ import annotations

from coderank.cli.main import run

if __name__ == "__main__":
    run()
