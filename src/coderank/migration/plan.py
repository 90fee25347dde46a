"""What a migration would do and cost: looked up, and tried on a few points. Changes nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from coderank.embedding.tokenizer import encode, load_tokenizer
from coderank.migration.looking import count_of, pages_of
from coderank.migration.text import NoTextError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.migration.contract import Site
    from coderank.migration.journal import Record
    from coderank.migration.vectors import Embedding
    from coderank.store.raw import RawPoint

TRIAL = 48
"""Texts embedded to learn the rate; ids of coderank's points are hashes, so the first points are a random sample."""
WARM_UP = 4
"""Texts embedded before: the first call loads the model."""
BYTES_PER_NUMBER = 2.5
"""On disk: 16 bits, and the 4 bits of the scan."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a migration would do."""

    label: str
    old: str
    new: str
    stage: str
    """What is behind it already."""
    points: int
    there: int
    """Points that the shadow holds already."""
    tokens: int
    """Estimated, as the model reads them, of the points that are still to be embedded."""
    seconds: float
    """Estimated from the trial, if no vector is cached."""
    rate: float
    """Texts a second in the trial."""
    precision: str
    """In which numbers the model computes here; empty where that is seen only then."""
    reused: int | None
    """Of points that are cut anew, how many have a vector that is known already; None where points are carried over."""
    needed: int
    """Bytes on disk for backup and new points, estimated."""
    free: int | None
    backup: str
    shadow: str


@dataclass(frozen=True, slots=True)
class Cut:
    """What comes of cutting a source anew."""

    points: int
    reused: int
    """How many of them have a vector that is known already."""
    sample: Sequence[RawPoint]


def make_plan(
    site: Site, record: Record, embedding: Embedding, max_tokens: int, *, precision: str = "", cut: Cut | None = None
) -> Plan:
    """Look at the collection and try the model on it. Raises what the model and the store raise.

    With ``cut`` its points are not carried over, but those of the source as it is now.
    """
    points = cut.points if cut else count_of(site.live())
    there = count_of(site.shadow())
    texts = _sample(cut.sample if cut else next(pages_of(site.live()), []), embedding)
    rate = _rate(embedding, texts)
    left = max(0, points - (cut.reused if cut else there))
    space = site.space()
    return Plan(
        label=site.label,
        old=record.names[0],
        new=record.names[1],
        stage=record.stage.value,
        points=points,
        there=there,
        tokens=round(_tokens(texts, max_tokens) * left),
        seconds=left / rate if rate else 0.0,
        rate=rate,
        precision=precision,
        reused=cut.reused if cut else None,
        needed=space.reserve + bytes_needed(space.taken, points, record, backed_up=bool(record.backup)),
        free=space.free,
        backup=record.backup or space.backup,
        shadow=space.shadow,
    )


def bytes_needed(taken: int, points: int, record: Record, *, backed_up: bool) -> int:
    """Estimate what backup and new points take: what the collection takes, with vectors of another length."""
    longer = points * BYTES_PER_NUMBER * (record.new.dimension - record.old.dimension)
    return (0 if backed_up else taken) + max(0, round(taken + longer))


def _sample(page: Sequence[RawPoint], embedding: Embedding) -> list[str]:
    texts = []
    for point in islice(page, TRIAL + WARM_UP):
        try:
            texts.append(embedding.texts.of(point).text)
        except NoTextError:
            continue
    return texts


def _rate(embedding: Embedding, texts: list[str]) -> float:
    if not texts:
        return 0.0
    embedding.embedder.embed_documents(texts[:WARM_UP])
    measured = texts[WARM_UP:] or texts
    started = time.monotonic()
    embedding.embedder.embed_documents(measured)
    return len(measured) / max(time.monotonic() - started, 1e-6)


def _tokens(texts: list[str], max_tokens: int) -> float:
    """Mean length of the texts as the model reads them, by the vocabulary that CodeRankEmbed and BERT share."""
    if not texts:
        return 0.0
    return sum(map(len, encode(load_tokenizer(max_tokens), texts, max_tokens))) / len(texts)
