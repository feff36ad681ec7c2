"""A full disk fails the call with a readable error and keeps the last commit, and work can continue."""

import json
import shutil
import subprocess
import sys

import pytest

import chromalab

# name -> (dimension, characters per document): which file is the first to reach its limit
FIRST_FULL = {"vectors": (512, 10), "records": (2, 4000)}
ROWS = 20


def batch(number, dimension, characters):
    return {
        "ids": [f"{number}-{row}" for row in range(ROWS)],
        "embeddings": [[float(number)] * (dimension - 1) + [float(row)] for row in range(ROWS)],
        "documents": [f"{number} {row} ".ljust(characters, "x") for row in range(ROWS)],
    }


@pytest.mark.parametrize("first", FIRST_FULL)
@pytest.mark.parametrize("room", [100_000, 300_000, 345_678, 1_000_000])
def test_a_file_that_cannot_grow_fails_the_call_and_keeps_the_last_commit(
    tmp_path, forks, first, room
):
    shape = FIRST_FULL[first]
    writer = forks.fork()
    writer.do("open", folder=str(tmp_path))
    writer.do("create", name="points")
    writer.do("limit_file_size", size=room)
    written = []
    while True:
        answer = writer.ask("call", method="add", **batch(len(written), *shape))
        if answer != {"ok": None}:
            break
        written += [len(written)]
        assert len(written) < 1000, "no limit was ever reached"
    assert "refused" in answer, answer
    again = writer.ask("call", method="add", **batch(len(written), *shape))
    assert "refused" in again or again == {"ok": None}
    if "ok" in again:  # SQLite may have needed less space this time
        written += [len(written)]
    assert writer.do("call", method="count") == len(written) * ROWS

    with chromalab.PersistentClient(tmp_path) as client:
        assert_holds(client.get_collection("points"), written, shape)
    writer.do("limit_file_size", size=None)
    for _ in range(2):
        writer.do("call", method="add", **batch(len(written), *shape))
        written += [len(written)]
    writer.end()
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.get_collection("points")
        assert_holds(points, written, shape)
        points.delete(ids=points.get()["ids"][ROWS:])
        assert_holds(points, [0], shape)


def assert_holds(points, numbers, shape):
    found = points.get(include=["embeddings", "documents"])
    batches = [batch(number, *shape) for number in numbers]
    assert found["ids"] == [id for b in batches for id in b["ids"]]
    assert found["documents"] == [document for b in batches for document in b["documents"]]
    assert found["embeddings"].tolist() == [vector for b in batches for vector in b["embeddings"]]


# Runs in its own mount namespace, so the small disk is invisible to others and disappears with it.
SMALL_DISK = """
import json, os, subprocess, sys
from contextlib import suppress
import chromalab

folder, dimension, characters = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], check=True)
filler = open(folder + "/filler", "wb")
filler.write(bytes(3_000_000))  # as much as SQLite may need to move its log into the database
filler.flush()
client = chromalab.PersistentClient(folder + "/store")
points = client.create_collection("points", embedding_function=None)

def add(number):
    rows = range(20)
    points.add(
        ids=[f"{number}-{row}" for row in rows],
        embeddings=[[number] * (dimension - 1) + [row] for row in rows],
        documents=[str(number).ljust(characters, "x") for row in rows],
    )

def held(points):
    found = points.get(include=["embeddings", "documents"])
    batches = {}
    for id, vector, document in zip(found["ids"], found["embeddings"], found["documents"], strict=True):
        number, row = map(int, id.split("-"))
        assert vector[0] == number and vector[-1] == row
        assert document == str(number).ljust(characters, "x")
        batches.setdefault(number, []).append(row)
    assert all(rows == list(range(20)) for rows in batches.values())
    return list(batches)

written = []
for number in range(1000):
    try:
        add(number)
    except chromalab.errors.ChromalabError as error:
        message = str(error)
        break
    written.append(number)
with suppress(OSError):
    while os.write(filler.fileno(), bytes(4096)):  # up to the last page
        pass
counted = points.count()
with chromalab.PersistentClient(folder + "/store") as other:
    seen = held(other.get_collection("points"))
client.close()
filler.truncate(0)
client = chromalab.PersistentClient(folder + "/store")
points = client.get_collection("points")
reopened = held(points)
add(5000)
print(json.dumps([message, counted, written, seen, reopened, held(points)]))
"""


@pytest.mark.parametrize("first", FIRST_FULL)
def test_a_full_disk_fails_the_call_and_writes_succeed_once_there_is_space(tmp_path, first):
    apart = ["unshare", "--user", "--map-root-user", "--mount"]
    (tmp_path / "try").mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(tmp_path / "try")]
    if (
        not shutil.which("unshare")
        or subprocess.run([*apart, *mount], capture_output=True).returncode
    ):
        pytest.skip("mounting a small disk is not allowed here; RLIMIT_FSIZE is tested above")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        [*apart, sys.executable, "-c", SMALL_DISK, str(disk), *map(str, FIRST_FULL[first])],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    message, counted, written, seen, reopened, at_the_end = json.loads(done.stdout)
    assert "is full" in message
    assert written
    assert counted == len(written) * ROWS
    assert seen == reopened == written
    assert at_the_end == [*written, 5000]
