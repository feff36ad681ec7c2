"""Runs a notebook without a browser and prints its cells and outputs: `run.py quickstart.ipynb`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def main(path: Path) -> int:
    """Run the notebook in its folder and return 1 if a cell failed, else 0."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": path.parent}}, on_cell_executed=show
    )
    try:
        client.execute()
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def show(cell: Any, **_: Any) -> None:
    """Print a code cell and its outputs."""
    if cell.cell_type != "code":
        return
    print("\n".join(f">>> {line}" for line in cell.source.splitlines()))
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            print(output.text.rstrip())
        elif "data" in output:
            print(output.data.get("text/plain", ""))
    print()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
