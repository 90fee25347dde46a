"""New vectors for points: of their texts, by the model's documents side, or from the cache."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from coderank.embedding.refusals import embed_accepted
from coderank.errors import ModelError
from coderank.migration.contract import Made
from coderank.migration.text import NoTextError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coderank.embedding.contract import Embedder
    from coderank.migration.contract import Cache
    from coderank.migration.text import Text
    from coderank.store.raw import RawPoint
    from coderank.types import Vector

HOPELESS = 16
"""Texts refused with none accepted before, after which the model rather than a text is at fault."""


class Texts(Protocol):
    """Finds the text of a point."""

    def of(self, point: RawPoint) -> Text:
        """Give it. Raises NoTextError."""
        ...


@dataclass
class Embedding:
    """Embeds the texts of points; one text is embedded once, whatever points it is of."""

    texts: Texts
    open_embedder: Callable[[], Embedder]
    dimension: int
    cache: Cache | None = None
    accepted: int = 0
    """Texts that the model took so far."""

    @cached_property
    def embedder(self) -> Embedder:
        """The model, opened when the first text needs it."""
        return self.open_embedder()

    def of(self, points: Sequence[RawPoint]) -> Made:
        """Embed what the points say."""
        missing: dict[int, str] = {}
        texts: dict[int, Text] = {}
        for at, point in enumerate(points):
            try:
                texts[at] = self.texts.of(point)
            except NoTextError as error:
                missing[at] = str(error)
        vectors = self._known(texts)
        wanted = [at for at in texts if at not in vectors]
        made, refused = self._embedded([texts[at] for at in wanted])
        vectors.update((at, made[texts[at].text]) for at in wanted if texts[at].text in made)
        return Made(vectors, {at: refused[texts[at].text] for at in wanted if texts[at].text in refused}, missing)

    def again(self, point: RawPoint) -> list[Vector]:
        """Embed a point alone, whatever is kept, and add the vector that is kept for it, if any."""
        try:
            text = self.texts.of(point)
        except NoTextError:
            return []
        vectors, _ = embed_accepted(self.embedder, [text.text])
        return [*vectors.values(), *self._known({0: text}).values()]

    def _known(self, texts: dict[int, Text]) -> dict[int, Vector]:
        if self.cache is None:
            return {}
        found = self.cache.get(list({text.key for text in texts.values() if text.key}))
        return {at: found[text.key] for at, text in texts.items() if text.key in found}

    def _embedded(self, texts: list[Text]) -> tuple[dict[str, Vector], dict[str, str]]:
        distinct = list(dict.fromkeys(text.text for text in texts))
        if not distinct:
            return {}, {}
        vectors, reasons = embed_accepted(self.embedder, distinct)
        self.accepted += len(vectors)
        if len(reasons) >= min(HOPELESS, len(distinct)) and not self.accepted and len(distinct) > 1:
            raise ModelError(
                f"{self.embedder.name} refused every text, the last with: {list(reasons.values())[-1]}",
                "Run `coderank doctor`",
            )
        made = {distinct[at]: _stored(vector) for at, vector in vectors.items()}
        self._remember(texts, made)
        return made, {distinct[at]: reason for at, reason in reasons.items()}

    def _remember(self, texts: list[Text], made: dict[str, Vector]) -> None:
        fresh = {text.key: made[text.text] for text in texts if text.key and text.text in made}
        if self.cache is not None and fresh:
            self.cache.put(list(fresh), np.stack(list(fresh.values())))


def _stored(vector: Vector) -> Vector:
    """Round to the precision of cache and store, so that a fresh vector equals one that was kept."""
    return vector.astype(np.float16).astype(np.float32)
