"""Runs made by hand."""

from __future__ import annotations

from coderank.evaluation.judging import MEASURES
from coderank.evaluation.runs import Answer, Run


def answer(number: int, score: float, root: str = "one", **fields: str) -> Answer:
    return Answer(
        id=f"{root}/{number}",
        root=root,
        text=fields.get("text", f"question {number}"),
        category=fields.get("category", ""),
        language=fields.get("language", ""),
        found=("a.py:1-9", "b.py:3-4"),
        right=(True, False),
        scores=dict.fromkeys(MEASURES, score),
    )


def run(*answers: Answer, mode: str = "hybrid", model: str = "tiny", digest: str = "d" * 32, **fields: str) -> Run:
    return Run(
        name=f"{model} {mode}",
        dataset="sample",
        digest=digest,
        model=model,
        mode=mode,
        rerank=False,
        version="0",
        date=fields.get("date", "2026-01-01 00:00 UTC"),
        machine="2 cores",
        files=2,
        chunks=3,
        notes=tuple(filter(None, (fields.get("note", ""),))),
        stages={"embed": 3.0, "rank": 1.0},
        answers=answers,
    )
