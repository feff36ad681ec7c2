"""The arrows between the packages, and what an import may bring in."""

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
MAY_USE = {
    "chromalab": set(),
    "chromalab_widgets": {"chromalab"},
    "chromalab_kernel": {"chromalab", "chromalab_widgets"},
}
LAZY = {  # which imports what of the packages above it, inside functions or for types alone
    ROOT / "store" / "chromalab" / "__init__.py": "chromalab_kernel",  # %load_ext chromalab
    ROOT
    / "store"
    / "chromalab"
    / "showing.py": "chromalab_widgets",  # collection.map() and the like
}
HEAVY = {
    "IPython", "anywidget", "ipywidgets", "sklearn", "scipy", "pandas", "pyarrow", "onnxruntime",
    "onnx", "hnswlib", "tokenizers", "safetensors", "re2", "umap", "openTSNE", "pacmap", "numba",
    "hdbscan", "graspologic_native", "rensa", "matplotlib", "tqdm", "pip",
}  # fmt: skip


def imported(file):
    """The top names a module imports, with whether the import stands inside a function."""
    tree = ast.parse(file.read_text())
    at_top = set(tree.body)
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        yield from ((name, node not in at_top) for name in names)


@pytest.mark.parametrize("package", PACKAGES)
def test_arrows_run_one_way(package):
    others = PACKAGES.keys() - MAY_USE[package] - {package}
    for file in PACKAGES[package].rglob("*.py"):
        for name, lazily in imported(file):
            if name.split(".")[0] in others:
                assert name.split(".")[0] == LAZY.get(file), f"{file} imports {name}"
                assert lazily


def test_the_engine_knows_nothing_of_the_rooms_above_it():
    allowed = {"chromalab.engine", "chromalab.errors", "chromalab.cache"}
    for file in (PACKAGES["chromalab"] / "engine").rglob("*.py"):
        for name, _ in imported(file):
            if name.startswith("chromalab"):
                assert any(name.startswith(room) for room in allowed), f"{file} imports {name}"


def test_importing_chromalab_brings_in_nothing_heavy():
    code = "import sys, chromalab; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert HEAVY & set(done.stdout.split()) == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_names_what_it_offers_and_fits_on_a_few_screens(package):
    for file in PACKAGES[package].rglob("*.py"):
        text = file.read_text()
        assert text.count("\n") <= 400, f"{file} is too long: split it by subject"
        if file.name not in ("_version.py", "conftest.py"):
            assert "__all__" in text, f"{file} has no __all__"
