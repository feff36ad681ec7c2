"""The order of the rooms, and what an import may load. Imports in functions and for types count, too."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "chromalab": ROOT / "store" / "chromalab",
    "chromalab_widgets": ROOT / "widgets" / "chromalab_widgets",
    "chromalab_kernel": ROOT / "kernel_ext" / "chromalab_kernel",
}
ROOMS = (
    # From the ground up: a room imports only from its own line and the lines above it.
    (
        "_version",
        "cache",
        "conversion",
        "cores",
        "deferred",
        "errors",
        "files",
        "lazy",
        "progress_bar",
        "scripts",
        "sockets",
        "sparse",
        "stemmer",
        "types",
    ),
    ("config", "snapshot"),
    ("engine",),
    ("embed",),
    ("results",),
    ("arguments", "datasets"),
    ("handle",),
    ("history",),
    ("analytics", "transforms"),
    ("judgments",),
    ("search",),
    ("evaluation",),
    ("tuning",),
    ("feedback", "reviews"),
    ("export", "ingest", "selection", "show", "upkeep"),
    ("collection",),
    ("client",),
    ("api", "execution", "utils"),
    ("chromalab",),  # its __init__
    ("commands",),
    ("chromalab_widgets", "chromalab_kernel"),
)
FLOORS = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}
ENGINE = ("disk", "filter", "inverted", "index")  # each may import only from those before it
HEAVY = {
    "IPython", "anywidget", "ipywidgets", "sklearn", "scipy", "pandas", "pyarrow", "onnxruntime",
    "onnx", "hnswlib", "voyager", "tokenizers", "safetensors", "re2", "umap", "openTSNE", "pacmap", "numba",
    "hdbscan", "graspologic_native", "rensa", "matplotlib", "tqdm", "pip", "snowballstemmer",
}  # fmt: skip
LONG = 600  # lines; a longer module says in its first paragraph why it is one


def modules():
    """Every module of the three packages by its dotted name, with its file."""
    found = {}
    for folder in PACKAGES.values():
        for file in folder.rglob("*.py"):
            parts = file.relative_to(folder.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    assert len(found) > 150
    return found


def imports(file, known):
    """The project's modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports with the full name of the module"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in known:  # a module of a package
                    yield full
                elif node.module in known:
                    yield node.module


MODULES = modules()
IMPORTS = {name: sorted(set(imports(file, MODULES))) for name, file in MODULES.items()}


def circles(graph):
    """The strongly connected components of more than one node, by Tarjan's algorithm."""
    numbers, low, stack, found = {}, {}, [], []

    def visit(node):
        numbers[node] = low[node] = len(numbers)
        stack.append(node)
        for other in graph[node]:
            if other not in numbers:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], numbers[other])
        if low[node] == numbers[node]:
            circle = []
            while not circle or circle[-1] != node:
                circle.append(stack.pop())
            if len(circle) > 1 or node in graph[node]:
                found.append(sorted(circle))

    for node in graph:
        if node not in numbers:
            visit(node)
    return found


def test_circles_are_found():
    assert circles({"a": ["b"], "b": ["c"], "c": ["b"], "d": []}) == [["b", "c"]]
    assert circles({"a": ["a"]}) == [["a"]]
    assert circles({"a": ["b"], "b": []}) == []


def test_no_files_import_each_other_in_a_circle():
    assert circles(IMPORTS) == []


def room(module):
    package, *rest = module.split(".")
    return rest[0] if package == "chromalab" and rest else package


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_room_imports_only_what_lies_below_it(module):
    floor = FLOORS[room(module)]
    others = [other for other in IMPORTS[module] if room(other) != room(module)]
    above = [other for other in others if FLOORS[room(other)] > floor]
    assert not above, f"{module} imports from a room above it: {above}"
    beside = [other for other in others if FLOORS[room(other)] == floor > 0]
    if module not in ("chromalab_kernel", "chromalab_widgets"):
        assert all(not is_big(other) for other in beside), f"{module} imports its neighbor {beside}"


def is_big(module):
    """Whether it is of a room that is a folder: two of these on one floor do not know each other."""
    package, *rest = module.split(".")
    return not rest or (PACKAGES[package] / rest[0]).is_dir()


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("chromalab.engine.")))
def test_in_the_engine_disk_knows_no_filter_and_filter_knows_no_index(module):
    part = module.split(".")[2]
    if part in ENGINE:
        for other in IMPORTS[module]:
            names = other.split(".")
            assert names[:2] == ["chromalab", "engine"] or FLOORS[room(other)] < FLOORS["engine"]
            if len(names) > 2 and names[1] == "engine" and names[2] in ENGINE:
                assert ENGINE.index(names[2]) <= ENGINE.index(part), f"{module} imports {other}"


def test_importing_chromalab_loads_nothing_heavy():
    code = "import sys, chromalab; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert HEAVY & set(done.stdout.split()) == set()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_names_what_it_offers_and_says_why_it_is_long(module):
    text = MODULES[module].read_text()
    if not module.endswith("._version"):
        assert "__all__" in text, f"{module} has no __all__"
    if text.count("\n") > LONG:
        assert "lines" in (ast.get_docstring(ast.parse(text)) or ""), (
            f"{module} is over {LONG} lines"
        )
