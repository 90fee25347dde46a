"""The configuration keys of NomicBERT's original code, in the names that transformers reads. Pure.

The repositories of Nomic carry the keys of their own modelling code, which transformers would skip in silence, so that
its defaults would decide. Here every key is either carried over or known to be the value transformers computes with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.errors import ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMEDY = "Choose another model: --model all-minilm-l6-v2"
_RENAMED = {
    "n_embd": "hidden_size",
    "n_head": "num_attention_heads",
    "n_inner": "intermediate_size",
    "n_layer": "num_hidden_layers",
    "n_positions": "max_position_embeddings",
    "layer_norm_epsilon": "layer_norm_eps",
    "vocab_size": "vocab_size",
    "type_vocab_size": "type_vocab_size",
}
_FIXED: dict[str, tuple[object, ...]] = {
    "activation_function": ("swiglu",),
    "causal": (False,),
    "mlp_fc1_bias": (False,),
    "mlp_fc2_bias": (False,),
    "parallel_block": (False,),
    "prenorm": (False,),
    "qkv_proj_bias": (False,),
    "rotary_emb_fraction": (1.0,),
    "rotary_emb_interleaved": (False,),
    "rotary_emb_scale_base": (None,),
    "rotary_scaling_factor": (None,),
    "use_rms_norm": (False, None),
}
"""What the native architecture computes; another value means another model."""
_STATED = (
    "activation_function",
    "mlp_fc1_bias",
    "mlp_fc2_bias",
    "qkv_proj_bias",
    "rotary_emb_base",
    "rotary_emb_fraction",
)
"""Keys whose absence would mean a default of the original code that is not the value above."""


def native_config(original: Mapping[str, object]) -> dict[str, object]:
    """Translate a config.json of NomicBERT; one that is native already comes back as it is.

    Raises:
        ModelUnavailableError: a key asks for something the native architecture does not compute.
    """
    if "n_embd" not in original:
        return dict(original)
    for key in (*_RENAMED, *_STATED):
        if key not in original:
            raise ModelUnavailableError(f"config.json does not state {key}", _REMEDY)
    for key, allowed in _FIXED.items():
        if key in original and original[key] not in allowed:
            raise ModelUnavailableError(
                f"config.json sets {key} to {original[key]!r}, and NomicBERT is computed with {allowed[0]!r} only",
                _REMEDY,
            )
    native = {name: original[key] for key, name in _RENAMED.items()}
    rotary = {"rope_type": "default", "rope_theta": original["rotary_emb_base"]}
    return {"model_type": "nomic_bert", **native, "rope_parameters": rotary}
