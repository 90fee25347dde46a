"""Write the documents of a set as a tree of files, so that the engine indexes them as it indexes everything."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from coderank.corpus.languages import by_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from coderank.evaluation.datasets import Document

_MARKS = "_-+="
"""Digits of a document's number. Letters in their place cost a model 0.02 nDCG@10 on two sets (humaneval 0.874 instead
of 0.887, mbpp 0.708 instead of 0.729); figures are words to the lexical leg (humaneval 0.631 instead of 0.745)."""
_PLACES = 11
"""Enough for four million documents."""
_PROSE = ".txt"


def path_of(number: int, document: Document) -> str:
    """Name a document by marks that are no words: rankings read paths, and an id must tell them nothing.

    Its ending says the language, where the set does.
    """
    language = by_name(document.language)
    marks = "".join(_MARKS[number // len(_MARKS) ** place % len(_MARKS)] for place in range(_PLACES))
    return f"_{marks}{language.extensions[0] if language else _PROSE}"


def write_tree(documents: Sequence[Document], folder: Path) -> list[str]:
    """Write a file for every document, unless they are there already; return their paths, in order.

    The folder appears when it is complete: a run that was interrupted leaves nothing that is taken for one.
    """
    paths = [path_of(number, document) for number, document in enumerate(documents)]
    if not folder.exists():
        draft = folder.with_name(f"{folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for path, document in zip(paths, documents, strict=True):
            (draft / path).write_text(document.text, "utf-8", "surrogatepass")
        draft.rename(folder)
    return paths
