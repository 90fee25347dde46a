from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.reranking.judges import Clock
from tests.reranking.tiny_pairs import WORDS, Bert, Graph, write_counter, write_vocabulary
from tokenizers import BertWordPieceTokenizer

import coderank.embedding
from coderank.embedding.batching import plan
from coderank.errors import ModelError, ModelUnavailableError
from coderank.reranking.contract import Status
from coderank.reranking.cross_encoder import (
    ASSUMED_MS_PER_TOKEN,
    BLOCK,
    LEAST_PAIR_TOKENS,
    SAFETY,
    TELLING_TOKENS,
    WANTED,
    CrossEncoder,
)
from coderank.reranking.memory import Known, Memory
from coderank.reranking.pair_model import GraphPairs
from coderank.reranking.pairs import PairTokenizer, files

IDS = {word: number for number, word in enumerate(WORDS)}


def letters(text: str) -> list[int]:
    return [IDS[letter] for letter in text.split()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model whose logit is how often a pair has the letter z."""
    write_counter(tmp_path / "model.onnx")
    write_vocabulary(tmp_path)
    return tmp_path


@pytest.fixture
def bert(tmp_path: Path) -> tuple[Bert, Path]:
    model = Bert()
    model.write(tmp_path / "model.onnx")
    write_vocabulary(tmp_path)
    return model, tmp_path


def z(count: int, others: int = 0) -> str:
    return " ".join(["z"] * count + ["a"] * others)


def test_logits_equal_the_reference_with_padding_and_without(bert: tuple[Bert, Path]) -> None:
    reference, folder = bert
    passages = ["c d e", "x", "p q r s t u v w x y z a b", "", "e d c"]
    ranking = CrossEncoder("tiny", folder, plan).rerank("A b", passages)
    expected = []
    for passage in passages:
        ids = [IDS["[CLS]"], *letters("a b"), IDS["[SEP]"], *letters(passage), IDS["[SEP]"]]
        expected.append(reference.score(ids, [0] * 4 + [1] * (len(ids) - 4)))
    assert list(ranking.order) == sorted(range(5), key=lambda at: -expected[at])
    np.testing.assert_allclose(ranking.scores, sorted(expected, reverse=True), atol=1e-4)
    assert ranking.status is Status.COMPLETE
    assert len(set(np.round(expected, 3))) == 5


def test_a_pair_does_not_depend_on_its_batch(bert: tuple[Bert, Path]) -> None:
    _, folder = bert
    passages = [" ".join("abcdefghij"[at % 10] for at in range(length)) for length in range(1, 200, 7)]
    together = CrossEncoder("tiny", folder, plan).rerank("q", passages)
    scores = dict(zip(together.order, together.scores, strict=True))
    for at, passage in enumerate(passages):
        alone = CrossEncoder("tiny", folder, plan).rerank("q", [passage])
        assert alone.scores[0] == pytest.approx(scores[at], abs=1e-4)


def test_batches_that_are_scored_at_once_give_the_same_scores(
    bert: tuple[Bert, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder = bert
    passages = [" ".join("abcdefghij"[at % 10] for at in range(length)) for length in range(1, 200, 7)]
    one = CrossEncoder("tiny", folder, plan, threads=1).rerank("q", passages)
    several = CrossEncoder("tiny", folder, plan, threads=3).rerank("q", passages)
    monkeypatch.setattr("coderank.reranking.pair_model.SMALL", 0)
    together = CrossEncoder("tiny", folder, plan, threads=3).rerank("q", passages)
    assert one.order == several.order == together.order
    np.testing.assert_allclose(one.scores, several.scores, atol=1e-4)
    assert several.usage.calls > one.usage.calls == together.usage.calls


def test_best_first_and_ties_in_the_order_given(folder: Path) -> None:
    ranking = CrossEncoder("tiny", folder, plan).rerank("a", [z(1), z(3), z(1), z(0), z(3)])
    assert ranking.order == (1, 4, 0, 2, 3)
    assert ranking.scores == (3, 3, 1, 1, 0)


def test_pairs_are_batched_by_length(folder: Path) -> None:
    asked: list[tuple[list[int], int]] = []

    def noted(lengths: object, budget: int) -> list[list[int]]:
        asked.append((list(lengths), budget))  # type: ignore[call-overload]
        return plan(asked[-1][0], budget)

    ranking = CrossEncoder("tiny", folder, noted).rerank("a", [z(at) for at in range(20)])
    assert [len(lengths) for lengths, _ in asked] == [BLOCK, 20 - BLOCK]
    assert asked[0][0] == [at + 4 for at in range(BLOCK)]
    assert ranking.order == tuple(range(19, -1, -1))
    assert ranking.usage.prompt_tokens == sum(at + 4 for at in range(20))


def test_a_pair_is_cut_to_the_limit(folder: Path) -> None:
    ranking = CrossEncoder("tiny", folder, plan, max_tokens=16).rerank("a b c", [z(100), z(2)])
    assert ranking.scores == (16 - 3 - 3, 2)


def test_a_long_query_leaves_half_to_the_passage(folder: Path) -> None:
    (row,) = PairTokenizer(files(folder).vocabulary).encode("a " * 600, [z(600)], 512)
    assert len(row.ids) == 512
    assert row.ids.count(IDS["z"]) in {254, 255}


def test_a_tokenizer_json_goes_first(folder: Path) -> None:
    swapped = BertWordPieceTokenizer({**IDS, "q": IDS["z"], "z": IDS["q"]}, lowercase=True)
    swapped.save(str(folder / "tokenizer.json"))
    assert CrossEncoder("tiny", folder, plan).rerank("a", ["q"]).scores == (1,)


def test_weights_in_the_layout_of_the_hub_are_found(tmp_path: Path) -> None:
    write_counter(tmp_path / "onnx" / "model.onnx", ("input_ids", "attention_mask"))
    write_vocabulary(tmp_path)
    assert CrossEncoder("tiny", tmp_path, plan).rerank("a", [z(2)]).scores == (2,)


def test_odd_text_does_no_harm(folder: Path) -> None:
    passages = ["", "\udc80 z", "z" * 100_000, "[SEP] z [CLS]", "\x00"]
    ranking = CrossEncoder("tiny", folder, plan).rerank("\udcff", passages)
    assert sorted(ranking.order) == list(range(5))


def test_no_passages_are_no_failure(folder: Path) -> None:
    ranking = CrossEncoder("tiny", folder, plan).rerank("a", [])
    assert (ranking.status, ranking.order) == (Status.COMPLETE, ())


class Slow:
    """A batching that takes its time."""

    def __init__(self, clock: Clock, ms_per_token: float) -> None:
        self._clock = clock
        self._ms_per_token = ms_per_token

    def __call__(self, lengths: object, budget: int) -> list[list[int]]:
        sizes = list(lengths)  # type: ignore[call-overload]
        self._clock.advance(sum(sizes) * self._ms_per_token / 1000)
        return plan(sizes, budget)


def test_within_a_budget_the_first_passages_are_ranked(folder: Path) -> None:
    clock = Clock()
    reranker = CrossEncoder("tiny", folder, Slow(clock, 0.2), clock=clock)
    ranking = reranker.rerank("a", [z(at % 90, 500) for at in range(100)], 500)
    tokens = int(SAFETY * 500 / ASSUMED_MS_PER_TOKEN)
    assert ranking.status is Status.PARTIAL
    assert ranking.considered == tokens // max(LEAST_PAIR_TOKENS, tokens // WANTED) == WANTED
    assert ranking.why == f"{ranking.considered} of 100 fit into the time budget"
    assert sorted(ranking.order) == list(range(ranking.considered))
    assert ranking.usage.ms <= 500


def test_short_passages_fit_in_larger_numbers(folder: Path) -> None:
    clock = Clock()
    reranker = CrossEncoder("tiny", folder, Slow(clock, 0.2), clock=clock)
    ranking = reranker.rerank("a", [z(at % 10) for at in range(100)], 500)
    assert ranking.considered == 100
    assert ranking.status is Status.COMPLETE


def test_a_fast_machine_reads_whole_passages(folder: Path) -> None:
    clock = Clock()
    reranker = CrossEncoder("tiny", folder, Slow(clock, 0.001), clock=clock)
    reranker.rerank("a", [z(100)] * 50)
    ranking = reranker.rerank("a", [z(100, 400)] * 100, 500)
    assert ranking.considered == 100
    assert ranking.usage.prompt_tokens == 100 * 504


def test_a_slow_machine_still_ranks_what_is_wanted_as_far_as_it_goes(folder: Path) -> None:
    clock = Clock()
    reranker = CrossEncoder("tiny", folder, Slow(clock, 0.1), clock=clock)
    reranker.rerank("a", [z(100)] * 50)
    ranking = reranker.rerank("a", [z(500)] * 100, 500)
    assert ranking.considered == WANTED
    assert ranking.usage.ms <= 500


def test_blocks_stop_before_the_deadline_when_the_machine_slows_down(folder: Path) -> None:
    clock = Clock()
    slow = Slow(clock, 0.1)
    reranker = CrossEncoder("tiny", folder, slow, clock=clock)
    reranker.rerank("a", [z(100)] * 50)
    slow._ms_per_token = 0.2
    ranking = reranker.rerank("a", [z(500)] * 100, 500)
    assert ranking.considered == BLOCK
    assert ranking.status is Status.PARTIAL


def test_fit_promises_what_is_certain(folder: Path) -> None:
    reranker = CrossEncoder("tiny", folder, plan)
    assert reranker.fit(100, 500) == 100
    assert reranker.fit(100, 0) == 0
    assert reranker.fit(100, 30) == 1


def test_loading_takes_nothing_from_the_budget(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def slowly(vocabulary: Path) -> PairTokenizer:
        clock.advance(60)
        return PairTokenizer(vocabulary)

    monkeypatch.setattr("coderank.reranking.cross_encoder.PairTokenizer", slowly)
    ranking = CrossEncoder("pairs", folder, plan, clock=clock).rerank("a", [z(1), z(2)], 500)
    assert (ranking.status, ranking.order) == (Status.COMPLETE, (1, 0))
    assert ranking.usage.ms < 500


def test_a_few_tokens_say_nothing_of_the_speed(folder: Path, tmp_path: Path) -> None:
    entry = Memory(tmp_path / "rerankers.json").entry("pairs")
    reranker = CrossEncoder("pairs", folder, plan, entry=entry)
    reranker.rerank("a", [z(1), z(2)])
    assert entry.known == Known()
    reranker.rerank("a", [z(TELLING_TOKENS)])
    assert entry.known.ms_per_unit > 0


def test_what_cannot_be_loaded_ahead_shows_when_it_is_asked(tmp_path: Path) -> None:
    reranker = CrossEncoder("pairs", tmp_path, plan)
    reranker.prepare()
    assert reranker.rerank("q", ["a", "b"]).status is Status.FAILED


def test_a_spent_budget_fails(folder: Path) -> None:
    ranking = CrossEncoder("tiny", folder, plan).rerank("a", [z(1), z(2)], 0)
    assert (ranking.status, ranking.order) == (Status.FAILED, ())


def test_missing_files_are_named_with_the_remedy(tmp_path: Path) -> None:
    reranker = CrossEncoder("tiny", tmp_path, plan)
    assert "no model.onnx or onnx/model.onnx or model.safetensors" in reranker.unavailable()
    write_counter(tmp_path / "model.onnx")
    assert "no tokenizer.json or vocab.txt. Put the files of a cross-encoder" in reranker.unavailable()
    ranking = reranker.rerank("a", ["b", "c"])
    assert (ranking.status, ranking.order) == (Status.FAILED, ())
    write_vocabulary(tmp_path)
    assert reranker.unavailable() == ""
    assert reranker.rerank("a", ["b", "c"]).status is Status.COMPLETE


def test_damaged_weights_are_refused(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(ModelUnavailableError, match=r"cannot load the reranker .*model\.onnx"):
        GraphPairs(folder / "model.onnx", 0)
    assert CrossEncoder("tiny", folder, plan).rerank("a", ["b"]).status is Status.FAILED


def test_a_damaged_tokenizer_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}", "utf-8")
    with pytest.raises(ModelUnavailableError, match="cannot read the tokenizer"):
        PairTokenizer(folder / "tokenizer.json")


@pytest.mark.parametrize(("content", "complaint"), [(b"\xff\xfe", "utf-8"), (b"[CLS]\na\n", r"has no \[SEP\]")])
def test_a_damaged_vocabulary_is_refused(folder: Path, content: bytes, complaint: str) -> None:
    (folder / "vocab.txt").write_bytes(content)
    with pytest.raises(ModelUnavailableError, match=f"cannot read the tokenizer.*{complaint}"):
        PairTokenizer(folder / "vocab.txt")


def test_pairs_are_tokenised_as_by_the_library_s_own_class() -> None:
    vocabulary = Path(coderank.embedding.__path__[0]) / "vocab.txt"
    pairs = [
        (
            "where is a JSON string escaped?",
            "src/io.py\ndef escape_json(s: str) -> str:\n    return s.replace('\"', '\\\\')",
        ),
        ("Größe \u4e2d\u6587 [SEP] [MASK] \t x", "naïve café \x00 \U0001f600"),
        ("", "a " * 300),
    ]
    theirs = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    theirs.enable_truncation(64, strategy="longest_first")
    for query, passage in pairs:
        (ours,) = PairTokenizer(vocabulary).encode(query, [passage], 64)
        wanted = theirs.encode(query, passage)
        assert (ours.ids, ours.type_ids) == (wanted.ids, wanted.type_ids)


def test_other_inputs_are_refused(folder: Path) -> None:
    write_counter(folder / "model.onnx", ("input_ids", "pixel_values"))
    with pytest.raises(ModelUnavailableError, match="wants the inputs input_ids, pixel_values"):
        GraphPairs(folder / "model.onnx", 0)


@pytest.mark.parametrize(("width", "value"), [(3, 1.0), (1, np.nan), (1, np.inf)])
def test_other_outputs_are_refused(folder: Path, width: int, value: float) -> None:
    graph = Graph(("input_ids",))
    table = np.full((len(WORDS), width), value, dtype=np.float32)
    embedded = graph.add("Gather", table, "input_ids")
    graph.write(folder / "model.onnx", graph.add("ReduceSum", embedded, np.array([1]), keepdims=0))
    tokenizer = PairTokenizer(folder / "vocab.txt")
    rows = tokenizer.encode("a", ["b", "c"], 16)
    with pytest.raises(ModelError, match=r"output of shape \(2, 3\)|not finite"):
        GraphPairs(folder / "model.onnx", 0).logits(rows, tokenizer.padding)
    ranking = CrossEncoder("tiny", folder, plan).rerank("a", ["b", "c"])
    assert (ranking.status, ranking.order) == (Status.FAILED, ())


def test_padding_is_the_vocabulary_s_own(tmp_path: Path) -> None:
    """RoBERTa counts positions by what is not padding."""
    words = ["<s>", "<pad>", "[UNK]", "[CLS]", "[SEP]", "z"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), "utf-8")
    graph = Graph(("input_ids",))
    padding = np.zeros((len(words), 1), dtype=np.float32)
    padding[words.index("<pad>")] = 1
    summed = graph.add("ReduceSum", graph.add("Gather", padding, "input_ids"), np.array([1]), keepdims=0)
    graph.write(tmp_path / "model.onnx", summed)
    tokenizer = PairTokenizer(tmp_path / "vocab.txt")
    rows = tokenizer.encode("z", ["z z z", "z"], 16)
    assert GraphPairs(tmp_path / "model.onnx", 0).logits(rows, tokenizer.padding).tolist() == [0, 2]
