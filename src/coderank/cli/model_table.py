"""The list of models, as text and as JSON. Pure but for the width of the screen."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

from coderank.models.exported import can_be_exported
from coderank.render import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coderank.models.catalogue import Model
    from coderank.models.places import Place

    Found = Sequence[tuple[Model, Sequence[Place]]]

_ABSENT = "not on this machine"
_KINDS = ("embedder", "reranker")
_INDENT = 4
_GAP = "  "


def to_json(found: Found) -> str:
    """Render models and their places as one line of JSON."""
    return json.dumps({"models": [_fields(model, where) for model, where in found]}, ensure_ascii=False)


def lines(found: Found, width: int | None) -> Iterator[str]:
    """Yield a table for each kind of model, columns aligned in both; None means a width without an end.

    Where the places do not fit beside the rest, they stand below it.
    """
    heads = [[kind, "dim", "licence", "back ends"] for kind in _KINDS]
    rows = [_cells(model) for model, _ in found]
    columns = [max(map(len, column)) for column in zip(*heads, *rows, strict=True)]
    texts = [[_text(place) for place in where] or [_ABSENT] for _, where in found]
    widest = sum(columns) + len(columns) * len(_GAP) + max(len(text) for places in texts for text in places)
    beside = width is None or widest <= width
    for kind, head in zip(_KINDS, heads, strict=True):
        members = [number for number, (model, _) in enumerate(found) if model.kind == kind]
        if kind != _KINDS[0]:
            yield ""
        yield _joined(head, columns, ["weights"] if beside else [], beside=beside)
        for number in members:
            yield _joined(rows[number], columns, texts[number], beside=beside)


def screen_width() -> int | None:
    """Columns of the terminal that standard output is, if it is one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _cells(model: Model) -> list[str]:
    licence = model.licence.removeprefix("LicenseRef-")
    return [visible(model.name), str(model.dimension or "-"), visible(licence), ", ".join(model.backends)]


def _joined(cells: Sequence[str], columns: Sequence[int], places: Sequence[str], *, beside: bool) -> str:
    name, dimension, *others = columns
    fitted = [f"{cells[0]:<{name}}", f"{cells[1]:>{dimension}}"]
    fitted += [f"{cell:<{column}}" for cell, column in zip(cells[2:], others, strict=True)]
    row = _GAP.join(fitted)
    if beside:
        return f"\n{' ' * (len(row) + len(_GAP))}".join([f"{row}{_GAP}{places[0]}", *places[1:]])
    return "\n".join([row.rstrip(), *(f"{' ' * _INDENT}{place}" for place in places)])


def _text(place: Place) -> str:
    if place.export is not None:
        return f"exported ({place.export.precision}, {place.export.min_cosine:.3f})"
    return {"bundled": "bundled", "hub": "in the hub's cache"}.get(place.kind) or visible(str(place.path))


def _fields(model: Model, where: Sequence[Place]) -> dict[str, object]:
    return {
        "name": model.name,
        "kind": model.kind,
        "hub_id": model.hub_id,
        "revision": model.revision,
        "dimension": model.dimension,
        "max_tokens": model.max_tokens,
        "licence": model.licence,
        "backends": list(model.backends),
        "source": model.weights,
        "exportable": can_be_exported(model),
        "places": [_place_fields(place) for place in where],
    }


def _place_fields(place: Place) -> dict[str, object]:
    fields: dict[str, object] = {"kind": place.kind, "path": str(place.path)}
    if place.export is not None:
        record = place.export
        fields |= {
            "precision": record.precision,
            "min_cosine": record.min_cosine,
            "probes": record.probes,
            "bytes": record.bytes,
        }
    return fields
