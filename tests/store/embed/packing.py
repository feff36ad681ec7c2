"""Writes model files the way the sources store them: folders, archives, wheels, and packages."""

import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace


def write(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)


def write_zip(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(f"package/data/{name}", data)


def write_wheel(folder, content):
    """Write a wheel of the tiny model that pip can download."""
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
    """Write an installed package as pip would leave it, except that it cannot be imported."""
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


def tar_of(members):
    """Return a gzipped tar archive; a str as content becomes a symbolic link to that path."""
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
