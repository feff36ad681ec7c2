"""At most one transform is active: switched, removed and rolled back, even concurrently."""

import importlib.util
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import chromalab
from chromalab import errors
from chromalab.engine.values import OutdatedQueryError
from chromalab.transforms.storage import ACTIVE_KIND

_spec = importlib.util.spec_from_file_location(
    "made_transforms", Path(__file__).with_name("made_transforms.py")
)
made_transforms = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_transforms)
made = made_transforms.made


def test_only_inactive_transforms_can_be_removed(points):
    for name in ("one", "two"):
        points.transforms.add(made(name))
    points.transforms.use("one")
    with pytest.raises(errors.InvalidArgumentError, match=r"use\(None\)"):
        points.transforms.remove("one")
    points.transforms.remove("two")
    assert points.transforms.active.name == "one"
    with pytest.raises(errors.NotFoundError, match="No transform 'two'"):
        points.transforms.remove("two")
    points.transforms.use(None)
    points.transforms.remove("one")
    assert len(points.transforms) == 0


def test_rollback_goes_back_step_by_step(points):
    for name in ("one", "two", "three"):
        points.transforms.add(made(name))
        points.transforms.use(name)
    assert repr(points.transforms.rollback()) == "points: queries go through 'two'"
    points.transforms.remove("three")
    points.transforms.use("two")  # Not a switch, as it is active already.
    assert repr(points.transforms.rollback()) == "points: queries go through 'one'"
    assert repr(points.transforms.rollback()) == "points: queries go through none"
    with pytest.raises(errors.NotFoundError, match="was active before"):
        points.transforms.rollback()
    points.transforms.use("one")
    points.transforms.use("two")
    points.transforms.use(None)
    points.transforms.remove("two")
    assert repr(points.transforms.rollback()) == "points: queries go through 'one'"


def test_rollback_skips_removed_transforms(points):
    for name in ("one", "two"):
        points.transforms.add(made(name))
    for name in ("two", "one", "two", "one"):
        points.transforms.use(name)
    points.transforms.remove("two")
    assert repr(points.transforms.rollback()) == "points: queries go through none"


def test_a_switch_does_not_change_the_version_of_the_collection(points):
    before, taken = points.get_version(), points.snapshot()
    points.transforms.add(made())
    points.transforms.use("tuned")
    assert points.get_version() == before
    assert not taken.is_stale


def test_judgments_name_the_active_transform(points):
    points.transforms.add(made())
    points.feedback.add([0, 1], "a", True)
    points.transforms.use("tuned")
    points.feedback.add([0, 1], "b", True)
    assert [judgment.transform for judgment in points.feedback] == [None, "tuned"]


def test_concurrent_threads_leave_no_dangling_activation(points):
    points.transforms.add(made("stays"))

    def work(n):
        name = f"t{n}"
        points.transforms.add(made(name, both=bool(n % 2)))
        points.transforms.use(name)
        points.query(query_embeddings=[[0, 1]])
        points.transforms.use("stays")
        try:
            points.transforms.remove(name)
        except errors.InvalidArgumentError:
            return name  # Another thread has activated it again.
        return None

    with ThreadPoolExecutor(4) as pool:
        left = set(filter(None, pool.map(work, range(12))))
    assert {transform.name for transform in points.transforms} == {"stays", *left}
    assert points.transforms.active.name in {"stays", *left}
    assert len(points.engine.attachments(points.id, "live")) == 1


def test_two_processes_leave_no_dangling_activation(store):
    path, _ = store
    code = f"""
import sys, chromalab, numpy as np
from chromalab.feedback import Transform
points = chromalab.PersistentClient({str(path)!r}).get_collection("points")
for n in range(15):
    name = f"{{sys.argv[1]}}{{n}}"
    points.transforms.add(Transform(name=name, matrix=np.eye(2, dtype=np.float32)))
    points.transforms.use(name)
    points.query(query_embeddings=[[0, 1]])
    points.transforms.use(None)
    points.transforms.remove(name)
"""
    processes = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "xy"]
    assert [process.wait() for process in processes] == [0, 0]
    with chromalab.PersistentClient(path) as client:
        points = client.get_collection("points")
        assert [transform.name for transform in points.transforms] == ["tuned"]
        assert points.transforms.active is None


class Overtaken:
    """An engine during whose next look at the active transform something else happens."""

    def __init__(self, engine, happens):
        self._engine = engine
        self._happens = [happens]

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def attachment(self, id, kind, name):
        found = self._engine.attachment(id, kind, name)
        if kind == ACTIVE_KIND:
            self._overtake()
        return found

    def query(self, *args):
        try:
            return self._engine.query(*args)
        except OutdatedQueryError:
            self._overtake()
            raise

    def _overtake(self):
        if self._happens:
            self._happens.pop()()


@pytest.mark.parametrize("ask", ["query", "explain", "active"])
def test_a_transform_that_is_removed_while_it_is_read_is_not_missed(points, ask):
    points.transforms.add(made("one"))
    points.transforms.use("one")

    def remove():
        points.transforms.use(None)
        points.transforms.remove("one")

    slow = chromalab.Collection(Overtaken(points.engine, remove), points.get_model())
    if ask == "active":
        assert slow.transforms.active is None
    elif ask == "explain":
        assert "transform" not in repr(slow.explain(query_embeddings=[[0, 1]]))
    else:
        assert slow.query(query_embeddings=[[0, 1]], n_results=1)["ids"] == [["a"]]
