"""A killed writer leaves complete batches, and two concurrent writers lose nothing."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chromalab

# Adds batches until it is killed, and reports each one that was acknowledged. The writers are forked
# from a process that has chromalab loaded, so that 50 of them take seconds.
WRITER = """
import os, sys, threading
import numpy as np
import chromalab

folder, rounds, seed, threads = sys.argv[1], *map(int, sys.argv[2:])
rng = np.random.default_rng(seed)
size = 37

def write(start, pipe):
    client = chromalab.PersistentClient(folder)
    points = client.get_collection("points", embedding_function=None)
    for thread in range(1, threads):
        add = threading.Thread(target=add_batches, args=(points, start + thread * 1000, pipe))
        add.start()
    add_batches(points, start, pipe)

def add_batches(points, batch, pipe):
    while True:
        numbers = np.arange(batch * size, (batch + 1) * size)
        points.add(
            ids=[f"r{n}" for n in numbers],
            embeddings=np.stack([numbers, numbers * 2, numbers * 3, numbers * 5], axis=1),
            documents=[f"document {n}" for n in numbers],
            metadatas=[{"n": int(n), "batch": batch} for n in numbers],
        )
        os.write(pipe, batch.to_bytes(4, "big"))
        batch += 1

with chromalab.PersistentClient(folder) as client:
    client.create_collection("points", embedding_function=None)
acknowledged = []
for number in range(rounds):
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        write(number * threads * 1000, theirs)
    os.close(theirs)
    wanted = int(rng.integers(1, 6)) * threads
    for _ in range(wanted):
        acknowledged.append(int.from_bytes(os.read(ours, 4), "big"))
    deadline = int(rng.integers(0, 20_000))  # a random time within the next add, counted in loop turns
    while deadline:
        deadline -= 1
    os.kill(child, 9)
    os.waitpid(child, 0)
    while number := os.read(ours, 4):
        acknowledged.append(int.from_bytes(number, "big"))
    os.close(ours)
print(*acknowledged)
"""
SIZE = 37


@pytest.mark.skipif(
    not hasattr(__import__("os"), "fork"), reason="kills forked writers: POSIX only"
)
@pytest.mark.parametrize(("rounds", "threads"), [(50, 1), (15, 8)])
def test_kill_minus_9_during_adds_loses_no_acknowledged_record_and_splits_no_batch(
    tmp_path, rounds, threads
):
    folder = tmp_path / "killed.chroma"
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(folder), str(rounds), "7", str(threads)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    acknowledged = {int(word) for word in done.stdout.split()}
    assert len(acknowledged) >= rounds * threads

    points = chromalab.PersistentClient(folder).get_collection("points")
    found = points.get(include=["embeddings", "documents", "metadatas"])
    batches = {}
    for id, vector, document, metadata in zip(
        found["ids"], found["embeddings"], found["documents"], found["metadatas"], strict=True
    ):
        n = metadata["n"]
        assert id == f"r{n}"
        assert document == f"document {n}"
        assert vector.tolist() == np.float32([n, n * 2, n * 3, n * 5]).tolist()
        batches.setdefault(metadata["batch"], set()).add(n)
    assert acknowledged <= set(batches)
    for batch, numbers in batches.items():
        assert numbers == set(range(batch * SIZE, (batch + 1) * SIZE)), "half a batch"
    # At most one batch per thread was written but not yet acknowledged when its writer died.
    assert len(batches) - len(acknowledged) <= rounds * threads
    nearest = points.query(query_embeddings=found["embeddings"][-1:], n_results=1)
    assert nearest["ids"] == [[found["ids"][-1]]]


ADDER = """
import sys
import chromalab

folder, name = sys.argv[1:]
both = chromalab.PersistentClient(folder).get_collection("both", embedding_function=None)
sys.stdin.readline()  # start together
for start in range(0, 1000, 25):
    numbers = range(start, start + 25)
    both.add(ids=[f"{name}{n}" for n in numbers], embeddings=[[n, ord(name)] for n in numbers])
"""


def test_two_processes_that_add_a_thousand_records_each_end_with_two_thousand(tmp_path):
    client = chromalab.PersistentClient(tmp_path)
    both = client.create_collection("both", embedding_function=None)
    adders = [
        subprocess.Popen(
            [sys.executable, "-c", ADDER, str(tmp_path), name],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in "ab"
    ]  # fmt: skip
    for adder in adders:
        adder.stdin.write("go\n")
        adder.stdin.flush()
    for adder in adders:
        _, errors = adder.communicate(timeout=120)
        assert adder.returncode == 0, errors
    assert both.count() == 2000
    found = both.get(include=["embeddings"])
    assert len(set(found["ids"])) == 2000
    for id, (n, name) in zip(found["ids"], found["embeddings"].tolist(), strict=True):
        assert id == f"{chr(int(name))}{int(n)}"


def test_a_failed_append_leaves_nothing(tmp_path):
    client = chromalab.PersistentClient(tmp_path)
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a"], embeddings=[[1, 2]])
    file = next((tmp_path / "vectors").iterdir())
    file.rename(file.with_suffix(".away"))
    with pytest.raises(chromalab.errors.InternalError, match=r"is missing, and with it 1 rows"):
        points.add(ids=["b"], embeddings=[[3, 4]])
    Path(file).unlink(missing_ok=True)
    file.with_suffix(".away").rename(file)
    assert points.get()["ids"] == ["a"]
    points.add(ids=["b"], embeddings=[[3, 4]])
    assert points.get(include=["embeddings"])["embeddings"].tolist() == [[1, 2], [3, 4]]


def test_rows_left_by_a_crash_are_overwritten(tmp_path):
    client = chromalab.PersistentClient(tmp_path)
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a"], embeddings=[[1, 2]])
    with open(next((tmp_path / "vectors").iterdir()), "ab") as file:
        file.write(b"torn tail")
    points.add(ids=["b"], embeddings=[[3, 4]])
    assert points.get(include=["embeddings"])["embeddings"].tolist() == [[1, 2], [3, 4]]
