from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.hub_layout import (
    MODULES,
    Shape,
    nomic_bert_config,
    pooling_config,
    write_json,
    write_nomic_bert,
    write_qwen2,
)

from coderank.errors import ModelUnavailableError
from coderank.models.catalogue import get
from coderank.models.layout import inspect, is_complete, weight_files
from coderank.models.nomic_bert import native_config
from coderank.models.safetensors import read_shapes

SHAPE = Shape()
MODEL = replace(get("coderank-embed"), dimension=SHAPE.hidden, layers=SHAPE.layers)
SHARD, OTHER_SHARD = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_nomic_bert(tmp_path, SHAPE)
    return tmp_path


def rewrite(path: Path, **changes: object) -> None:
    write_json(path, json.loads(path.read_text()) | changes)


def test_the_hubs_own_layout_passes_and_is_translated(folder: Path) -> None:
    layout = inspect(folder, MODEL)
    assert layout.folder == folder
    assert layout.notes == ()
    assert layout.config == {
        "model_type": "nomic_bert",
        "hidden_size": SHAPE.hidden,
        "num_attention_heads": SHAPE.heads,
        "intermediate_size": SHAPE.inner,
        "num_hidden_layers": SHAPE.layers,
        "max_position_embeddings": SHAPE.positions,
        "layer_norm_eps": 1e-12,
        "vocab_size": 30528,
        "type_vocab_size": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1000},
    }


def test_the_layout_is_as_large_as_the_hubs(folder: Path) -> None:
    """modules.json of the repository has 229 bytes: room for Transformer and Pooling, none for Normalize."""
    assert (folder / "modules.json").stat().st_size == 229


def test_other_architectures_keep_their_configuration(tmp_path: Path) -> None:
    write_qwen2(tmp_path, SHAPE)
    model = replace(get("nomic-embed-code"), dimension=SHAPE.hidden, layers=2, max_tokens_limit=SHAPE.positions)
    layout = inspect(tmp_path, model)
    assert layout.config == json.loads((tmp_path / "config.json").read_text())
    assert layout.notes == ()


CHANGES: list[tuple[str, Callable[[Path], object]]] = [
    ("hidden_size is 32 instead of 768", lambda _: None),
    ("num_hidden_layers is 3 instead of 2", lambda at: rewrite(at / "config.json", n_layer=3)),
    ("vocab_size is 30000 instead of 30528", lambda at: rewrite(at / "config.json", vocab_size=30000)),
    ("it has 100 positions, and 512 tokens", lambda at: rewrite(at / "config.json", n_positions=100)),
    ("causal to True", lambda at: rewrite(at / "config.json", causal=True)),
    ("rotary_scaling_factor to 2", lambda at: rewrite(at / "config.json", rotary_scaling_factor=2)),
    ("asks for mean pooling", lambda at: write_json(at / "1_Pooling/config.json", pooling_config("mean_tokens"))),
    ("asks for mean pooling", lambda at: write_json(at / "1_Pooling/config.json", {"pooling_mode": "mean"})),
    ("for pooling_mode_max_tokens", lambda at: write_json(at / "1_Pooling/config.json", pooling_config("max_tokens"))),
    ("cannot read .*1_Pooling", lambda at: (at / "1_Pooling/config.json").unlink()),
    ("the stage sentence_transformers.models.Dense", lambda at: write_json(
        at / "modules.json", [*MODULES, {"type": "sentence_transformers.models.Dense", "path": "2_Dense"}]
    )),
    ("config.json cannot be used", lambda at: (at / "config.json").write_text("{")),
    ("modules.json cannot be used", lambda at: (at / "modules.json").write_text('{"no": "list"}')),
    ("lacks config.json", lambda at: (at / "config.json").unlink()),
    ("lacks model.safetensors", lambda at: (at / "model.safetensors").unlink()),
    ("pytorch_model.bin only, a file that can run code",
     lambda at: (at / "model.safetensors").rename(at / "pytorch_model.bin")),
    ("are damaged", lambda at: (at / "model.safetensors").write_bytes(b"not weights")),
]  # fmt: skip


