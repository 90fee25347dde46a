"""From the answers on one set to measures and tables. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from benchmarks.results import Table
from benchmarks.variants import BARE, FULL, weighted
from coderank.evaluation.bootstrap import Difference, paired
from coderank.evaluation.metrics import mean, ndcg, recall, reciprocal_rank
from coderank.retrieval.priors import OFF

Answers = dict[str, list[str]]
"""Ranked document ids by query id."""
Measure = Callable[[Sequence[str], Mapping[str, float]], float]

HYBRID, DENSE, LEXICAL = (variant.name for variant in BARE)
MEASURES: dict[str, Measure] = {
    "ndcg@10": ndcg,
    "mrr@10": reciprocal_rank,
    **{f"recall@{cut}": partial(recall, cut=cut) for cut in (1, 5, 10, 100)},
}


class SetReport:
    """The measures of every variant on one set."""

    def __init__(
        self, name: str, documents: int, relevant: Mapping[str, Mapping[str, float]], answers: Mapping[str, Answers]
    ) -> None:
        self.name = name
        self.documents = documents
        self.queries = sorted(relevant)
        self._scores = {
            (variant, measure): [score(found[query], relevant[query]) for query in self.queries]
            for variant, found in answers.items()
            for measure, score in MEASURES.items()
        }

    def value(self, variant: str, measure: str = "ndcg@10") -> float:
        """Return the mean of a measure over the queries."""
        return mean(self._scores[variant, measure])

    def better_leg(self) -> str:
        """Name the leg with the higher nDCG."""
        return max((DENSE, LEXICAL), key=self.value)

    def gain(self, variant: str = HYBRID) -> Difference:
        """Compare a variant with the better leg, query by query."""
        return paired(self._scores[variant, "ndcg@10"], self._scores[self.better_leg(), "ndcg@10"])

    def record(self) -> dict[str, Any]:
        """Return every number."""
        return {
            "documents": self.documents,
            "queries": len(self.queries),
            "better_leg": self.better_leg(),
            "hybrid_minus_better_leg": self.gain().record(),
            "with_priors_minus_better_leg": self.gain(FULL.name).record(),
            "variants": {
                variant: {measure: round(self.value(variant, measure), 4) for measure in MEASURES}
                for variant in dict.fromkeys(variant for variant, _ in self._scores)
            },
        }

    def row(self) -> list[str]:
        """Return the line of the table for people."""
        values = (f"{self.value(variant):.3f}" for variant in (LEXICAL, DENSE, HYBRID, FULL.name))
        size = f"{len(self.queries):,} / {self.documents:,}"
        return [self.name, size, *values, self.gain().text(), self.gain(FULL.name).text()]


def measured(reports: Sequence[SetReport]) -> dict[str, float]:
    """Return the value of this benchmark's bar: the worst set, with priors or without."""
    gains = [report.gain(variant).mean for report in reports for variant in (HYBRID, FULL.name)]
    return {"sets_worst_gain": round(min(gains), 4)}


def details(reports: Sequence[SetReport]) -> dict[str, Any]:
    """Return every number of every set."""
    return {report.name: report.record() for report in reports}


def tables(reports: Sequence[SetReport]) -> list[Table]:
    """Return the tables for people: the legs and their sum, and what another weight of the lexical leg would do."""
    columns = (
        *("set", "queries / documents", "lexical", "dense", "hybrid", "hybrid + priors"),
        *("hybrid minus better leg [95 %]", "with priors minus better leg [95 %]"),
    )
    names = tuple(variant.name for variant in weighted(OFF))
    gains = [[report.name, *(f"{report.gain(name).mean:+.3f}" for name in names)] for report in reports]
    return [
        Table("Public sets, nDCG@10", columns, [report.row() for report in reports], headline=True),
        Table("Public sets, hybrid minus better leg, nDCG@10", ("set", *names), gains),
    ]
