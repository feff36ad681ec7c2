import dataclasses
import hashlib
import json
import multiprocessing
import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromalab.analytics.graph import graph_of
from chromalab.analytics.graph.construction import build
from chromalab.analytics.graph.storage import (
    _CHECKSUM,
    _MAGIC,
    _MAX_FILES,
    GraphKey,
    load_graph,
    related_graphs,
    store_graph,
)
from chromalab.snapshot import Snapshot

VECTORS = np.random.default_rng(0).normal(size=(1300, 6)).astype(np.float32)
VECTORS[7] = VECTORS[3]


def key(n=100, file="vectors-1", k=30, seed=0):
    return GraphKey(file, np.arange(n, dtype=np.int64), k, seed)


def snapshot(folder, n=1300, file="vectors-1", skip=0):
    rows = np.arange(skip, n, dtype=np.int64)
    taken = Snapshot.of(VECTORS[skip:n])
    return dataclasses.replace(taken, rows=rows, file=file, folder=folder)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def same(one, two):
    fields = [field.name for field in dataclasses.fields(one)]
    return all(np.array_equal(getattr(one, name), getattr(two, name)) for name in fields)


def test_a_stored_graph_is_loaded(tmp_path):
    graph = build(VECTORS[:100], 30)
    assert store_graph(tmp_path / "made" / "now", key(), graph)
    assert same(load_graph(tmp_path / "made" / "now", key()), graph)


@pytest.mark.parametrize(
    "other",
    [key(99), key(file="vectors-2"), key(k=31), key(seed=1)],
    ids=["rows", "file", "k", "seed"],
)
def test_another_key_has_no_graph(tmp_path, other):
    store_graph(tmp_path, key(), build(VECTORS[:100], 30))
    assert load_graph(tmp_path, other) is None
    (tmp_path / key().name).rename(
        tmp_path / other.name
    )  # a file under another name is rejected too
    assert load_graph(tmp_path, other) is None


