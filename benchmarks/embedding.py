"""What CodeRankEmbed costs on CPU, in full size with random weights: a query, a search, documents, memory.

``python -m benchmarks.embedding DATA_DIR REPOS_DIR [--save]``. Everything runs through the files that the project
exports and the embedder that it opens on them. Needs torch, and sentence-transformers to compare with.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks import full_size, questions
from benchmarks.latency import STAGES, texts_of, warm_queries
from benchmarks.results import FOLDER, Run, Table
from coderank.embedding.tokenizer import encode, load_tokenizer
from coderank.evaluation.metrics import median, quantile
from coderank.evaluation.process import run
from coderank.evaluation.tables import markdown
from coderank.models import catalogue

if TYPE_CHECKING:
    from coderank.embedding.contract import Embedder
    from coderank.types import Matrix, Vector

MODEL = catalogue.get(full_size.MODEL)
QUERY_TOKENS = 24
"""Of a question with the model's prefix and the two tokens around it."""
QUERY_RUNS = 120
WARM_UP = 10
SHARES = (0.5, 0.95)
DOCUMENTS = 96
"""Chunks of one round: three batches of the size that sentence-transformers takes."""
ROUNDS = 3
LEAST_COSINE = 0.999
"""Between the plain fp32 vectors and ours: both sides have to do the same work."""

GivenT = TypeVar("GivenT")


