"""Which model made the vectors of a collection that another program writes, once coderank has moved it: it says so.

Whoever describes the collection with the model of before, in a copy of the file of collections, would compare vectors
of two models without noticing where they have the same length. So a move writes down what it used, for each vector by
its name, beside whatever metadata the collection has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from coderank.errors import IndexIncompatibleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coderank.store.fingerprint import Fingerprint

MADE_WITH = "coderank_made_with"
"""The key of a collection's metadata."""


class MadeWith(msgspec.Struct, frozen=True):
    """The model behind one vector."""

    model: str
    """Catalogue name."""
    revision: str
    dimension: int

    @property
    def remedy(self) -> str:
        """Say how the collection is described, for whoever describes it otherwise."""
        return (
            "Name the model that made them in the file of collections: "
            f'embedding_model "{self.model}", embedding_dimension {self.dimension}'
        )


def told(said: Mapping[str, Any] | None, vector: str | None) -> MadeWith | None:
    """Read from a collection's metadata what made a vector, the only one where it is not named; None if not told."""
    try:
        known = msgspec.convert((said or {}).get(MADE_WITH, {}), dict[str, MadeWith])
    except msgspec.ValidationError:  # of a later version
        return None
    if vector is None:
        return next(iter(known.values())) if len(known) == 1 else None
    return known.get(vector)


def telling(said: Mapping[str, Any], vector: str, made: MadeWith) -> dict[str, Any]:
    """Add to a collection's metadata what made a vector."""
    before = said.get(MADE_WITH)
    return {**said, MADE_WITH: {**(before if isinstance(before, dict) else {}), vector: msgspec.to_builtins(made)}}


def of_fingerprint(built: Fingerprint) -> MadeWith:
    """Take what a collection of coderank's own says of its vectors."""
    return MadeWith(built.model, built.revision, built.dimension)


def check(made: MadeWith | None, expected: MadeWith, where: str) -> None:
    """Raise IndexIncompatibleError where it is known that another model than expected made a collection's vectors."""
    if made is not None and made != expected:
        raise IndexIncompatibleError(
            f"The vectors of {where} were made with {made.model} ({made.dimension}-d, revision {made.revision}), "
            f"not with {expected.model} ({expected.dimension}-d, revision {expected.revision})",
            made.remedy,
        )
