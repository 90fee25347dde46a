"""Six public sets of questions and code: the hybrid search against each of its legs.

``python -m benchmarks.sets DATA_DIR [--cache-dir DIR] [--save]``. A set is a folder of corpus.jsonl, queries.jsonl and
qrels.tsv (BEIR layout). Each document is one chunk without a header, in a real store, asked through the real pipeline.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import parts
from benchmarks.results import FOLDER, Run
from benchmarks.sets_report import Answers, SetReport, details, measured, tables
from benchmarks.variants import BARE, FULL, weighted
from coderank.corpus.header import dense_text
from coderank.evaluation.tables import markdown
from coderank.retrieval.legs import ModelLegs
from coderank.retrieval.priors import OFF
from coderank.retrieval.search import Wanted, search
from coderank.store.edge import EdgeStore
from coderank.types import Chunk

if TYPE_CHECKING:
    from benchmarks.variants import Variant
    from coderank.embedding.contract import Embedder
    from coderank.store.contract import Store

LANGUAGES = {
    "cosqa_dev": "python",
    "csn_java_cloze": "java",
    "csn_javascript_cloze": "javascript",
    "csn_python_cloze": "python",
    "humaneval": "python",
    "mbpp": "python",
}
"""The sets and the language of their documents."""
DEPTH = 100
VARIANTS = (*BARE, FULL, *weighted(OFF))
_DIGITS = str.maketrans("0123456789", "bcdfghjkmn")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its table and, if asked to, write its result."""
    given = _parser().parse_args(arguments)
    parts.use(given.model)
    if given.save and given.only:
        raise SystemExit("A result to keep is of all sets: leave out --only")
    run = Run("sets", "python -m benchmarks.sets DATA_DIR --save")
    embedder = parts.Remembering(parts.embedder())
    with tempfile.TemporaryDirectory() as scratch:
        vectors = parts.TextVectors(given.cache_dir or Path(scratch), embedder)
        reports = [_measure(given.data / name, vectors, embedder) for name in given.only or LANGUAGES]
        vectors.close()
    for table in tables(reports):
        print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        print(run.write(measured(reports), details(reports), tables(reports), given.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sets", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="folder of the sets' folders")
    parser.add_argument("--cache-dir", type=Path, help="keep vectors here between runs")
    parser.add_argument("--only", nargs="*", default=[], choices=LANGUAGES, metavar="NAME", help="these sets alone")
    parser.add_argument(
        "--model", default=parts.MODEL.name, help="an embedder that needs no download; default: %(default)s"
    )
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return parser


def _measure(folder: Path, vectors: parts.TextVectors, embedder: Embedder) -> SetReport:
    print(f"measuring {folder.name}", file=sys.stderr, flush=True)
    corpus = _lines(folder / "corpus.jsonl")
    queries = {row["_id"]: row["text"] for row in _lines(folder / "queries.jsonl")}
    relevant = _relevant(folder / "qrels.tsv")
    names = {_path(number): row["_id"] for number, row in enumerate(corpus)}
    chunks = [_chunk(number, row, LANGUAGES[folder.name]) for number, row in enumerate(corpus)]
    asked = {name: text for name, text in queries.items() if name in relevant}
    texts = [dense_text(parts.bare(chunk)) for chunk in chunks]
    with (
        tempfile.TemporaryDirectory() as scratch,
        closing(EdgeStore(Path(scratch), parts.MODEL.dimension)) as store,
    ):
        parts.put(store, chunks, texts, vectors.of(texts))
        answers = {variant.name: _ask(store, embedder, variant, asked, names) for variant in VARIANTS}
    return SetReport(folder.name, len(corpus), relevant, answers)


def _ask(store: Store, embedder: Embedder, variant: Variant, asked: dict[str, str], names: dict[str, str]) -> Answers:
    legs = ModelLegs(lambda: embedder, parts.MODEL.lexical_weight * variant.lexical_factor, variant.mode)
    wanted = Wanted(DEPTH, priors=variant.priors)
    return {query: [names[path] for path in _paths(text, store, legs, wanted)] for query, text in asked.items()}


def _paths(text: str, store: Store, legs: ModelLegs, wanted: Wanted) -> list[str]:
    if legs.dense_query(text) is None and legs.sparse_query(text) is None:
        return []  # the lexical leg alone has nothing to say to "{", which is a query of these sets
    return [candidate.chunk.path for candidate in search(text, store, legs, wanted)[0]]


def _chunk(number: int, row: dict[str, str], language: str) -> Chunk:
    text = "\n".join(filter(None, (row.get("title"), row["text"])))
    return Chunk(_path(number), 1, text.count("\n") + 1, language, text)


def _path(number: int) -> str:
    """Name a document by letters that no word begins with: the priors read paths, and an id must tell them nothing."""
    return "zq" + str(number).translate(_DIGITS)


def _lines(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _relevant(file: Path) -> dict[str, dict[str, float]]:
    relevant: dict[str, dict[str, float]] = {}
    for line in file.read_text("utf-8").splitlines()[1:]:
        query, document, gain = line.split("\t")
        relevant.setdefault(query, {})[document] = float(gain)
    return relevant


if __name__ == "__main__":
    main()
