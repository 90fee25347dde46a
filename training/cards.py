"""Write the cards of the models that come with coderank: ``python -m training.cards [--check]``.

A card is made of what the catalogue, the manifest of the weights and the list of packages say, and of the facts and
figures in ``training/figures/NAME.json``; nobody edits it by hand. ``--check`` fails where one is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from coderank.evaluation.tables import markdown
from coderank.models.bundled import read_manifest
from coderank.models.catalogue import MODELS, get
from training import facts as known
from training.ship import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coderank.models.bundled import Weights
    from coderank.models.catalogue import Model
    from training.facts import Facts, Figure, Interval

PACKAGES = Path(__file__).parent / "packages.json"
"""What the training data was taken from: name, version, language, licences and hash of each."""
FEW = 1_000
"""Languages with fewer pairs share a line."""
MOST_LICENCES = 12
"""Statements of licences that are shown; the others are in the list of packages."""
_CARD = Template("""\
# $name

$purpose

$properties

## How good it is

$figures

## Data

$data

## Training

$training

## Limits

$limits
""")
_INTERVALS = "In brackets: the 95 % interval of a bootstrap over the questions, paired where two models are compared."


def card(model: Model, weights: Weights, facts: Facts, packages: Sequence[Mapping[str, Any]]) -> str:
    """Write the card of one model as Markdown."""
    return _CARD.substitute(
        name=model.name,
        purpose=facts.purpose,
        properties=markdown(("", ""), _properties(model, weights, facts)),
        figures=_figures(facts.figures),
        data=_data(facts, packages),
        training=_training(facts),
        limits="\n".join(f"- {limit}" for limit in facts.limits),
    )


def cards(package: Path, folder: Path = known.FOLDER, packages: Path = PACKAGES) -> dict[Path, str]:
    """Write the cards of all models that a package of weights holds, as their text by file."""
    listed = json.loads(packages.read_text("utf-8"))["packages"] if packages.is_file() else []
    return {
        package / "cards" / f"{one.name}.md": card(get(one.name), one, known.read_facts(one.name, folder), listed)
        for one in read_manifest(package).models
    }


def stale(package: Path, texts: Mapping[Path, str]) -> list[str]:
    """Name the cards that are not what they should be, or are of no model."""
    there = {path: path.read_text("utf-8") for path in (package / "cards").glob("*.md")}
    return sorted(path.name for path in there.keys() | texts.keys() if there.get(path) != texts.get(path))


def _properties(model: Model, weights: Weights, facts: Facts) -> list[list[str]]:
    is_embedder = model.kind == "embedder"
    kind = f"embedder, {model.dimension} dimensions" if is_embedder else "reranker, a score for each pair"
    reads = f"{model.max_tokens} tokens" + ("" if is_embedder else " of query and passage together")
    rows = [["kind", kind], ["reads", reads]]
    if cuts := [one for one in MODELS if one.cut_of == model.name]:
        rows.append(["cut", ", ".join(f"`{one.name}`: the first {one.dimension} numbers of a vector" for one in cuts)])
    if is_embedder:
        rows.append(["query prefix", f"`{model.query_prefix}`" if model.query_prefix else "none"])
    return [
        *rows,
        ["licence", model.licence],
        ["made from", f"{facts.base.name}, {facts.base.licence}"],
        ["version", f"{weights.version}, revision {model.revision}"],
        ["file", f"{weights.file}, {weights.size:,} bytes"],
        ["SHA-256", f"`{weights.sha256}`"],
    ]


def _figures(figures: Sequence[Figure]) -> str:
    if not figures:
        return "Not measured yet."
    rows = [[one.what, f"{one.questions:,}", one.measure, _written(one.value), _compared(one)] for one in figures]
    return f"{markdown(('on', 'questions', 'measure', 'measured', 'compared'), rows)}\n\n{_INTERVALS}"


def _written(value: Interval, sign: str = "") -> str:
    return f"{value.mean:{sign}.3f} [{value.low:{sign}.3f}, {value.high:{sign}.3f}]"


def _compared(one: Figure) -> str:
    return f"{_written(one.gain, '+')} to {one.against}" if one.gain else "–"


def _data(facts: Facts, packages: Sequence[Mapping[str, Any]]) -> str:
    if not facts.pairs:
        return "Not written down yet."
    parts = [
        f"{sum(facts.pairs.values()):,} pairs of a description (a doc string, comment or heading) and what it stands "
        f"at, out of {facts.packages:,} packages of public package indexes; `training/packages.json` lists each with "
        "its version, its licences and its hash.",
        markdown(("language", "pairs"), _languages(facts.pairs)),
    ]
    if packages:
        parts.append(f"Licences, as the packages state them: {_licences(packages)}.")
    dropped = [f"{count:,} pairs were dropped: {why}." for why, count in facts.dropped.items()]
    if kept_out := [*facts.kept_out, *dropped]:
        parts.append("Kept out:\n\n" + "\n".join(f"- {line}" for line in kept_out))
    return "\n\n".join(parts)


def _licences(packages: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(licence for package in packages for licence in package["licences"])
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{name} ({count:,})" for name, count in ordered[:MOST_LICENCES]]
    others = sum(count for _, count in ordered[MOST_LICENCES:])
    return ", ".join([*shown, f"others ({others:,})"] if others else shown)


def _languages(pairs: Mapping[str, int]) -> list[list[str]]:
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    shown = [[name, f"{count:,}"] for name, count in ordered if count >= FEW]
    others = [(name, count) for name, count in ordered if count < FEW]
    if others:
        shown.append([f"others: {', '.join(name for name, _ in others)}", f"{sum(count for _, count in others):,}"])
    return shown


def _training(facts: Facts) -> str:
    commands = "\n".join(f"$ {command}" for command in facts.commands)
    return f"```console\n{commands}\n```\n\n{facts.machine}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the cards, or check them."""
    parser = argparse.ArgumentParser(prog="python -m training.cards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where a card is stale")
    parser.add_argument("--package", type=Path, default=PACKAGE, help="of the weights")
    parser.add_argument("--figures", type=Path, default=known.FOLDER, help="where the facts are")
    given = parser.parse_args(arguments)
    texts = cards(given.package, given.figures)
    names = stale(given.package, texts)
    if given.check:
        sys.exit(f"Stale: {', '.join(names)}. Run: python -m training.cards" if names else 0)
    (given.package / "cards").mkdir(exist_ok=True)
    for name in names:
        path = given.package / "cards" / name
        if path in texts:
            path.write_text(texts[path], "utf-8")
        else:
            path.unlink()
        print(path)


if __name__ == "__main__":
    main()