def test_an_empty_graph_is_stored(tmp_path):
    graph = build(VECTORS[:0], 30)
    assert store_graph(tmp_path, key(0), graph)
    assert same(load_graph(tmp_path, key(0)), graph)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_truncated_or_modified_file_is_ignored(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("graphs")
    graph = build(VECTORS[:20], 3)
    store_graph(folder, key(20, k=3), graph)
    path = folder / key(20, k=3).name
    whole = path.read_bytes()
    how = data.draw(st.sampled_from(["cut", "flip", "longer", "noise"]))
    at = data.draw(st.integers(0, len(whole) - 1))
    if how == "cut":
        path.write_bytes(whole[:at])
    elif how == "flip":
        bit = 1 << data.draw(st.integers(0, 7))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
    elif how == "longer":
        path.write_bytes(whole + whole[at:])
    else:
        path.write_bytes(data.draw(st.binary(max_size=300)))
    assert load_graph(folder, key(20, k=3)) is None
    assert list(related_graphs(folder, key(20, k=3))) == []


def forged(folder, header=None, **changed):
    """Write an inconsistent graph of 20 records with a valid checksum."""
    graph = dataclasses.replace(build(VECTORS[:20], 3))
    arrays = {
        name: np.array(getattr(graph, name))
        for name in ("node", "representative", "neighbors", "distances")
    }
    for name, (place, value) in changed.items():
        arrays[name][place] = value
    store_graph(folder, key(20, k=3), dataclasses.replace(graph, **arrays))
    path = folder / key(20, k=3).name
    if header is not None:
        body = path.read_bytes()[len(_MAGIC) : -_CHECKSUM]
        size = int.from_bytes(body[:8], "little")
        text = header
        if isinstance(header, dict):
            text = json.dumps({**json.loads(body[8 : 8 + size]), **header}).encode()
        body = _MAGIC + len(text).to_bytes(8, "little") + text + body[8 + size :]
        path.write_bytes(body + hashlib.blake2b(body, digest_size=_CHECKSUM).digest())


@pytest.mark.parametrize(
    "changed",
    [
        {"neighbors": ((0, 0), 20)},
        {"neighbors": ((0, 0), -2)},
        {"neighbors": ((0, 2), -1)},
        {"distances": ((0, 0), np.nan)},
        {"distances": ((0, 0), -1)},
        {"distances": ((0, 0), 1.9)},
        {"distances": ((0, 2), np.inf)},
        {"node": (0, 20)},
        {"node": (0, -1)},
        {"node": (0, 1)},
        {"representative": (0, 1)},
        {"representative": (0, 2**40)},
        {"header": {"n": 10**15}},
        {"header": {"n": -1}},
        {"header": {"m": 10**18, "k": 10**18}},
        {"header": {"k": 4}},
        {"header": {"k": "three"}},
        {"header": {"n": float("inf")}},
        {"header": {"recall": float("nan")}},
        {"header": {"recall": 7}},
        {"header": {"file": "vectors-2"}},
        {"header": b"[]"},
        {"header": b"{"},
        {"header": b"\xff"},
        {"header": b"[" * 9000},
    ],
    ids=str,
)
def test_a_forged_file_is_ignored(tmp_path, changed):
    forged(tmp_path)
    assert load_graph(tmp_path, key(20, k=3)) is not None
    forged(tmp_path, **changed)
    assert load_graph(tmp_path, key(20, k=3)) is None


def test_a_newer_format_or_a_folder_instead_of_the_file_is_ignored(tmp_path):
    store_graph(tmp_path, key(), build(VECTORS[:100], 30))
    path = tmp_path / key().name
    body = path.read_bytes()[:-_CHECKSUM].replace(b"graph 1\n", b"graph 2\n", 1)
    path.write_bytes(body + hashlib.blake2b(body, digest_size=_CHECKSUM).digest())
    assert load_graph(tmp_path, key()) is None
    path.unlink()
    path.mkdir()
    assert load_graph(tmp_path, key()) is None
    assert not store_graph(tmp_path, key(), build(VECTORS[:100], 30))
    assert files(tmp_path) == [path.name]


def test_an_oversized_file_is_not_read(tmp_path):
    with (tmp_path / key().name).open("wb") as file:
        file.truncate(2**28)  # sparse
    tracemalloc.start()
    try:
        assert load_graph(tmp_path, key()) is None
        assert list(related_graphs(tmp_path, key())) == []
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_only_the_newest_files_remain_and_unrelated_files_are_untouched(tmp_path):
    (tmp_path / "neighbors.txt").write_text("mine")
    for n in range(20, 30):
        store_graph(tmp_path, key(n), build(VECTORS[:n], 30))
        os.utime(tmp_path / key(n).name, ns=(n * 10**9, n * 10**9))
    store_graph(tmp_path, key(30), build(VECTORS[:30], 30))
    assert files(tmp_path) == sorted(
        [*(key(n).name for n in range(31 - _MAX_FILES, 31)), "neighbors.txt"]
    )


def test_abandoned_drafts_are_deleted_later(tmp_path):
    left = tmp_path / "neighbors-0-1.draft"
    left.write_bytes(b"half")
    store_graph(tmp_path, key(20), build(VECTORS[:20], 30))
    assert left.exists()  # another process may be writing it
    os.utime(left, (0, 0))
    store_graph(tmp_path, key(20), build(VECTORS[:20], 30))
    assert files(tmp_path) == [key(20).name]


def test_a_folder_that_cannot_be_created_does_not_raise(tmp_path):
    (tmp_path / "file").write_text("")
    assert not store_graph(tmp_path / "file" / "in", key(), build(VECTORS[:100], 30))
    graph = graph_of(snapshot(tmp_path / "file" / "in", 100))
    assert len(graph) == 99


def test_another_snapshot_of_a_store_loads_the_cached_graph(tmp_path):
    one = graph_of(snapshot(tmp_path))
    (name,) = files(tmp_path)
    written = (tmp_path / name).stat().st_mtime_ns
    two = graph_of(snapshot(tmp_path))
    assert same(one, two)
    assert (tmp_path / name).stat().st_mtime_ns == written
    assert one.neighbors.base is not two.neighbors.base


def test_snapshots_without_a_file_name_are_not_cached(tmp_path):
    graph_of(snapshot(tmp_path, file=""))
    assert files(tmp_path) == []


def test_a_damaged_graph_is_rebuilt_and_replaced(tmp_path):
    one = graph_of(snapshot(tmp_path))
    (name,) = files(tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert same(graph_of(snapshot(tmp_path)), one)
    assert (tmp_path / name).read_bytes() == whole


def test_the_earlier_graph_is_updated_after_adds_and_deletes(tmp_path):
    graph_of(snapshot(tmp_path, 1250))
    now = snapshot(tmp_path, 1300, skip=20)
    after = graph_of(now)
    stored = load_graph(tmp_path, GraphKey("vectors-1", now.rows, 30, 0))
    assert (
        stored.neighbors[:, -1] < 0
    ).any()  # lists that lost neighbors: the graph was not rebuilt
    full = build(VECTORS[20:], 30).cut(15)
    assert np.array_equal(after.neighbors, full.neighbors)
    assert np.allclose(after.distances, full.distances, atol=1e-6)
    assert len(files(tmp_path)) == 2


def test_rows_of_another_file_are_different_vectors(tmp_path):
    graph_of(snapshot(tmp_path, 1250))
    other = dataclasses.replace(
        Snapshot.of(VECTORS[::-1].copy()), rows=np.arange(1300), file="vectors-2", folder=tmp_path
    )
    full = build(VECTORS[::-1].copy(), 30).cut(15)
    assert np.array_equal(graph_of(other).neighbors, full.neighbors)


def _write_often(folder, graph, n):
    for _ in range(10):
        store_graph(folder, key(n), graph)


def test_two_processes_can_write_to_one_folder(tmp_path):
    context = multiprocessing.get_context("spawn")
    graph = build(VECTORS[:50], 30)
    writers = [context.Process(target=_write_often, args=(tmp_path, graph, 50)) for _ in range(2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        read = load_graph(tmp_path, key(50))
        assert read is None or same(read, graph)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert files(tmp_path) == [key(50).name]
