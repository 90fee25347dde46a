"""The import rule of ARCHITECTURE.md, checked on the source itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "coderank"
LAYERS = (
    {"types", "errors", "settings"},
    {"corpus", "models", "embedding", "store", "reranking", "collections"},
    {"loading", "indexing", "retrieval", "migration", "evaluation"},
    {"wiring"},
    {"engine", "described", "disposal"},
    {"moving"},
    {"render"},
    {"serving"},
    {"cli"},
    {"__main__"},
)
"""A part imports only parts of the layers before its own; the parts of one layer do not import one another,
but for the leaves of the first."""
MAY_IMPORT_ITS_OWN_LAYER = (LAYERS[0],)
ONLY_IN = {
    "qdrant_edge": {
        "store/edge.py",
        "store/edge_bench.py",
        "store/edge_points.py",
        "store/edge_requests.py",
        "store/edge_scoring.py",
        "store/edge_shard.py",
    },
    "pyarrow": {"migration/parquet.py"},
    "qdrant_client": {
        "store/server.py",
        "store/server_adoption.py",
        "store/server_bench.py",
        "store/server_collection.py",
        "store/server_connection.py",
        "store/server_failures.py",
        "store/server_names.py",
        "store/server_points.py",
        "store/server_requests.py",
        "store/server_scoring.py",
        "store/server_snapshots.py",
    },
    "grpc": {"store/server_failures.py"},
    "ray": {"indexing/spread.py"},
    "torch": {"embedding/torch.py", "reranking/llm.py", "reranking/pair_torch.py", "models/export.py"},
    "docling": {"corpus/conversion.py"},
    "tree_sitter": {"corpus/grammars.py"},
    "semble_grammars": {"corpus/grammars.py"},
    "onnxruntime": {"embedding/onnx.py", "models/export.py", "reranking/pair_model.py"},
    "transformers": {"embedding/torch.py", "reranking/llm.py", "reranking/pair_torch.py"},
    "huggingface_hub": {"models/hub.py"},
    "fastmcp": {"serving/mcp.py"},
    "mcp_types": {"serving/mcp.py"},
    "uvicorn": {"serving/listen.py"},
    "prometheus_client": {"serving/metrics.py"},
    "starlette": {
        "serving/guard.py",
        "serving/listen.py",
        "serving/web.py",
        "serving/api/routes.py",
        "serving/api/problems.py",
    },
}
MAX_LINES = 400
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "shared", "misc"}

FILES = sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module, and whether the import runs (is outside ``if TYPE_CHECKING``)."""
    tree = ast.parse(path.read_text("utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        runs = node not in for_types
        if isinstance(node, ast.Import):
            yield from ((alias.name, runs) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} has a relative import"
            yield from ((f"{node.module}.{alias.name}", runs) for alias in node.names)


def part_of(module: str) -> str:
    """The first name below the package: ``coderank.store.edge`` -> ``store``."""
    return module.split(".")[1] if "." in module else ""


def layer_of(part: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if part in layer)


def test_there_is_source() -> None:
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    own = name_of(path).split("/")[0].removesuffix(".py")
    if own == "__init__":
        return
    for module, _ in imports_of(path):
        if not module.startswith("coderank."):
            continue
        part = part_of(module)
        if part in {own, "__version__"} or part == "Engine":
            continue
        ours, theirs = layer_of(own), layer_of(part)
        same_layer_allowed = LAYERS[ours] in MAY_IMPORT_ITS_OWN_LAYER
        assert theirs < ours or (theirs == ours and same_layer_allowed), f"{own} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_outside_systems_have_one_door(path: Path) -> None:
    for module, _ in imports_of(path):
        outside = module.split(".")[0]
        assert name_of(path) in ONLY_IN.get(outside, {name_of(path)}), f"{name_of(path)} imports {outside}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_private_name_crosses_a_module(path: Path) -> None:
    for module, _ in imports_of(path):
        if module.startswith("coderank."):
            private = [name for name in module.split(".") if name.startswith("_") and not name.startswith("__")]
            assert not private, f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    reads = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"os.getenv", "os.environ.get", "os.getenvb"}
    ]
    subscripts = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and ast.unparse(node.value) == "os.environ"
    ]
    assert name_of(path) == "settings.py" or not reads + subscripts


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_stay_small_and_well_named(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MAX_LINES
    assert not FORBIDDEN_NAMES & {path.stem, path.parent.name}


def test_there_are_no_import_cycles() -> None:
    modules = {module_of(path): path for path in FILES}
    graph = {
        name: {target for target in (resolve(module, modules) for module, runs in imports_of(path) if runs) if target}
        for name, path in modules.items()
    }
    for start in graph:
        cycle = find_cycle(start, graph)
        assert cycle is None, " -> ".join(cycle or [])


def module_of(path: Path) -> str:
    dotted = "coderank." + name_of(path).removesuffix(".py").replace("/", ".")
    return dotted.removesuffix(".__init__")


def resolve(module: str, modules: dict[str, Path]) -> str | None:
    """``coderank.store.edge.EdgeStore`` -> ``coderank.store.edge``."""
    names = module.split(".")
    for length in range(len(names), 0, -1):
        if ".".join(names[:length]) in modules:
            return ".".join(names[:length])
    return None


def find_cycle(start: str, graph: dict[str, set[str]]) -> list[str] | None:
    trail: list[tuple[str, list[str]]] = [(start, [start])]
    seen: set[str] = set()
    while trail:
        node, way = trail.pop()
        for target in graph[node]:
            if target == start and (len(way) > 1 or target in graph[start]):
                return [*way, target]
            if target not in seen:
                seen.add(target)
                trail.append((target, [*way, target]))
    return None


def test_a_cycle_would_be_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert find_cycle("a", graph) == ["a", "b", "c", "a"]
    assert find_cycle("d", graph) is None
