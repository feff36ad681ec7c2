"""Install the wheel where Colab's packages are, check that it moves none of them, and use it there.

make environments
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINS = Path(__file__).with_name("colab-pins.txt")
EXECUTED = """
import json, sys
import nbclient, nbformat
cells = json.loads(sys.argv[1])
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=300).execute()
for cell in notebook.cells:
    kinds = sorted({kind for output in cell.outputs for kind in output.get("data", {})})
    print(cell.source.splitlines()[0], *kinds, sep=" | ")
assert notebook.cells[-1].outputs[0]["data"]["text/plain"] == "'ok'", notebook.cells[-1].outputs
"""
CELLS = [
    "%load_ext chromalab",
    "%chroma connect ./colab.chroma",
    "%chroma create facts",
    "from chromalab import datasets; table = datasets.load('facts')\n"
    "%chroma add facts :table --text document",
    "%%chroma hits << query facts\nwhich animals sleep in winter?",
    "%chroma cluster facts",
    "%chroma map facts",
    "%chroma table facts",
    # The names that IPython 7 completes with, and the index that a large collection would get.
    "import IPython, ipywidgets, chromalab\n"
    "from chromalab.engine.index.library import library\n"
    "offered = get_ipython().complete('qu', '%chroma qu', 10)[1]\n"
    "assert IPython.__version__ == '7.34.0' and ipywidgets.__version__ == '7.7.1'\n"
    "assert 'query' in offered and library().name == 'voyager' and len(hits['ids']) == 1\n"
    "'ok'",
]


def run(*command: object, cwd: Path = ROOT) -> str:
    """Run a command and return what it prints."""
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True, cwd=cwd)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))[:200]}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Install, compare, and run a notebook; exits with what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uv", default="uv")
    parser.add_argument("--python", required=True)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run(chosen.uv, "build", "-q", "--wheel", "--out-dir", place, ROOT)
        (wheel,) = place.glob("*.whl")
        run(chosen.uv, "venv", "-q", "--python", chosen.python, place / "venv")
        python = place / "venv" / "bin" / "python"
        install = (chosen.uv, "pip", "install", "-q", "--python", python)
        run(*install, "-r", PINS)
        before = set(run(chosen.uv, "pip", "freeze", "--python", python).splitlines())
        # Without constraints: what moves a package in Colab would have to move it here.
        run(*install, "--only-binary", ":all:", wheel)
        after = set(run(chosen.uv, "pip", "freeze", "--python", python).splitlines())
        if before - after:
            sys.exit(f"Installing chromalab moved {', '.join(sorted(before - after))}.")
        added = sorted(line.split(" ")[0] for line in after - before)
        print(f"{len(before)} packages stayed; added: {', '.join(added)}")
        run(*install, "-c", PINS, "nbclient")
        print(run(python, "-c", EXECUTED, json.dumps(CELLS), cwd=place), end="")


if __name__ == "__main__":
    main()
