"""What a server remembers of how a collection was made, which the client's own implementation forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.store.qdrant_server import QdrantServer

Body = dict[str, Any]
_TOLD = {
    "hnsw_config": "hnsw_config",
    "optimizers_config": "optimizer_config",
    "wal_config": "wal_config",
    "quantization_config": "quantization_config",
    "strict_mode_config": "strict_mode_config",
}
"""What is asked for, and where it is told."""


def told(info: Body, made: Body) -> Body:
    """Put into the description of a collection what it was made with."""
    config = info["config"]
    for asked, place in _TOLD.items():
        if made.get(asked):
            config[place] = {**(config.get(place) or {}), **made[asked]}
    params = config["params"]
    if made.get("sharding_method"):
        params["sharding_method"] = made["sharding_method"]
    for name, changed in made.get("changed", {}).items():
        vector = params["vectors"][name] if name else params["vectors"]
        vector |= {key: None if value == "Disabled" else value for key, value in changed.items()}
    return info


def change(side: QdrantServer, body: Body, name: str) -> bool:
    """Take what a collection is to be like from now on."""
    made = side.made.setdefault(side.local.aliases.get(name, name), {})
    made |= {key: body[key] for key in _TOLD if body.get(key)}
    for vector, changed in (body.get("vectors") or {}).items():
        made.setdefault("changed", {}).setdefault(vector, {}).update(changed)
    return side.local.update_collection(name, metadata=body.get("metadata"))