class DisagreementError(Exception):
    """What is compared does not compute the same."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its tables and, if asked to, write its result."""
    given = _parser().parse_args(arguments)
    if given.save and given.trial:
        raise SystemExit("--save is for the full size: leave --trial out")
    full_size.demand(*full_size.PACKAGES, "sentence_transformers")
    run_ = Run("embedding", "python -m benchmarks.embedding DATA_DIR REPOS_DIR --save")
    asked = [q.text for repository in questions.load(given.data) for q in repository.questions]
    with tempfile.TemporaryDirectory() as scratch:
        place = full_size.Place(given.work or Path(scratch), *([full_size.TRIAL_LAYERS] if given.trial else []))
        big = place.index(given.repositories, given.chunks)
        texts = documents(given.repositories, given.documents)
        memory = added_memory(place, asked[0], texts)
        plain = Plain(place.hub, place.layers)
        query_ms = query_times(place, plain, asked)
        throughput = document_seconds(place, plain, texts, given.rounds)
        search_ms = warm_queries(big, asked)
    found = Found(query_ms, throughput, search_ms, memory, len(texts), big.chunks)
    tables = found.tables()
    for table in tables:
        print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        print(run_.write(found.measured(), found.details(place), tables, given.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedding", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="the localisation data: its questions are asked")
    parser.add_argument("repositories", type=Path, metavar="REPOS_DIR", help="where checkout.py laid them out")
    parser.add_argument("--chunks", type=int, default=50_000, help="size of the index")
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="chunks embedded in a round")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often both sides take their turn")
    parser.add_argument("--trial", action="store_true", help="a model of one layer, to try the benchmark out")
    parser.add_argument("--work", type=Path, help="a folder that keeps models and index for the next run")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return parser


class Plain:
    """The same weights as sentence-transformers runs them by default: torch, fp32, batches of 32."""

    name = "sentence-transformers, fp32"

    def __init__(self, folder: Path, layers: int) -> None:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - torch: seconds
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer  # noqa: PLC0415

        # By its modules: sentence-transformers 6 fails on an option in the hub's own sentence_bert_config.json.
        options = {"num_hidden_layers": layers}  # transformers does not read the hub's own name for it
        encoder = Transformer(str(folder), max_seq_length=MODEL.max_tokens, config_kwargs=options)
        self._model = SentenceTransformer(modules=[encoder, Pooling(MODEL.dimension, "cls")], device="cpu")

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self.embed_documents([MODEL.query_prefix + text])[0]
        return vector

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        found: Matrix = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return found


def documents(repositories: Path, count: int) -> list[str]:
    """Take so many chunks, at even distances, from all those of the repositories."""
    texts = [text for root in sorted(repositories.iterdir()) for text in texts_of(root)]
    return texts[:: max(1, len(texts) // count)][:count]


def of_length(texts: Sequence[str], tokens: int, prefix: str = MODEL.query_prefix) -> list[str]:
    """Return the texts that have just so many tokens behind a prefix."""
    rows = encode(load_tokenizer(MODEL.max_tokens), [prefix + text for text in texts], MODEL.max_tokens)
    return [text for text, row in zip(texts, rows, strict=True) if len(row) == tokens]


def query_times(place: full_size.Place, plain: Plain, asked: Sequence[str]) -> dict[str, list[float]]:
    """Return milliseconds of queries of one length, by embedder."""
    fitting = of_length(asked, QUERY_TOKENS)
    texts = [fitting[number % len(fitting)] for number in range(QUERY_RUNS)]
    found = {"auto": _query_ms(place.embedder(), texts)}
    for export in place.exports:
        found[export.record.precision] = _query_ms(place.embedder(export.record.precision), texts)
    return found | {plain.name: _query_ms(plain, texts)}


def _query_ms(embedder: Embedder | Plain, texts: Sequence[str]) -> list[float]:
    for text in texts[:WARM_UP]:
        embedder.embed_query(text)
    return [1000 * _seconds(embedder.embed_query, text) for text in texts]


def document_seconds(place: full_size.Place, plain: Plain, texts: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Let every embedder embed the documents in turn, round after round; return seconds by embedder."""
    sides: dict[str, Embedder | Plain] = {"auto": place.embedder(), "fp32": place.embedder("fp32"), plain.name: plain}
    check_agreement(sides["fp32"].embed_documents(texts[:8]), plain.embed_documents(texts[:8]))
    sides["auto"].embed_documents(texts[:8])
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            spent[name].append(_seconds(side.embed_documents, texts))
    return spent


def check_agreement(ours: Matrix, theirs: Matrix) -> None:
    """Refuse to compare the speed of two different computations."""
    least = float((ours * theirs).sum(axis=1).min())
    if not least >= LEAST_COSINE:
        raise DisagreementError(f"The plain vectors and ours have a cosine of {least:.4f}, at least {LEAST_COSINE}")


def added_memory(place: full_size.Place, query: str, texts: Sequence[str]) -> dict[str, float]:
    """Return MiB by moment in a process of its own, see `benchmarks.resident`."""
    place.calibration()
    loading = place.loading()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts.json"
        file.write_text(json.dumps([query, *texts]), "utf-8")
        command = [sys.executable, "-m", "benchmarks.resident", str(loading.exports), str(loading.cache), str(file)]
        seen: dict[str, float] = json.loads(run(command, os.environ).output)
    return seen


class Found:
    """What was measured, in the forms that a result has."""

    def __init__(
        self,
        query_ms: dict[str, list[float]],
        throughput: dict[str, list[float]],
        search_ms: dict[str, list[float]],
        memory: dict[str, float],
        documents: int,
        chunks: int,
    ) -> None:
        self.query_ms = query_ms
        self.throughput = throughput
        self.search_ms = search_ms
        self.memory = memory
        self.documents = documents
        self.chunks = chunks

    def measured(self) -> dict[str, float]:
        return {
            "embed_query_p50": round(median(self.query_ms["auto"]), 3),
            "embed_search_p50": round(median(self.search_ms["total"]), 3),
            "embed_speedup": round(self.speedup("auto"), 3),
            "embed_memory": round(self.memory["after"] - self.memory["before"], 1),
        }

    def speedup(self, name: str) -> float:
        """How many times as fast as plain."""
        return median(self.throughput[Plain.name]) / median(self.throughput[name])

    def details(self, place: full_size.Place) -> dict[str, Any]:
        calibration = place.calibration()
        return {
            "weights": f"random, {place.layers} layers",
            "index": f"{self.chunks} chunks, {full_size.RANDOM_VECTORS} random directions with noise",
            "documents": self.documents,
            "query_tokens": QUERY_TOKENS,
            "calibrated": [
                {
                    "precision": one.option.precision,
                    "threads": one.option.threads,
                    "query_ms": round(one.query_ms, 2),
                    "document_ms": round(one.document_ms, 2),
                }
                for one in calibration.measurements
            ],
            "min_cosine": {export.record.precision: export.record.min_cosine for export in place.exports},
            "bytes": {export.record.precision: export.record.bytes for export in place.exports},
            "query_ms": {name: _quantiles(values) for name, values in self.query_ms.items()},
            "search_ms": {name: _quantiles(values) for name, values in self.search_ms.items()},
            "documents_s": {name: [round(value, 3) for value in values] for name, values in self.throughput.items()},
            "resident_mib": {moment: round(value, 1) for moment, value in self.memory.items()},
            "libraries": {name: version(name) for name in ("torch", "transformers", "sentence-transformers")},
        }

    def tables(self) -> list[Table]:
        kinds = [
            [_named(name), *(f"{quantile(values, share):.1f}" for share in SHARES), *self._documents_of(name)]
            for name, values in self.query_ms.items()
        ]
        stages = [[stage, *(f"{quantile(self.search_ms[stage], share):.1f}" for share in SHARES)] for stage in STAGES]
        columns = tuple(f"p{share * 100:.0f}" for share in SHARES)
        title = f"CodeRankEmbed, random weights: queries of {QUERY_TOKENS} tokens, and {self.documents} chunks"
        return [
            Table(title, ("how", *(f"query ms, {c}" for c in columns), "chunks/s", "times plain"), kinds),
            Table(f"Search over {self.chunks:,} chunks with it, milliseconds", ("stage", *columns), stages),
            self._memory_table(),
        ]

    def _documents_of(self, name: str) -> list[str]:
        if name not in self.throughput:
            return ["", ""]
        return [f"{self.documents / median(self.throughput[name]):.1f}", f"{self.speedup(name):.2f}"]

    def _memory_table(self) -> Table:
        base = self.memory["before"]
        rows = [[moment, f"{value - base:.0f}"] for moment, value in self.memory.items() if moment != "before"]
        return Table(f"CodeRankEmbed, resident MiB added to the {base:.0f} of the process", ("moment", "MiB"), rows)


def _named(name: str) -> str:
    return {"auto": "as calibrated here", "fp32": "ONNX fp32", "int8": "ONNX int8"}.get(name, name)


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    return {f"p{share * 100:.0f}": round(quantile(values, share), 3) for share in SHARES}


def _seconds(work: Callable[[GivenT], object], given: GivenT) -> float:
    start = time.perf_counter()
    work(given)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
