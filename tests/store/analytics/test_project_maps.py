"""Maps by packages that numba compiles: about forty seconds with an empty cache, a few seconds later."""

import numpy as np
import pytest

from chromalab.analytics.graph import graph_of
from chromalab.analytics.project import project, warm
from chromalab.analytics.project.affinities import fuzzy_graph, memberships
from chromalab.analytics.project.layouts import _compiled, umap_epochs, umap_start
from chromalab.analytics.project.packages import (
    compile_cache_folder,
    import_optional,
    use_compile_cache,
)
from chromalab.errors import ChromalabWarning
from chromalab.snapshot import Snapshot

pytestmark = pytest.mark.xdist_group("maps")  # one process compiles

METHODS = ["umap", "tsne", "pacmap"]


def groups(n=200, count=5):
    draw = np.random.default_rng(0)
    middles = draw.normal(size=(count, 16)) * 2
    return (middles[np.arange(n) % count] + draw.normal(size=(n, 16))).astype(np.float32)


IDS = [f"r{row}" for row in range(200)]


@pytest.fixture(scope="module")
def maps():
    """A map by each method, with the frames that led to it."""
    made = {}
    for method in METHODS:
        frames = []
        found = project(
            groups(),
            method=method,
            epochs=60,
            on_frame=lambda at, done, total, to=frames: to.append((at, done, total)),
        )
        made[method] = found, frames
    return made


@pytest.mark.parametrize("method", METHODS)
def test_a_map_preserves_neighbors_better_than_pca(maps, method):
    found, frames = maps[method]
    chance = project(groups(), method="pca")
    assert found.trustworthiness > chance.trustworthiness
    assert found.neighbor_recall > chance.neighbor_recall
    assert np.isfinite(found.coordinates).all()
    assert found.parameters["epochs"] == 60
    assert not found.interrupted
    assert [done for _, done, _ in frames] == [*range(0, 60, 3), 60]
    assert all(total == 60 and not at.flags.writeable for at, _, total in frames)
    np.testing.assert_array_equal(frames[-1][0], found.coordinates)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_map(maps, method):
    again = project(groups(), method=method, epochs=60)
    np.testing.assert_array_equal(again.coordinates, maps[method][0].coordinates)
    other = project(groups(), method=method, epochs=60, random_state=1)
    assert (other.coordinates != again.coordinates).any()


@pytest.mark.parametrize("method", METHODS)
def test_an_interrupted_map_is_that_of_the_last_epoch(maps, method):
    def stop(at, done, total):
        if done == 6:
            raise KeyboardInterrupt

    with pytest.warns(ChromalabWarning, match="Interrupted after 6 of 60 epochs"):
        found = project(groups(), method=method, epochs=60, on_frame=stop)
    assert found.interrupted
    assert found.parameters["epochs"] == 6
    np.testing.assert_array_equal(found.coordinates, maps[method][1][2][0])
    assert "interrupted" in repr(found)


@pytest.mark.parametrize("method", METHODS)
def test_aligned_maps_keep_the_coordinates_of_shared_records(method):
    vectors = groups()
    earlier = project(Snapshot(IDS[:160], vectors[:160]), method=method)
    now = Snapshot(IDS[40:], vectors[40:])
    before = earlier.coordinates[40:]

    def moved(found):
        return np.linalg.norm(found.coordinates[:120] - before, axis=1).mean()

    plain = project(now, method=method, random_state=1)
    aligned = project(now, method=method, random_state=1, align_to=earlier)
    assert moved(aligned) < 0.5 * moved(plain)
    assert aligned.trustworthiness > plain.trustworthiness - 0.02


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "data",
    [
        groups(5),
        np.vstack([groups(30), np.zeros((4, 16))]),
        np.vstack([np.repeat(groups(1), 30, axis=0), groups(40)]),
        np.repeat(np.eye(4), 10, axis=0),
        groups(24).astype(np.float16),
    ],
    ids=["five", "zero vectors", "equal vectors", "four vectors", "float16"],
)
def test_degenerate_data_has_a_map(method, data):
    found = project(data, method=method, dims=3, epochs=10)
    assert found.coordinates.shape == (len(data), 3)
    assert np.isfinite(found.coordinates).all()
    assert np.isfinite(found.transform(np.asarray(data)[:3])).all()


def test_a_known_record_is_placed_at_its_coordinates(maps):
    found = maps["umap"][0]
    np.testing.assert_allclose(found.transform(groups()[:9]), found.coordinates[:9], atol=1e-5)


def test_weights_match_umap():
    umap = import_optional("umap.umap_")
    distances = np.sort(np.random.default_rng(0).random((60, 14)), axis=1).astype(np.float32)
    own = np.zeros((60, 1), dtype=np.float32)
    with_own = np.hstack([own, distances])
    # The uncompiled function, because compilation takes longer than this test.
    scale, nearest = umap.smooth_knn_dist.py_func(with_own, 15.0)
    theirs = np.exp(-np.maximum(distances - nearest[:, None], 0) / scale[:, None])
    np.testing.assert_allclose(memberships(distances), theirs, atol=1e-5)


def test_single_epochs_match_umap(monkeypatch):
    layouts, umap = import_optional("umap.layouts"), import_optional("umap.umap_")
    graph = graph_of(Snapshot.of(groups()), k=14)
    weights = fuzzy_graph(graph.neighbors, graph.distances)
    start = umap_start(groups()[:, :2], 0)
    *_, ours = umap_epochs(weights, start, epochs=30, min_dist=0.1, random_state=0, decay=1)

    # Run umap's own loop around the same step. umap compiles the step in every process.
    name = "_get_optimize_layout_euclidean_single_epoch_fn"
    monkeypatch.setattr(layouts, name, lambda parallel: _compiled())
    edges = weights.tocoo()
    strong = edges.data >= edges.data.max() / 30.0
    a, b = umap.find_ab_params(1.0, 0.1)
    info = np.iinfo(np.int32)
    seeds = np.random.RandomState(0).randint(info.min, info.max, 3).astype(np.int64)
    theirs = start.copy()
    layouts.optimize_layout_euclidean(
        theirs,
        theirs,
        edges.row[strong],
        edges.col[strong],
        30,
        len(theirs),
        umap.make_epochs_per_sample(edges.data[strong], 30),
        np.float32(a),
        np.float32(b),
        seeds,
        gamma=np.float32(1),
        initial_alpha=np.float32(1),
        move_other=True,
    )
    np.testing.assert_array_equal(ours, theirs)


def test_compiled_packages_are_not_compiled_again(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("CHROMALAB_CACHE", str(tmp_path))
    use_compile_cache()  # without effect here, because numba is imported
    folder = compile_cache_folder()
    folder.mkdir(parents=True)
    (folder / "umap.compiled").touch()
    assert warm(("umap",)) is False
