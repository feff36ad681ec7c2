"""hnswlib and voyager: each reads what the other wrote, and neither reads what is damaged."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import numpy as np
import pytest

from chromalab.engine.index.graph_file import GraphFile, Unusable
from chromalab.engine.index.hnsw import HnswGraph
from chromalab.engine.index.library import Parameters
from chromalab.engine.index.setting import SharedSetting

ROWS, DIMENSION, MOST = 1_500, 12, 6
VECTORS = np.random.default_rng(3).normal(size=(ROWS, DIMENSION)).astype(np.float32)
SPACES = ("l2", "cosine", "ip")
BOTH = pytest.mark.parametrize(
    "names", [("hnswlib", "voyager"), ("voyager", "hnswlib")], ids=" then ".join
)


def parameters(space):
    return Parameters(space, DIMENSION, MOST, ef_construction=40)


def built(space, rows=ROWS, threads=1):
    graph = HnswGraph.begin(parameters(space), VECTORS, 0, rows)
    graph.insert(VECTORS[:rows], np.arange(1, rows), threads=threads)
    return graph


def true_slots(space, queries, k):
    rows = VECTORS.astype(np.float64)
    if space == "l2":
        far = ((rows[np.newaxis] - queries[:, np.newaxis]) ** 2).sum(axis=2)
    else:
        if space == "cosine":
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        far = -queries @ rows.T
    return np.argsort(far, axis=1)[:, :k]


def found_share(graph, space, k=10):
    queries = np.random.default_rng(5).normal(size=(50, DIMENSION)).astype(np.float32)
    found, true = graph.search(queries, k, 100), true_slots(space, queries, k)
    return np.mean([np.isin(a, b).mean() for a, b in zip(found, true, strict=True)])


@pytest.mark.parametrize("space", SPACES)
def test_one_finds_the_nearest_rows(index_library, space):
    graph = built(space)
    assert (graph.library, len(graph)) == (index_library, ROWS)
    assert found_share(graph, space) > 0.97
    assert found_share(built(space, threads=2), space) > 0.97


def test_it_proposes_nothing_if_too_few_rows_are_within_reach(index_library):
    graph = built("l2", rows=30)
    assert graph.search(VECTORS[:1], 31, 31) is None
    assert sorted(graph.search(VECTORS[:1], 30, 30)[0]) == list(range(30))


@BOTH
@pytest.mark.parametrize("space", SPACES)
def test_one_reads_and_grows_what_the_other_built(by_library, tmp_path, names, space):
    file, grown = GraphFile(tmp_path / "graph"), {}
    with by_library(names[0]):
        file.write(built(space, rows=1_000), VECTORS[:1_000])
    for name in names:
        with by_library(name):
            graph = file.read(parameters(space), VECTORS)
            assert graph.library == name
            larger = graph.grown(500, tmp_path)
            larger.insert(VECTORS, np.arange(1_000, ROWS))
            assert found_share(larger, space) > 0.97
            assert (len(graph), len(larger)) == (1_000, ROWS)
            grown[name] = GraphFile(tmp_path / name)
            grown[name].write(larger, VECTORS)
    assert grown["hnswlib"].path.read_bytes() == grown["voyager"].path.read_bytes()


def rewritten(file, change):
    """Change the arrays of a file, and make its checksum right again."""
    header, arrays = file.arrays(1 << 30)
    arrays = {name: array.copy() for name, array in arrays.items()}
    change(header, arrays)
    text = json.dumps(header).encode()
    body = b"chromalab graph 1\n" + len(text).to_bytes(8, "little") + text
    body += b"".join(array.tobytes() for array in arrays.values())
    file.path.write_bytes(body + blake2b(body, digest_size=32).digest())


def set_one(name, value):
    def change(header, arrays):
        arrays[name][len(arrays[name]) // 2] = value

    return change


CHANGES = {
    "a link to a missing row": set_one("links", ROWS),
    "an upper link to a missing row": set_one("upper_links", 2**32 - 1),
    "an upper link to a row without that level": lambda header, arrays: arrays["upper_links"].fill(
        int(np.argmin(arrays["levels"]))
    ),
    "too many links": set_one("counts", 2 * MOST + 1),
    "too many upper links": set_one("upper_counts", MOST + 1),
    "a level without links": set_one("levels", 50),
    "a slot that occurs twice": set_one("slots", 0),
    "a slot of no row": set_one("slots", ROWS),
    "a negative slot": set_one("slots", -1),
    "an entry that is no row": lambda header, arrays: header.update(enterpoint_node=ROWS),
    "an entry that is no number": lambda header, arrays: header.update(enterpoint_node="0"),
    "an entry on a lower level": lambda header, arrays: header.update(
        enterpoint_node=int(np.argmin(arrays["levels"]))
    ),
    "a higher level": lambda header, arrays: header.update(max_level=header["max_level"] + 1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_file_that_leads_outside_of_the_graph_is_refused(index_library, tmp_path, change):
    file = GraphFile(tmp_path / "graph")
    file.write(built("l2"), VECTORS)
    rewritten(file, lambda header, arrays: None)
    assert len(file.read(parameters("l2"), VECTORS)) == ROWS
    rewritten(file, change)
    with pytest.raises(Unusable):
        file.read(parameters("l2"), VECTORS)


def test_a_graph_survives_being_taken_apart(index_library):
    graph = built("l2")
    with graph.image(None) as image:
        first = image.read()
        again = HnswGraph(image, graph.covered)
        with again.image(None) as other:
            second = other.read()
            assert first.entry == second.entry
            for one, two in (
                (np.concatenate(list(first.blocks)), np.concatenate(list(second.blocks))),
                (first.levels, second.levels),
                (first.upper, second.upper),
            ):
                np.testing.assert_array_equal(one, two)


def test_searches_with_one_ef_run_side_by_side_and_one_with_another_waits_its_turn():
    changed, order = [], []
    setting = SharedSetting(changed.append)
    together, waits = threading.Barrier(3), threading.Event()

    def same():
        with setting.at(10):
            together.wait()  # passes only if all three are inside
            waits.wait()
            order.append(10)

    def other():
        with setting.at(20):
            order.append(20)

    with ThreadPoolExecutor() as pool:
        running = [pool.submit(same) for _ in range(2)]
        with setting.at(10):
            together.wait()
            running.append(pool.submit(other))
            waits.set()
            for done in running[:2]:
                done.result()
            order.append(10)
        running[2].result()
    assert order == [10, 10, 10, 20]
    assert changed == [10, 20]


def test_threads_that_ask_for_different_numbers_get_their_own(index_library):
    graph = built("l2", rows=600)

    def asked(k):
        return [graph.search(VECTORS[:1], k, k).shape for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        for k, shapes in zip(range(1, 17), pool.map(asked, range(1, 17)), strict=True):
            assert shapes == [(1, k)] * 20
