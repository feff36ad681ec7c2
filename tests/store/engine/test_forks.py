"""A fork of the process loses nothing, whatever parent and child do afterwards."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks: POSIX only")

# Each runs in a new interpreter, so that no thread of the test runner exists at the fork.
PARENT_CLOSES_FIRST = """
import os, sys, chromalab
client = chromalab.PersistentClient(sys.argv[1])
points = client.create_collection("points", embedding_function=None)
points.add(ids=["p0", "p1"], embeddings=[[0, 0], [1, 1]])
ours, theirs = os.pipe()
child = os.fork()
if child == 0:
    os.close(theirs)
    os.read(ours, 1)  # until the parent has closed its client
    for n in range(5):
        points.add(ids=[f"c{n}"], embeddings=[[n, n]])
    os._exit(0 if points.count() == 7 else 1)
points.add(ids=["p2"], embeddings=[[2, 2]]) if sys.argv[2] == "write" else None
points.delete(ids=["p2"])
client.close()
os.write(theirs, b"x")
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(*chromalab.PersistentClient(sys.argv[1]).get_collection("points").get()["ids"])
"""

WHILE_ANOTHER_THREAD_WRITES = """
import os, sys, threading, chromalab
client = chromalab.PersistentClient(sys.argv[1])
points = client.create_collection("points", embedding_function=None)
started, stop = threading.Event(), threading.Event()

def write():
    n = 0
    while not stop.is_set():
        points.add(ids=[f"t{n}"], embeddings=[[n, n]])
        started.set()
        n += 1
    print(n)

writer = threading.Thread(target=write)
writer.start()
started.wait()
children = []
for number in range(5):
    child = os.fork()
    if child == 0:
        points.add(ids=[f"c{number}"], embeddings=[[1, 1]])
        os._exit(0)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
stop.set()
writer.join()
print(codes, points.count())
"""


def run(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("parent", ["write", "idle"])
def test_records_that_a_child_adds_after_its_parent_closed_are_kept(tmp_path, parent):
    code, ids = run(PARENT_CLOSES_FIRST, tmp_path, parent)
    assert code == "0"
    assert sorted(ids.split()) == ["c0", "c1", "c2", "c3", "c4", "p0", "p1"]


def test_a_fork_while_another_thread_writes_leaves_both_sides_able_to_write(tmp_path):
    written, rest = run(WHILE_ANOTHER_THREAD_WRITES, tmp_path)
    assert rest == f"[0, 0, 0, 0, 0] {int(written) + 5}"
