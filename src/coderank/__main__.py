"""``python -m coderank``."""

from __future__ import annotations

from coderank.cli.main import program

if __name__ == "__main__":
    program()
