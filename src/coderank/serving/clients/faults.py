"""Why a client's configuration file is left alone."""

from __future__ import annotations


class BrokenFileError(ValueError):
    """The file does not follow the rules of its own format, or cannot be edited safely."""


class ForeignShapeError(ValueError):
    """The file is in order, and holds something else where the entry would go."""
