"""Maps without numba; those that need it are in test_project_maps.py."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

import chromalab
from chromalab.analytics.graph import graph_of
from chromalab.analytics.project import project, warm
from chromalab.analytics.project.affinities import (
    conditional_probabilities,
    fuzzy_graph,
    joint_probabilities,
    memberships,
)
from chromalab.analytics.project.alignment import procrustes
from chromalab.analytics.project.initialization import interpolated, with_isolated_nodes
from chromalab.analytics.project.packages import import_optional
from chromalab.analytics.project.pca import principal_components, unit_vectors
from chromalab.analytics.project.projection import place_new
from chromalab.analytics.project.projector import MapOptions, make_map
from chromalab.analytics.project.quality import map_neighbors, measure_quality, trustworthiness
from chromalab.errors import InvalidArgumentError, MissingDependencyError
from chromalab.snapshot import Snapshot

SEEDS = st.integers(0, 2**20)


def cloud(n, dimension=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32)


def groups(n=120, count=4, seed=0):
    middles = cloud(count, 10, seed) * 4
    return middles[np.arange(n) % count] + cloud(n, 10, seed + 1)


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(5, 60), st.integers(2, 100))
def test_components_match_scikit_learn(seed, n, dimension):
    vectors = cloud(n, dimension, seed) * np.linspace(3, 1, dimension, dtype=np.float32)
    ours = principal_components(vectors, 2)
    theirs = PCA(2, svd_solver="full").fit(vectors.astype(np.float64))
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_, atol=1e-4)
    gaps = theirs.explained_variance_ratio_
    if gaps[0] - gaps[1] > 0.02:  # otherwise any rotation of the two is as good
        first = theirs.transform(vectors)[:, 0]
        place = ours.project(vectors)[:, 0]
        assert min(np.abs(place - first).max(), np.abs(place + first).max()) < 0.05


def test_the_largest_entry_of_a_component_is_positive():
    axes = principal_components(cloud(50), 3).axes
    assert (axes[np.arange(3), np.abs(axes).argmax(axis=1)] > 0).all()


def slow_memberships(row):
    """Compute the weights of one node as umap does."""
    nearest = min([d for d in row if d > 0], default=0.0)
    low, high, scale = 0.0, np.inf, 1.0
    for _ in range(64):
        total = sum(np.exp(-max(d - nearest, 0) / scale) for d in row)
        if abs(total - np.log2(len(row) + 1)) < 1e-5:
            break
        if total > np.log2(len(row) + 1):
            high = scale
        else:
            low = scale
        scale = scale * 2 if high == np.inf else (low + high) / 2
    scale = max(scale, 1e-3 * np.sum(row) / (len(row) + 1))
    return [np.exp(-max(d - nearest, 0) / scale) for d in row]


@settings(deadline=None)
@given(SEEDS, st.integers(2, 20))
def test_memberships_match_brute_force(seed, k):
    distances = np.sort(np.random.default_rng(seed).random((4, k)), axis=1).astype(np.float32)
    found = memberships(distances)
    for row, weights in zip(distances, found, strict=True):
        np.testing.assert_allclose(weights, slow_memberships(row), atol=1e-4)


@settings(deadline=None)
@given(SEEDS, st.integers(6, 30), st.floats(1.5, 5.0))
def test_conditional_probabilities_have_the_perplexity(seed, k, perplexity):
    distances = np.random.default_rng(seed).random((5, k)).astype(np.float32)
    shares = conditional_probabilities(np.sort(distances, axis=1), perplexity)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1)
    np.testing.assert_allclose(np.exp(entropy), min(perplexity, max(k / 3, 1)), rtol=1e-3)
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_weights_leave_missing_neighbors_out():
    neighbors = np.array([[1, 2], [0, -1], [0, -1], [-1, -1]], dtype=np.int32)
    distances = np.where(neighbors >= 0, 0.5, np.inf).astype(np.float32)
    for made in (fuzzy_graph(neighbors, distances), joint_probabilities(neighbors, distances, 5)):
        dense = made.toarray()
        assert np.isfinite(dense).all()
        np.testing.assert_array_equal(dense, dense.T)
        assert (dense > 0).sum() == 4
        assert not dense[3].any()


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(5, 60))
def test_trustworthiness_matches_scikit_learn(seed, n):
    vectors, coordinates = unit_vectors(cloud(n, 6, seed)), cloud(n, 2, seed + 1)
    k = min(15, (n - 1) // 2)
    ours = trustworthiness(vectors, map_neighbors(coordinates, k), np.arange(n))
    theirs = sklearn_trustworthiness(vectors, coordinates, n_neighbors=k, metric="cosine")
    assert ours == pytest.approx(theirs, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(2, 50))
def test_measures_of_single_records_match_brute_force(seed, n):
    vectors, coordinates = cloud(n, 5, seed), cloud(n, 2, seed + 1)
    graph = graph_of(Snapshot.of(vectors), k=30)
    found = measure_quality(graph, unit_vectors(vectors), coordinates, random_state=0)
    k = min(15, n - 1)
    for node in range(n):
        away = np.linalg.norm(coordinates - coordinates[node], axis=1)
        on_map = set(np.argsort(away)[1 : k + 1].tolist())
        true = [other for other in graph.neighbors[node].tolist() if other >= 0]
        assert found.neighbor_recalls[node] == pytest.approx(
            len(on_map & set(true[:k])) / len(true[:k])
        )
        assert found.local_trustworthiness[node] == pytest.approx(len(on_map & set(true)) / k)


def test_sampled_trustworthiness_is_close_to_the_exact_value():
    vectors = unit_vectors(cloud(2600, 6))
    coordinates = principal_components(vectors, 2).project(vectors)
    graph = graph_of(Snapshot.of(vectors), k=30)
    found = measure_quality(graph, vectors, coordinates, random_state=0)
    whole = trustworthiness(vectors, map_neighbors(coordinates, 15), np.arange(2600))
    assert found.sampled == 2000
    assert found.trustworthiness == pytest.approx(whole, abs=0.01)
    assert found.trustworthiness != whole


def test_coinciding_points_find_other_points():
    near = map_neighbors(np.zeros((40, 2), dtype=np.float32), 5)
    assert (near != np.arange(40)[:, None]).all()


@settings(deadline=None)
@given(SEEDS, st.integers(3, 20), st.sampled_from([2, 3]), st.booleans())
def test_procrustes_inverts_a_similarity_transform(seed, n, dims, mirrored):
    draw = np.random.default_rng(seed)
    coordinates = draw.normal(size=(n, dims)).astype(np.float32)
    turn = np.linalg.qr(draw.normal(size=(dims, dims)))[0]
    if mirrored:
        turn[:, 0] *= -1
    moved = (2.5 * coordinates @ turn + draw.normal(size=dims)).astype(np.float32)
    np.testing.assert_allclose(procrustes(moved, coordinates)(moved), coordinates, atol=1e-3)


def test_isolated_nodes_surround_the_others():
    coordinates = cloud(50, 3)
    linked = np.ones(60, dtype=bool)
    linked[::6] = False
    every = with_isolated_nodes(coordinates, linked)
    away = np.linalg.norm(every - coordinates.mean(axis=0), axis=1)
    assert away[~linked].min() > away[linked].max()
    assert len(np.unique(every[~linked].round(4), axis=0)) == 10


def test_new_nodes_start_at_the_mean_of_their_neighbors():
    known = np.array([[0, 0], [2, 2], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2])
    neighbors = np.array([[1, -1], [0, -1], [0, 1], [2, -1], [-1, -1]], dtype=np.int32)
    assert interpolated(known, neighbors)[2:].tolist() == [[1, 1], [1, 1], [1, 1]]


def test_a_pca_map_has_measures_of_its_quality():
    found = project(groups(), method="pca", dims=3)
    assert found.coordinates.shape == (120, 3)
    assert found.coordinates.dtype == np.float32
    assert 0.5 < found.trustworthiness < 1
    assert 0 < found.neighbor_recall < 1
    assert sum(found.explained) < 1
    assert found.neighbor_recalls.mean() == pytest.approx(found.neighbor_recall)
    assert "trustworthiness@15" in repr(found)
    assert list(found.df().columns) == ["id", "x", "y", "z", "trustworthiness", "document"]
    assert set(found.columns("map")) == {"map_x", "map_y", "map_z"}
    found.check()


def test_pca_coordinates_new_records_like_the_original_ones():
    vectors = groups()
    found = project(vectors, method="pca")
    np.testing.assert_allclose(found.transform(vectors), found.coordinates, atol=1e-4)


def test_equal_vectors_have_equal_coordinates():
    vectors = np.repeat(groups(30), 3, axis=0)
    found = project(vectors, method="pca")
    np.testing.assert_array_equal(found.coordinates[::3], found.coordinates[2::3])


def test_new_records_are_placed_among_their_nearest_records():
    vectors, coordinates = groups(200), cloud(200, 2)
    assert np.abs(place_new(vectors[:5], vectors, coordinates, 15) - coordinates[:5]).max() < 1e-6
    between = place_new(vectors[:5] + 0.1, vectors, coordinates, 1)
    assert np.abs(between - coordinates[:5]).max() < 1e-6
    np.testing.assert_allclose(
        place_new(np.zeros((1, 10), dtype=np.float32), vectors, coordinates, 15)[0],
        coordinates.mean(axis=0),
        atol=1e-6,
    )
    assert place_new(vectors[:2], vectors[:0], coordinates[:0], 15).tolist() == [[0, 0], [0, 0]]


def test_an_aligned_map_matches_the_earlier_one():
    vectors = cloud(160, 10) * np.array([9, 5, *[1] * 8], dtype=np.float32)
    ids = [f"r{row}" for row in range(160)]
    earlier = project(Snapshot(ids[:120], vectors[:120]), method="pca")
    turned = vectors[40:] @ np.linalg.qr(cloud(10, 10))[0]
    now = Snapshot(ids[40:], turned.astype(np.float32))
    plain = project(now, method="pca")
    aligned = project(now, method="pca", align_to=earlier)
    before = earlier.coordinates[40:]
    assert np.abs(aligned.coordinates[:80] - before).mean() < 1
    assert np.abs(plain.coordinates[:80] - before).mean() > 3
    np.testing.assert_allclose(aligned.transform(turned), aligned.coordinates, atol=1e-4)


def test_a_map_without_shared_records_is_not_aligned():
    earlier = project(Snapshot(["a", "b", "c"], cloud(3)), method="pca")
    with pytest.warns(match="shares no record"):
        found = project(cloud(20), method="pca", align_to=earlier)
    np.testing.assert_array_equal(found.coordinates, project(cloud(20), method="pca").coordinates)


BAD = {
    "none": np.zeros((0, 4)),
    "no dimension": [],
    "one": cloud(1),
    "two": cloud(2),
    "three": cloud(3),
    "one dimension": cloud(20, 1),
    "zero vectors": np.zeros((5, 4)),
    "zero vectors among others": np.vstack([cloud(30, 4), np.zeros((3, 4))]),
    "identical": np.ones((40, 4)),
    "two vectors": np.repeat(np.eye(4)[:2], 20, axis=0),
    "many equal vectors": np.vstack([np.repeat(cloud(1, 4), 40, axis=0), cloud(60, 4)]),
    "float16": cloud(50).astype(np.float16),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
@pytest.mark.parametrize("dims", [2, 3])
def test_degenerate_data_has_a_map(data, dims):
    found = project(data, method="pca", dims=dims)
    assert found.coordinates.shape == (len(data), dims)
    assert np.isfinite(found.coordinates).all()
    assert 0 <= found.trustworthiness <= 1
    assert 0 <= found.neighbor_recall <= 1
    assert repr(found)
    assert found._repr_html_()
    assert len(found.df()) == len(data)
    found.check()


@pytest.mark.parametrize("method", ["umap", "tsne", "pacmap"])
@pytest.mark.parametrize("data", [np.zeros((0, 4)), cloud(1), cloud(3), np.ones((40, 4))])
def test_data_too_small_to_lay_out_needs_no_package(method, data):
    found = project(data, method=method)
    assert found.coordinates.shape == (len(data), 2)
    assert np.isfinite(found.coordinates).all()


@pytest.mark.parametrize(
    "options",
    [
        {"method": "mds"},
        {"method": ["pca"]},
        {"dims": 4},
        {"n_neighbors": 1},
        {"n_neighbors": 15.0},
        {"epochs": 0},
        {"min_dist": -1},
        {"min_dist": "0"},
        {"perplexity": float("nan")},
        {"random_state": -1},
        {"align_to": "earlier"},
    ],
)
def test_invalid_arguments_raise(options):
    with pytest.raises(InvalidArgumentError):
        project(cloud(5), **options)


@pytest.mark.parametrize(
    ("method", "option"),
    [
        ("pca", {"n_neighbors": 20}),
        ("tsne", {"n_neighbors": 20}),
        ("pacmap", {"min_dist": 0.5}),
        ("umap", {"perplexity": 5.0}),
        ("pca", {"epochs": 10}),
    ],
)
def test_an_option_that_the_method_does_not_use_raises(method, option):
    with pytest.raises(InvalidArgumentError, match=f"{next(iter(option))} needs the method"):
        project(cloud(9), method, **option)


def test_an_earlier_map_must_have_the_same_dimensions():
    earlier = project(cloud(9), method="pca", dims=3)
    with pytest.raises(InvalidArgumentError, match="dims=3"):
        project(cloud(9), method="pca", align_to=earlier)


@pytest.mark.parametrize("new", [cloud(2, 5), cloud(2)[0, :5], "text", [[float("nan")] * 8]])
def test_invalid_new_records_raise(new):
    with pytest.raises(InvalidArgumentError):
        project(cloud(9), method="pca").transform(new)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(MissingDependencyError, match=r"Run pip install openTSNE\."):
        import_optional("openTSNE")
    with pytest.raises(MissingDependencyError, match="openTSNE"):
        project(groups(), method="tsne")


def test_plots_show_any_text_verbatim():
    names = ["$x^2$", "_hidden", "<b>bold</b>", None] * 30
    found = project(groups(), method="pca")
    axes = found.plot(color=names)
    texts = axes.get_legend().get_texts()
    assert len(texts) == 4
    assert not any(text.get_parse_math() for text in texts)
    axes.figure.savefig("/dev/null", format="png")
    assert project(groups(), method="pca", dims=3).plot(color=np.arange(120.0)).name == "3d"
    with pytest.raises(InvalidArgumentError, match="got 7 values for 120"):
        found.plot(color=range(7))


def test_plots_color_records_by_id_and_keep_those_without_a_value():
    found = project(groups(), method="pca")
    colors = {id: row / 2 for row, id in enumerate(found.ids) if row}
    (points,) = found.plot(color=dict(reversed(colors.items()))).collections
    assert np.ma.filled(points.get_array(), -1.0).tolist() == [-1.0, *colors.values()]
    names = ["tea", "", float("nan"), None] * 30
    texts = found.plot(color=names).get_legend().get_texts()
    assert sorted(text.get_text().strip("\u200b") for text in texts) == ["none", "tea"]


def test_frames_are_read_only():
    frames = []
    snapshot = Snapshot.of(groups())
    graph = graph_of(snapshot, k=30)
    make_map(
        snapshot,
        graph,
        MapOptions("pca"),
        on_frame=lambda at, done, total: frames.append((at, done, total)),
    )
    assert len(frames) == 1
    assert not frames[0][0].flags.writeable


def test_unknown_packages_are_not_compiled():
    assert warm(("json", "no such package")) is False


def test_new_records_may_be_a_text_or_one_vector(tmp_path):
    with chromalab.PersistentClient(tmp_path / "store") as client:
        facts = client.create_collection("facts", embedding_function=chromalab.embed.WordLlama())
        facts.add_from(chromalab.datasets.load("facts"), progress=False)
        found = facts.project("pca", progress=False)
        expected = found.coordinates[2:3]
        np.testing.assert_allclose(found.transform(found.snapshot.document(2)), expected, atol=1e-4)
        np.testing.assert_allclose(found.transform(found.snapshot.vectors[2]), expected, atol=1e-4)
        with pytest.raises(InvalidArgumentError, match="No record has the metadata key 'clusster'"):
            found.plot(color="clusster")


def test_principal_components_of_vectors_at_the_end_of_float32_are_those_of_smaller_ones():
    vectors = np.clip(cloud(100), -3, 3)
    usual, huge = project(vectors, method="pca"), project(vectors * np.float32(1e38), method="pca")
    assert np.isfinite(huge.coordinates).all()
    scale = huge.coordinates[0, 0] / usual.coordinates[0, 0]
    np.testing.assert_allclose(huge.coordinates, usual.coordinates * scale, rtol=1e-3, atol=1e-5)
    assert huge.trustworthiness == pytest.approx(usual.trustworthiness, abs=0.01)
    placed = huge.transform(vectors[:3] * np.float32(1e38))
    np.testing.assert_allclose(placed, huge.coordinates[:3], rtol=1e-4)
