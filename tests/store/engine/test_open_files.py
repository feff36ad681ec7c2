"""A process that may open few files can use any number of collections."""

import subprocess
import sys

import pytest

pytest.importorskip("resource", reason="Windows has no limit of this kind")

MANY_COLLECTIONS = """
import resource, sys, threading, warnings
import numpy as np
import chromalab

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
large = np.ones((300, 1000), dtype=np.float32)  # over 1 MB, which is mapped
large[:, 0] = np.arange(300)
with chromalab.PersistentClient(sys.argv[1], durability="normal") as client:
    held = []
    for n in range(120):
        points = client.create_collection(f"points{n}", embedding_function=None)
        rows = large[:, :2] if n % 2 else large
        points.add(ids=[str(row) for row in range(300)], embeddings=rows + n)
        found = points.query(query_embeddings=rows[7] + n, n_results=1)
        assert found["ids"] == [["7"]], found
        if n % 2 or n % 40 == 0:
            held.append((n, points.snapshot()))
    failed = []

    def ask(first):
        try:
            for n in [*range(first, 120, 3), *range(0, 120, 7)]:
                points = client.get_collection(f"points{n}")
                width = 2 if n % 2 else 1000
                found = points.query(query_embeddings=large[9, :width] + n, n_results=1)
                assert found["ids"] == [["9"]], found
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(first,)) for first in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    for n, snapshot in held:  # they keep their vectors
        assert snapshot.vectors[5, 0] == 5 + n
print("done")
"""

MAPPED_COLLECTIONS = """
import resource, sys
import numpy as np
import chromalab
from chromalab.engine.record_transform import RecordTransform
from chromalab.engine.values import Filter

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
swap = RecordTransform("swap", np.array([[0, 1], [1, 0]], dtype=np.float32))
with chromalab.PersistentClient(sys.argv[1], durability="normal") as client:
    for turn in range(2):
        for n in range(60):
            points = client.get_or_create_collection(f"points{n}", embedding_function=None)
            points.add(ids=[f"a{turn}", f"b{turn}"], embeddings=[[9 + n, turn], [turn, 7 + n]])
            query = np.array([[turn, 9 + n]], dtype=np.float32)
            (found,) = points.engine.query(points.id, query, 1, Filter(), set(), swap)
            assert found.ids == [f"a{turn}"], found
print("done")
"""


def run(script, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True
    )
    assert done.stdout.strip() == "done", done.stderr[-2000:]


def test_120_collections_are_searched_with_64_open_files(tmp_path):
    run(MANY_COLLECTIONS, str(tmp_path))


def test_60_collections_are_searched_through_a_transform_with_64_open_files(tmp_path):
    run(MAPPED_COLLECTIONS, str(tmp_path))
