"""The torch back end of cross-encoders with a tiny BERT of random weights, in the hub's file layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.reranking.tiny_pairs import WORDS, write_vocabulary

from coderank.embedding.batching import plan
from coderank.errors import ModelUnavailableError
from coderank.reranking.contract import Status
from coderank.reranking.cross_encoder import CrossEncoder
from coderank.reranking.pair_torch import TorchPairs
from coderank.reranking.pairs import PairTokenizer, files

PASSAGES = ["a b c", "z", "b b b b b b b b", "c a"]


def write_bert(folder: Path, labels: int = 1) -> Path:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(7)
    shape = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        initializer_range=0.5,
        num_labels=labels,
    )
    BertForSequenceClassification(shape).save_pretrained(folder, safe_serialization=True)
    write_vocabulary(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bert(tmp_path)


def test_each_pair_is_scored_as_alone_and_without_padding(folder: Path) -> None:
    import torch
    from transformers import BertForSequenceClassification

    tokenizer = PairTokenizer(files(folder).vocabulary)
    rows = tokenizer.encode("a b", PASSAGES, 64)
    found = TorchPairs(folder, 1).logits(rows, tokenizer.padding)
    reference = BertForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        alone = [
            float(reference(torch.tensor([row.ids]), token_type_ids=torch.tensor([row.type_ids])).logits[0, 0])
            for row in rows
        ]
    assert found.tolist() == pytest.approx(alone, abs=1e-5)
    assert len(set(alone)) == len(PASSAGES)


def test_a_folder_of_safetensors_is_a_cross_encoder(folder: Path) -> None:
    reranker = CrossEncoder("tiny", folder, plan)
    assert reranker.unavailable() == ""
    ranking = reranker.rerank("a b", PASSAGES)
    assert ranking.status is Status.COMPLETE
    assert sorted(ranking.order) == list(range(len(PASSAGES)))
    assert list(ranking.scores) == sorted(ranking.scores, reverse=True)


def test_several_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="has 3 labels, not one"):
        TorchPairs(write_bert(tmp_path, labels=3), 0)


def test_damaged_weights_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not tensors")
    assert CrossEncoder("tiny", folder, plan).rerank("a", ["b"]).status is Status.FAILED


def test_no_code_of_the_folder_runs(folder: Path) -> None:
    (folder / "trap.py").write_text("raise SystemExit('ran')\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "trap", "auto_map": {"AutoModelForSequenceClassification": "trap.Trap"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailableError, match="cannot load the reranker"):
        TorchPairs(folder, 0)
