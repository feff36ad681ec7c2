"""The wheel carries all it needs: it installs and shows a widget on a machine without node."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv") or shutil.which("uv", path=ROOT / ".tools" / "bin")

CHECK = """
import shutil, sys
assert shutil.which("node") is None and shutil.which("npm") is None
import chromalab, chromalab_kernel, chromalab_widgets
assert chromalab.__file__.startswith(sys.prefix), chromalab.__file__
assert len(chromalab.datasets.load("facts")) == 96
client = chromalab.EphemeralClient()
points = client.create_collection("points", embedding_function=None)
points.add(ids=["a"], embeddings=[[1, 2, 3]])
search_panel = chromalab_widgets.SearchPanel(points)
assert "export" in str(search_panel._esm)
points.add(ids=[str(at) for at in range(40)], embeddings=[[at % 7, at % 5, 1] for at in range(40)])
map = points.map()
assert map.projection.method == "umap" and map.to_png()
print("works")
"""


@pytest.mark.skipif(UV is None, reason="builds with uv, which make test brings")
def test_the_wheel_works_without_node_and_holds_no_tests(tmp_path):
    subprocess.run(
        [UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path, ROOT], check=True, cwd=ROOT
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {
        "chromalab", "chromalab_widgets", "chromalab_kernel",
    }  # fmt: skip
    static = {name.split("/")[-1] for name in names if "/static/" in name}
    assert {"search_panel.js", "search_panel.css", "map.js", "map.css"} <= static
    assert "chromalab/py.typed" in names

    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run(
        [UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv"], check=True
    )
    subprocess.run(
        [
            UV,
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            wheel,
            "-c",
            ROOT / "constraints.txt",
        ],
        check=True,
    )
    environment = {**os.environ, "PATH": str(python.parent)}
    done = subprocess.run(
        [python, "-c", CHECK], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout == "works\n", done.stderr


def test_installing_from_source_without_npm_says_so_in_one_sentence(monkeypatch):
    spec = importlib.util.spec_from_file_location("build", ROOT / "widgets" / "build.py")
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match=r"needs npm, .* install Node\.js"):
        hook.build("wheel", "standard", npm="npm", build_cmd="build")
