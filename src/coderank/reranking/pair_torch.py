"""A sequence-classification model with one label through torch: for weights that nobody has exported to ONNX."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from coderank.errors import ModelError, ModelUnavailableError
from coderank.reranking.pair_model import checked, padded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Encoding


class TorchPairs:
    """One loaded model, on the first GPU if there is one."""

    at_once = 1

    def __init__(self, folder: Path, threads: int) -> None:
        """Load the safetensors of a folder in the hub's layout; no code of the folder runs.

        Raises:
            ModelUnavailableError: they are damaged, or no classification model of one label.
        """
        import torch  # noqa: PLC0415 - 5 s, and only for users of this back end
        import transformers  # noqa: PLC0415
        from safetensors import SafetensorError  # noqa: PLC0415

        transformers.utils.logging.disable_progress_bar()
        if threads:
            torch.set_num_threads(threads)
        try:
            model: Any = transformers.AutoModelForSequenceClassification.from_pretrained(
                str(folder), use_safetensors=True, local_files_only=True, trust_remote_code=False
            )
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            raise ModelUnavailableError(
                f"cannot load the reranker {folder}: {error}", "Run: coderank doctor"
            ) from error
        if model.config.num_labels != 1:
            raise ModelUnavailableError(
                f"the reranker {folder} has {model.config.num_labels} labels, not one",
                "Give a cross-encoder that scores a pair by one number",
            )
        self._folder = folder
        self._takes_types = "token_type_ids" in signature(model.forward).parameters
        self._model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()

    def logits(self, rows: Sequence[Encoding], padding: int) -> NDArray[np.float32]:
        """Score each pair. Shape (n,).

        Raises:
            ModelError: torch refused, or the output is not one finite number for each pair.
        """
        import torch  # noqa: PLC0415

        inputs = {name: torch.from_numpy(value).to(self._model.device) for name, value in padded(rows, padding).items()}
        if not self._takes_types:
            del inputs["token_type_ids"]
        try:
            with torch.inference_mode():
                output = self._model(**inputs).logits.float().cpu().numpy()
        except (RuntimeError, IndexError) as error:
            raise ModelError(f"the reranker {self._folder} failed on its input: {error}") from error
        return checked(np.asarray(output, dtype=np.float32), len(rows), self._folder)
