"""How a build comes by the weights: they are put in, or named as a dependency.

A wheel that is built straight from this repository (``pip install .``, from a git URL, ``pip wheel``) holds the package
``coderank_models`` itself: it can be carried anywhere and needs no second package. A dependency by path would be wrong
as soon as pip takes the wheel from its cache, when the folder that it named is gone. A release (``CODERANK_RELEASE`` is
set, or there is no folder ``models``, as in a source distribution) names the distribution ``coderank-models`` instead,
so that a new version of the code does not carry the same weights once more.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEIGHTS = "models/src/coderank_models"


class Weights(BuildHookInterface):
    """Put the weights into a wheel, or name where they come from."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Change what is built; ``version`` is ``editable`` for a link to this folder, which holds the weights."""
        if version == "editable":
            return
        here = self.target_name == "wheel" and Path(self.root, WEIGHTS).is_dir()
        if here and not os.environ.get("CODERANK_RELEASE"):
            build_data["force_include"][WEIGHTS] = "coderank_models"
        else:
            build_data["dependencies"].append(f"coderank-models=={self.config['models']}")