@pytest.mark.parametrize(("complaint", "change"), CHANGES, ids=[complaint for complaint, _ in CHANGES])
def test_what_would_change_vectors_is_refused(folder: Path, complaint: str, change: Callable[[Path], Any]) -> None:
    change(folder)
    model = get("coderank-embed") if "768" in complaint else MODEL
    with pytest.raises(ModelUnavailableError, match=complaint):
        inspect(folder, model)


def test_no_folder_at_all_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"there is no folder .*coderank models pull coderank-embed"):
        inspect(tmp_path / "nothing", MODEL)


def test_weights_of_another_size_than_stated_are_refused(folder: Path) -> None:
    rewrite(folder / "config.json", n_layer=3)
    with pytest.raises(ModelUnavailableError, match=r"the weights have 2 layers, config.json says 3"):
        inspect(folder, replace(MODEL, layers=3))
    rewrite(folder / "config.json", n_layer=2, vocab_size=30522)
    with pytest.raises(ModelUnavailableError, match=r"word_embeddings.weight has the shape \(30528, 32\)"):
        inspect(folder, replace(MODEL, vocabulary=0))


def test_pickles_beside_safetensors_are_left_alone(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"code")
    assert inspect(folder, MODEL).folder == folder


def test_a_stage_that_normalises_changes_nothing(folder: Path) -> None:
    stage = {"type": "sentence_transformers.models.Normalize", "path": "2_Normalize"}
    write_json(folder / "modules.json", [*MODULES, stage])
    assert inspect(folder, MODEL).notes == ()


def test_another_query_prompt_is_named(folder: Path) -> None:
    write_json(folder / "config_sentence_transformers.json", {"prompts": {"query": "search_query: "}})
    (note,) = inspect(folder, MODEL).notes
    assert "'search_query: '" in note
    assert repr(MODEL.query_prefix) in note


def test_no_prompt_and_no_modules_are_no_complaint(folder: Path) -> None:
    (folder / "config_sentence_transformers.json").unlink()
    (folder / "modules.json").unlink()
    assert inspect(folder, MODEL).notes == ()


def test_another_number_of_positions_is_named(folder: Path) -> None:
    rewrite(folder / "config.json", n_positions=2048)
    assert inspect(folder, MODEL).notes == ("config.json has 2048 positions, the catalogue 8192",)


def test_shards_are_found_by_their_index(folder: Path) -> None:
    tensors = list(read_shapes(folder / "model.safetensors"))
    weights = {name: SHARD if place < 3 else OTHER_SHARD for place, name in enumerate(tensors)}
    (folder / "model.safetensors").rename(folder / SHARD)
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": 1}, "weight_map": weights})
    assert weight_files(folder) == [folder / SHARD, folder / OTHER_SHARD]
    assert not is_complete(folder)
    with pytest.raises(ModelUnavailableError, match=OTHER_SHARD):
        inspect(folder, MODEL)


@pytest.mark.parametrize("cut", [4, 200, -1])
def test_weights_that_are_cut_off_are_refused(folder: Path, cut: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ModelUnavailableError, match="are damaged"):
        read_shapes(path)


@pytest.mark.parametrize("key", ["n_inner", "rotary_emb_base", "activation_function", "qkv_proj_bias"])
def test_a_key_whose_default_would_decide_has_to_be_there(key: str) -> None:
    config = nomic_bert_config(SHAPE)
    del config[key]
    with pytest.raises(ModelUnavailableError, match=f"does not state {key}"):
        native_config(config)


def test_a_native_configuration_is_left_as_it_is() -> None:
    native = {"model_type": "nomic_bert", "hidden_size": 8}
    assert native_config(native) == native
