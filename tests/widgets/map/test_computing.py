"""The layout that is computed while the map already shows something, in a real kernel."""

import json
from threading import Event, RLock

import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

from chromalab.analytics import project
from chromalab_widgets.map.layout_thread import LayoutThread, someone_is_watching

SETUP = """\
import sys
import chromalab, numpy as np
rng = np.random.default_rng(0)
centers = np.repeat(rng.normal(size=(3, 8)), 40, axis=0)
vectors = (centers + rng.normal(scale=0.3, size=centers.shape)).astype(np.float32)
client = chromalab.EphemeralClient()
points = client.create_collection("points", embedding_function=None)
points.add(ids=[str(row) for row in range(120)], embeddings=vectors, documents=["tea", "moon", "bee"] * 40)
"""
STARTED = """\
map = points.map(labels=True, color="neighbor_recall")
found = [map.computing, map.status, "umap" in sys.modules, map.color_by, map.color_choices, map.labels]
"""
FINISHED = """\
png = map.to_png(width=300, height=200)  # waits
shown = map.projection.coordinates
found = [map.computing, map.color_by, len(map.labels) > 0, bool((shown == points.project().coordinates).all())]
"""
FAILED = """\
sys.modules["openTSNE"] = None
map = points.map("tsne")
try:
    map.projection
except chromalab.errors.MissingDependencyError as problem:
    found = [map.computing, map.error == str(problem), map.status]
"""
CLOSED = """\
map = points.map("tsne")  # it has nothing to compile, so frames come often
thread = map._thread
map.close()
found = [map._thread is None, map.computing, thread is None or thread.wait(250)]
"""
UPDATED = """\
map = points.map("pca")
map.update(vectors[:, :2])
found = [map.computing, map.projection is None, map.status]
"""


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel()
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def run(kernel):
    """Runs a cell as a front end does, and returns what it left in `found`."""

    def run(cell, *, watched=True):
        asked = {"found": "__import__('json').dumps(found)"}
        reply = kernel.execute_interactive(
            f"found = None\n{cell}", allow_stdin=watched, user_expressions=asked,
            stdin_hook=print, output_hook=lambda message: None, timeout=300,
        )  # fmt: skip
        assert reply["content"]["status"] == "ok", reply["content"]
        return json.loads(eval(reply["content"]["user_expressions"]["found"]["data"]["text/plain"]))

    return run


def test_a_watched_map_of_pca_does_not_wait_for_pca(run):
    run(SETUP)
    status = run("shown = points.map('pca')\nfound = shown.status")
    assert status.startswith("PCA of 120 records")
    assert "until" not in status


def test_a_watched_map_starts_at_once_and_ends_as_the_same_layout(run):
    run(SETUP)
    computing, status, imported, *rest = run(STARTED)
    assert (computing, imported) == (True, False) or status.startswith("UMAP of 120 records, epoch")
    assert "120 records" in status
    assert rest == ["", [], []]
    assert run(FINISHED) == [False, "neighbor_recall", True, True]


def test_a_failed_layout_is_shown_and_raised(run):
    run(SETUP)
    assert run(FAILED) == [False, True, "120 records"]


def test_a_closed_or_updated_map_ends_its_computation(run):
    run(SETUP)
    assert run(CLOSED) == [True, False, True]
    assert run(UPDATED) == [False, True, "120 records"]


def test_a_call_that_nobody_watches_waits(run):
    run(SETUP)
    assert run("map = points.map()\nfound = [map.computing]", watched=False) == [False]
    assert not someone_is_watching()


def compute(on_frame):
    return project(np.eye(30), progress=False, on_frame=on_frame)


def test_a_stopped_layout_is_the_map_of_that_moment():
    def compute_when_assigned(on_frame):
        assigned.wait()  # or the first frame may come before there is a `thread`
        return compute(on_frame)

    assigned, ended = Event(), Event()
    thread = LayoutThread(
        compute_when_assigned, show=lambda *_: thread.stop(), ended=ended.set, lock=RLock()
    )
    assigned.set()
    assert thread.result().interrupted
    assert thread.done
    ended.wait()


def test_an_interrupt_while_waiting_stops_the_layout():
    class Interrupted(LayoutThread):
        def wait(self, seconds):
            raise KeyboardInterrupt

    thread = Interrupted(compute, show=lambda *_: None, ended=lambda: None, lock=RLock())
    with pytest.raises(KeyboardInterrupt):
        thread.result()
    assert thread._end is KeyboardInterrupt
