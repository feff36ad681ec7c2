"""The cache of model files: its location, and its defense against damaged and forged files."""

import hashlib
import importlib.util
import io
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from chromalab.cache import cache_folder
from chromalab.embed import models
from chromalab.embed.files import SourceError, intact, place
from chromalab.embed.model_files import fetch
from chromalab.errors import ModelNotAvailableError

_spec = importlib.util.spec_from_file_location("packing", Path(__file__).with_name("packing.py"))
packing = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(packing)

posix = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes exist only on POSIX")


def test_environment_variables_set_the_cache_folder(machine, monkeypatch, tmp_path):
    assert cache_folder() == machine.cache
    monkeypatch.delenv("CHROMALAB_CACHE")
    assert cache_folder() == machine.home / ".cache/chromalab"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "chromalab"


def test_models_lists_each_model_with_its_folder_or_none(machine):
    assert [(model.name, model.path) for model in models()] == [
        ("minilm", None),
        ("wordllama", None),
    ]


def test_an_unwritable_cache_raises_an_error_that_names_its_variable(machine, tiny, content):
    packing.write(machine.home / tiny.archive.folder, content)
    machine.cache.write_text("a file where the folder should be")
    with pytest.raises(ModelNotAvailableError, match="Set CHROMALAB_CACHE to a folder") as caught:
        fetch(tiny, progress=False)
    assert str(machine.cache) in str(caught.value)


def test_a_damaged_unpacked_archive_is_unpacked_again(machine, tiny):
    archive = packing.tar_of([("onnx/model.onnx", b"graph"), ("onnx/tokenizer.json", b"{}")])
    tiny = packing.with_archive(tiny, archive)
    packing.write(machine.home / tiny.archive.folder, {"onnx.tar.gz": archive})
    model = fetch(tiny) / "model.onnx"
    model.write_bytes(b"gra")
    assert (fetch(tiny) / "model.onnx").read_bytes() == b"graph"


def test_a_damaged_cached_file_is_copied_again(machine, tiny, content):
    packing.write(packing.hub_snapshot(machine.home), content)
    folder = fetch(tiny)
    (folder / "tiny.safetensors").write_bytes(b"weights of a tiny mode!")
    assert fetch(tiny) == folder
    assert (folder / "tiny.safetensors").read_bytes() == content["tiny.safetensors"]


@posix
def test_cache_folders_are_closed_to_other_users(machine, tiny, content):
    packing.write(packing.hub_snapshot(machine.home), content)
    folder = fetch(tiny)
    for path in (folder, folder.parent, machine.cache):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_file_of_the_wrong_size_is_rejected_even_if_its_stamp_matches(tmp_path, attacker):
    path, right = tmp_path / "file", b"right content"
    place(io.BytesIO(right), path)
    attacker.forge(path, b"wrong")
    sha256 = hashlib.sha256(right).hexdigest()
    assert intact(path, sha256=sha256)
    assert not intact(path, sha256=sha256, size=len(right))


@posix
@pytest.mark.parametrize("opened", ["file", ".file.sha256", "."])
def test_a_stamp_that_other_users_can_write_is_not_trusted(tmp_path, attacker, opened):
    path, right = tmp_path / "file", b"right content"
    sha256 = hashlib.sha256(right).hexdigest()
    place(io.BytesIO(right), path)
    attacker.opened(tmp_path / opened)
    assert intact(path, sha256=sha256)
    attacker.forge(path, b"wrong content")
    attacker.opened(tmp_path / opened)
    assert not intact(path, sha256=sha256)
    assert not intact(path)


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can chown")
@pytest.mark.parametrize("given", ["file", ".file.sha256", "."])
def test_a_stamp_of_another_owner_is_not_trusted(tmp_path, attacker, given):
    path = tmp_path / "file"
    place(io.BytesIO(b"right content"), path)
    assert intact(path)
    os.chown(tmp_path / given, 65534, -1)
    assert not intact(path)


@posix
def test_an_unpacked_archive_that_other_users_can_write_is_unpacked_again_or_not_used(
    machine, tiny, attacker
):
    archive = packing.tar_of([("onnx/model.onnx", b"graph"), ("onnx/tokenizer.json", b"{}")])
    tiny = packing.with_archive(tiny, archive)
    source = machine.home / tiny.archive.folder
    packing.write(source, {"onnx.tar.gz": archive})
    folder = fetch(tiny)
    attacker.opened(folder)
    attacker.forge(folder / "model.onnx", b"wrong")
    assert (fetch(tiny) / "model.onnx").read_bytes() == b"graph"
    (source / "onnx.tar.gz").unlink()
    with pytest.raises(ModelNotAvailableError, match=r"no onnx\.tar\.gz"):
        fetch(tiny, progress=False)


def test_a_file_appears_only_when_complete_and_verified(tmp_path):
    target = tmp_path / "file"
    with pytest.raises(SourceError, match="wrong SHA-256"):
        place(io.BytesIO(b"wrong"), target, sha256=hashlib.sha256(b"right").hexdigest())
    with pytest.raises(SourceError, match="larger than 3 bytes"):
        place(io.BytesIO(b"wrong"), target, size=3)
    assert list(tmp_path.iterdir()) == []


def test_many_threads_can_place_the_same_file_at_once(tmp_path):
    data = bytes(range(256)) * 4096
    sha256 = hashlib.sha256(data).hexdigest()
    threads = [
        threading.Thread(
            target=place, args=(io.BytesIO(data), tmp_path / "file"), kwargs={"sha256": sha256}
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert intact(tmp_path / "file", sha256=sha256)
    assert {path.name for path in tmp_path.iterdir()} == {"file", ".file.sha256"}
