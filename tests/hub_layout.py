"""Write models of random weights in the file layout of their hub repositories, at any size."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

Tensors = dict[str, "NDArray[np.float32]"]
PROMPT = "Represent this query for searching relevant code: "


@dataclass(frozen=True)
class Shape:
    """The size of a model."""

    hidden: int = 32
    layers: int = 2
    heads: int = 4
    inner: int = 64
    vocabulary: int = 30528
    positions: int = 8192


CODERANK_EMBED = Shape(hidden=768, layers=12, heads=12, inner=3072)
"""The shape of nomic-ai/CodeRankEmbed."""


def write_nomic_bert(folder: Path, shape: Shape, seed: int = 0) -> Tensors:
    """Write what nomic-ai/CodeRankEmbed holds, with the keys of its original code; gives the weights."""
    tensors = dict(_nomic_bert_tensors(shape, np.random.default_rng(seed)))
    write_folder(folder, nomic_bert_config(shape), tensors)
    return tensors


def nomic_bert_config(shape: Shape) -> dict[str, object]:
    """Give the hub's config.json of CodeRankEmbed in another size."""
    return {
        "_name_or_path": "nomic-uiuc/CodeEmbed",
        "activation_function": "swiglu",
        "architectures": ["NomicBertModel"],
        "attn_pdrop": 0.0,
        "auto_map": {"AutoModel": "nomic-ai/nomic-bert-2048--modeling_hf_nomic_bert.NomicBertModel"},
        "causal": False,
        "embd_pdrop": 0.0,
        "layer_norm_epsilon": 1e-12,
        "max_trained_positions": 2048,
        "mlp_fc1_bias": False,
        "mlp_fc2_bias": False,
        "model_type": "nomic_bert",
        "n_embd": shape.hidden,
        "n_head": shape.heads,
        "n_inner": shape.inner,
        "n_layer": shape.layers,
        "n_positions": shape.positions,
        "pad_vocab_size_multiple": 64,
        "prenorm": False,
        "qkv_proj_bias": False,
        "rotary_emb_base": 1000,
        "rotary_emb_fraction": 1.0,
        "rotary_emb_interleaved": False,
        "rotary_emb_scale_base": None,
        "rotary_scaling_factor": None,
        "torch_dtype": "float32",
        "transformers_version": "4.45.1",
        "type_vocab_size": 2,
        "vocab_size": shape.vocabulary,
    }


def write_qwen2(folder: Path, shape: Shape, seed: int = 0, pooling: str = "lasttoken") -> Tensors:
    """Write a Qwen2 embedder in the layout of nomic-ai/nomic-embed-code, with CodeRankEmbed's tokenizer."""
    tensors = dict(_qwen2_tensors(shape, np.random.default_rng(seed)))
    config = {
        "architectures": ["Qwen2Model"],
        "hidden_act": "silu",
        "hidden_size": shape.hidden,
        "intermediate_size": shape.inner,
        "max_position_embeddings": shape.positions,
        "model_type": "qwen2",
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.heads,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "vocab_size": shape.vocabulary,
    }
    write_folder(folder, config, tensors, pooling=pooling)
    return tensors


def write_folder(folder: Path, config: Mapping[str, object], tensors: Tensors, *, pooling: str = "cls_token") -> None:
    """Write the files of a sentence-transformers repository around weights."""
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / "model.safetensors", tensors)
    write_json(folder / "config.json", config)
    write_json(folder / "modules.json", MODULES)
    write_json(folder / "1_Pooling" / "config.json", pooling_config(pooling))
    write_json(
        folder / "sentence_bert_config.json",
        {
            "max_seq_length": 8192,
            "do_lower_case": False,
            "model_args": {"add_pooling_layer": False, "safe_serialization": True},
        },
    )
    write_json(
        folder / "config_sentence_transformers.json", {"prompts": {"query": PROMPT}, "default_prompt_name": None}
    )
    vocabulary = files("coderank.embedding") / "vocab.txt"
    (folder / "vocab.txt").write_bytes(vocabulary.read_bytes())
    write_tokenizer(folder / "tokenizer.json", leftover_truncation=512)


MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]
"""229 bytes once written, as on the hub: no Normalize module."""


def pooling_config(mode: str) -> dict[str, bool]:
    """Give 1_Pooling/config.json with one mode on: cls_token, mean_tokens or lasttoken."""
    names = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
    return {f"pooling_mode_{name}": name == mode for name in names} | {"include_prompt": True}


def write_tokenizer(path: Path, leftover_truncation: int) -> None:
    """Write a tokenizer.json that cuts and pads by itself, as exports in the wild do."""
    from coderank.embedding.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(leftover_truncation)
    tokenizer.enable_padding(length=leftover_truncation)
    tokenizer.save(str(path))


def write_json(path: Path, content: object) -> None:
    """Write JSON as the hub's libraries do, with two blanks of indentation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")


def write_safetensors(path: Path, tensors: Tensors) -> None:
    """Write the safetensors format: the length of a header, the header, the numbers."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded)
        for tensor in tensors.values():
            file.write(tensor.tobytes())


def _nomic_bert_tensors(shape: Shape, rng: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float32]]]:
    yield "embeddings.word_embeddings.weight", _normal(rng, shape.vocabulary, shape.hidden)
    yield "embeddings.token_type_embeddings.weight", _normal(rng, 2, shape.hidden)
    yield from _norm("emb_ln", shape.hidden, rng)
    for layer in range(shape.layers):
        stem = f"encoder.layers.{layer}"
        yield f"{stem}.attn.Wqkv.weight", _normal(rng, 3 * shape.hidden, shape.hidden)
        yield f"{stem}.attn.out_proj.weight", _normal(rng, shape.hidden, shape.hidden)
        yield f"{stem}.mlp.fc11.weight", _normal(rng, shape.inner, shape.hidden)
        yield f"{stem}.mlp.fc12.weight", _normal(rng, shape.inner, shape.hidden)
        yield f"{stem}.mlp.fc2.weight", _normal(rng, shape.hidden, shape.inner)
        yield from _norm(f"{stem}.norm1", shape.hidden, rng)
        yield from _norm(f"{stem}.norm2", shape.hidden, rng)


def _qwen2_tensors(shape: Shape, rng: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float32]]]:
    yield "embed_tokens.weight", _normal(rng, shape.vocabulary, shape.hidden)
    for layer in range(shape.layers):
        stem = f"layers.{layer}"
        for name in ("q_proj", "k_proj", "v_proj"):
            yield f"{stem}.self_attn.{name}.weight", _normal(rng, shape.hidden, shape.hidden)
            yield f"{stem}.self_attn.{name}.bias", _normal(rng, shape.hidden)
        yield f"{stem}.self_attn.o_proj.weight", _normal(rng, shape.hidden, shape.hidden)
        yield f"{stem}.mlp.gate_proj.weight", _normal(rng, shape.inner, shape.hidden)
        yield f"{stem}.mlp.up_proj.weight", _normal(rng, shape.inner, shape.hidden)
        yield f"{stem}.mlp.down_proj.weight", _normal(rng, shape.hidden, shape.inner)
        yield f"{stem}.input_layernorm.weight", _around_one(rng, shape.hidden)
        yield f"{stem}.post_attention_layernorm.weight", _around_one(rng, shape.hidden)
    yield "norm.weight", _around_one(rng, shape.hidden)


def _norm(name: str, size: int, rng: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float32]]]:
    yield f"{name}.weight", _around_one(rng, size)
    yield f"{name}.bias", _normal(rng, size)


def _around_one(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    return 1.0 + _normal(rng, size)


def _normal(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    # The spread that keeps a matrix's output as large as its input, so that every layer counts.
    spread = shape[-1] ** -0.5
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(spread)
