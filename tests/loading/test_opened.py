"""Models are opened once for a process, and let go of when it says so."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

from coderank.loading.opened import opened_embedder, release
from coderank.loading.rerankers import opened_cascade
from coderank.models.catalogue import get
from coderank.settings import Settings


def test_models_are_shared_until_they_are_released(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=tmp_path, rerank_url="http://127.0.0.1:9/v1", rerank_model="m")
    model = get("all-minilm-l6-v2")
    embedder, cascade = opened_embedder(model, settings), opened_cascade(settings)
    assert opened_embedder(model, settings) is embedder
    assert opened_cascade(settings) is cascade
    held = weakref.ref(cascade)
    del cascade
    release()
    gc.collect()
    assert held() is None
    assert opened_embedder(model, settings) is not embedder
    release()
