import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from chromalab.embed.catalog import Archive, Model, ModelFile, Wheel

WEIGHTS, TOKENIZER = b"weights of a tiny model", b'{"version": "1.0"}'


@dataclass(frozen=True)
class Machine:
    """An empty home folder and an empty cache, without network access."""

    home: Path
    cache: Path


@pytest.fixture
def machine(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("PIP_", "HF_")) or name == "XDG_CACHE_HOME":
            monkeypatch.delenv(name)
    home, cache = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    for name, value in {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "CHROMALAB_CACHE": str(cache),
        "HF_HUB_OFFLINE": "1",
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }.items():
        monkeypatch.setenv(name, value)
    return Machine(home=home, cache=cache)


def forge(path, data):
    """Replace the bytes of a file, and try to keep the stamp next to it valid."""
    before = path.stat()
    path.write_bytes(data)
    sha256, _, _ = (stamp := path.with_name(f".{path.name}.sha256")).read_text().split()
    if len(data) != before.st_size:
        stamp.write_text(f"{sha256} {len(data)} {before.st_mtime_ns}\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def open_to_others(path):
    path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o022)


@pytest.fixture
def attacker():
    """What another user of a shared cache can do to its files."""
    return SimpleNamespace(forge=forge, opened=open_to_others)


def file(name, content):
    return ModelFile(name=name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


@pytest.fixture
def tiny():
    """A model of a few bytes that uses every kind of source."""
    return Model(
        name="tiny",
        description="two small files",
        license="Apache-2.0",
        dimension=1,
        files=(file("tiny.safetensors", WEIGHTS), file("tiny_tokenizer.json", TOKENIZER)),
        hub_repo="org/tiny",
        wheel=Wheel(name="chromalab-tiny-model", version="1.0"),
        distributions=("chromalab-tiny-model",),
        archive=Archive(
            folder=".cache/chroma/onnx_models/tiny",
            name="onnx.tar.gz",
            sha256="0" * 64,
            members=(("onnx/model.onnx", "model.onnx"), ("onnx/tokenizer.json", "tokenizer.json")),
        ),
    )


@pytest.fixture
def content(tiny):
    """The correct content of each file of the tiny model."""
    return dict(zip((file.name for file in tiny.files), (WEIGHTS, TOKENIZER), strict=True))
