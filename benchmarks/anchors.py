"""What others published on the questions of ``localisation``, beside what was measured here. Pure.

Worked out from the result files of https://github.com/MinishLab/semble, by the scoring of `benchmarks.localisation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coderank.evaluation.tables import markdown

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = ("semble 0.7", "CodeRankEmbed alone", "CodeRankEmbed + BM25 + semble's ranking")
PUBLISHED: dict[str, tuple[str, float, float, float]] = {
    "requests": ("python", 0.967, 0.895, 0.992),
    "click": ("python", 1.000, 0.895, 0.982),
    "model2vec": ("python", 0.715, 0.662, 0.730),
    "express": ("javascript", 0.949, 0.956, 0.930),
    "cobra": ("go", 0.971, 0.727, 0.978),
    "gson": ("java", 0.817, 0.665, 0.907),
    "monolog": ("php", 0.880, 0.816, 0.878),
    "sinatra": ("ruby", 0.963, 0.828, 0.953),
    "serde": ("rust", 0.708, 0.460, 0.740),
    "zod": ("typescript", 0.557, 0.342, 0.519),
    "dapper": ("csharp", 0.842, 0.729, 0.848),
    "exposed": ("kotlin", 0.663, 0.571, 0.708),
    "alamofire": ("swift", 0.978, 0.834, 0.974),
    "plug": ("elixir", 0.926, 0.901, 0.926),
    "fmtlib": ("cpp", 0.916, 0.697, 0.895),
    "libuv": ("c", 0.624, 0.626, 0.720),
    "nvm": ("bash", 1.000, 0.982, 0.982),
    "aeson": ("haskell", 0.769, 0.913, 0.744),
    "lazy.nvim": ("lua", 0.762, 0.731, 0.790),
    "zig-clap": ("zig", 0.938, 0.838, 0.910),
}
"""Language, and nDCG@10 of ten chunks in the order of `COLUMNS`."""


def table(result: Mapping[str, Any]) -> str:
    """Render the result of ``localisation`` beside what was published, by language and all in all."""
    measured = {name: float(scores["chunks"]) for name, scores in result["details"]["per_repository"].items()}
    languages = sorted({language for language, *_ in PUBLISHED.values()})
    rows = [
        _row(language, [name for name, (its, *_) in PUBLISHED.items() if its == language], measured)
        for language in languages
    ]
    rows.append(_row("all", list(PUBLISHED), measured))
    columns = ("language", "coderank, as shipped", *COLUMNS, "coderank minus semble")
    return f"**Localisation, nDCG@10 of ten chunks, beside what others published**\n\n{markdown(columns, rows)}"


def _row(what: str, names: list[str], measured: Mapping[str, float]) -> list[str]:
    ours = sum(measured[name] for name in names) / len(names)
    theirs = [sum(column) / len(names) for column in zip(*(PUBLISHED[name][1:] for name in names), strict=True)]
    return [what, f"{ours:.3f}", *(f"{value:.3f}" for value in theirs), f"{ours - theirs[0]:+.3f}"]
