"""The training on a tiny BERT of random weights: it learns, goes on where it stopped, and gives what is shipped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.training.samples import many

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")
pytest.importorskip("transformers", reason="transformers is not installed: pip install -e '.[train]'")

from training.bundle import written  # noqa: E402
from training.encoder_graph import BLOCK  # noqa: E402
from training.mine import KEPT, mined  # noqa: E402
from training.pair import write  # noqa: E402
from training.plans import Plan  # noqa: E402
from transformers import BertConfig, BertModel  # noqa: E402

from coderank.embedding.tokenizer import load_tokenizer  # noqa: E402
from coderank.reranking.pair_model import GraphPairs  # noqa: E402
from training import encoder, fit, fit_bi, fit_cross, fit_static, plans  # noqa: E402

SAME_ORDER = 0.99
"""Correlation of an 8-bit graph's logits with those of the weights it was written from."""


def tiny() -> BertModel:
    torch.manual_seed(1)
    shape = {"hidden_size": 2 * BLOCK, "intermediate_size": 2 * BLOCK, "num_hidden_layers": 1, "num_attention_heads": 2}
    return BertModel(BertConfig(**shape, initializer_range=0.1), add_pooling_layer=False)


def last_losses(log: list[dict[str, float]]) -> tuple[float, float]:
    return log[0]["loss"], log[-1]["loss"]


def test_an_encoder_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = tiny()
    encoder.save(model, tmp_path)
    again = encoder.load(tmp_path)
    texts = ["open the ledger", "def open_ledger(path):\n    return 1"]
    torch.testing.assert_close(encoder.embedded(again, texts, 32), encoder.embedded(model, texts, 32), rtol=0, atol=0)


def test_an_encoder_that_lacks_weights_is_refused(tmp_path: Path) -> None:
    encoder.save(tiny(), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 2}))
    with pytest.raises(SystemExit, match=r"lacks encoder\.layer\.1"):
        encoder.load(tmp_path)


def test_the_bi_encoder_learns() -> None:
    pairs, model = many(48), tiny()
    before = fit_bi.judged(model, pairs[:6])
    first, last = last_losses(fit_bi.fit(model, pairs, Plan(epochs=6, batch=16, rate=2e-3)))
    assert last < first
    assert before["questions"] == 0


def test_fewer_pairs_than_a_batch_are_refused() -> None:
    with pytest.raises(SystemExit, match="smaller --batch"):
        fit_bi.fit(tiny(), many(5), Plan(epochs=1, batch=16, rate=1e-3))


def test_miners_pass_the_same_question_and_what_may_be_right() -> None:
    pairs = [*many(30, packages=1), *many(2, packages=1)]
    vectors = torch.nn.functional.normalize(torch.randn(32, 8, generator=torch.Generator().manual_seed(1)), dim=-1)
    found = mined(pairs, vectors, vectors)
    assert found.shape == (32, KEPT)
    assert not np.any(found == np.arange(32)[:, None])
    assert not {30, 0} & set(found[0])
    assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in found)


def test_the_static_table_learns_and_is_rounded_within_half_a_step() -> None:
    pairs = many(48)
    table = fit_static.distilled(tiny(), pairs)
    assert table.shape == (30_522, 2 * BLOCK)
    tuned, log = fit_static.fit(table, pairs, Plan(epochs=6, batch=16, rate=2e-2))
    first, last = last_losses(log)
    assert last < first
    tuned[7] = 0
    rows, scales = fit_static.rounded(tuned)
    assert np.abs(rows * scales[:, None] - tuned.numpy()).max() <= scales.max() * 0.501
    assert rows.dtype == np.int8
    assert (scales[7], rows[7].any()) == (1.0, False)
    assert np.abs(rows).max() == 127


def test_the_cross_encoder_learns_and_is_shipped_as_a_graph(tmp_path: Path) -> None:
    pairs = many(48)
    harder = np.array([[(number + step) % 48 for step in range(1, KEPT + 1)] for number in range(48)], np.int32)
    model = fit_cross.CrossEncoder(tiny())
    first, last = last_losses(fit_cross.fit(model, pairs, harder, Plan(epochs=6, batch=12, rate=2e-3)))
    assert last < first
    encoder.save(model.encoder, tmp_path / "cross", model.head)
    written(tmp_path / "cross", tmp_path / "cross.onnx")
    rows = [(one.summary, other.text) for one in pairs[:4] for other in pairs[:4]]
    found = GraphPairs(tmp_path / "cross.onnx", 1).logits(load_tokenizer(64).encode_batch_fast(rows), 0)
    model.encoder.eval()
    with torch.no_grad():
        wanted = model.scores(encoder.tokenised_pairs(rows, 64)).numpy()
    assert np.corrcoef(found, wanted)[0, 1] >= SAME_ORDER


def test_a_run_goes_on_after_the_last_stage_that_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "PLANS", {name: replace(plan, epochs=1) for name, plan in plans.PLANS.items()})
    write(tmp_path / "train.jsonl.gz", many(64))
    write(tmp_path / "dev.jsonl.gz", many(30, packages=1, seed=2))
    encoder.save(tiny(), tmp_path / "base")
    given = [str(tmp_path), str(tmp_path / "base"), str(tmp_path / "out"), "--batch", "32"]
    with monkeypatch.context() as stopped:
        stopped.setattr(fit_cross, "fit", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            fit.main(given)
    done = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*") if path.is_file()}
    stages = ("warm", "mine", "bi", "mixed", "static")
    assert {name for name in done if name.endswith(".done")} == {f"{name}.done" for name in stages}
    fit.main(given)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in done} == done
    assert set(json.loads((tmp_path / "out" / "warm.json").read_text())) == {"before", "log", "after"}
    assert json.loads((tmp_path / "out" / "cross.json").read_text())["after"]["questions"] > 0
    assert "classifier.weight" in load_file(tmp_path / "out" / "cross" / "model.safetensors")
    with pytest.raises(SystemExit, match="was begun with"):
        fit.main([*given, "--pairs", "3"])


def test_mixed_weights_lie_between_those_before_and_after() -> None:
    before, after = tiny(), tiny()
    with torch.no_grad():
        for weight in after.parameters():
            weight.add_(1.0)
    wanted = [weight + 0.7 for weight in before.parameters()]
    encoder.mix(before, after, 0.7)
    for found, expected in zip(after.parameters(), wanted, strict=True):
        torch.testing.assert_close(found.detach(), expected.detach())
