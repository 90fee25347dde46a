"""A small repository that commands and servers are tried on."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "src/ring.py": '''"""A buffer of fixed size."""


class RingBuffer:
    """Keeps the newest items."""

    def push(self, item):
        """Append an item and overwrite the oldest one when the buffer is full."""
        self.items[self.head] = item
        self.head = (self.head + 1) % len(self.items)
''',
    "src/login.py": '''def check_password(user, password):
    """Compare a password with the stored hash of a user."""
    return user.hash == digest(password, user.salt)
''',
    "docs/guide.md": "# Guide\n\nA user signs in with a password.\n",
}
QUESTION = "overwrite the oldest item"


def write_tree(root: Path, files: dict[str, str] = FILES) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return root
