"""`cluster` and its result."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

import chromalab
from chromalab.analytics.cluster import Clusters, cluster
from chromalab.errors import ChromalabWarning, InvalidArgumentError
from chromalab.snapshot import Snapshot

GROUPS, EACH = 6, 40
TRUE = np.arange(GROUPS * EACH) // EACH


def blobs(seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(GROUPS, 16))
    return (centers[TRUE] + rng.normal(0, 0.4, (len(TRUE), 16))).astype(np.float32)


@pytest.fixture(scope="module")
def found() -> Clusters:
    texts = [f"text {row} <b>of</b> group {TRUE[row]}" for row in range(len(TRUE))]
    return cluster(Snapshot.of(blobs(), documents=texts))


@pytest.mark.parametrize("options", [{}, {"method": "leiden"}, {"n_clusters": GROUPS}])
def test_planted_clusters_are_found(options: dict[str, Any]) -> None:
    result = cluster(blobs(), **options)
    assert result.n_clusters == GROUPS
    assert adjusted_rand_score(TRUE, result.labels) > 0.98
    assert result.noise == 0
    assert sorted(result.sizes, reverse=True) == result.sizes.tolist()


def test_hdbscan_finds_dense_cores() -> None:
    result = cluster(blobs(), method="hdbscan", min_samples=3)
    clustered = result.labels >= 0
    assert clustered.mean() > 0.5
    assert adjusted_rand_score(TRUE[clustered], result.labels[clustered]) > 0.95
    assert result.probabilities[~clustered].max(initial=0) == 0


@pytest.mark.parametrize("method", ["leiden", "hdbscan", "kmeans"])
def test_the_same_seed_gives_the_same_bytes(method: str) -> None:
    options: dict[str, Any] = {"n_clusters": 5} if method == "kmeans" else {}
    one, other = (cluster(blobs(), method=method, random_state=2, **options) for _ in range(2))
    for name in ("labels", "probabilities", "near", "shares", "tree"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_array_types_are_as_documented(found: Clusters) -> None:
    n = len(TRUE)
    assert (found.labels.dtype, found.labels.shape) == (np.int32, (n,))
    assert (found.probabilities.dtype, found.probabilities.shape) == (np.float32, (n,))
    assert (found.near.dtype, found.near.shape) == (np.int32, (n, 3))
    assert (found.shares.dtype, found.shares.shape) == (np.float32, (n, 3))
    assert (found.tree.dtype, found.tree.shape) == (np.float64, (GROUPS - 1, 3))
    assert len(found.curve["resolution"]) == len(found.curve["stability"]) > 0
    assert found.centroids().shape == (GROUPS, 16)


def test_levels_are_nested_and_independent_of_the_path(found: Clusters) -> None:
    finer = found.labels
    for level, count in enumerate(found.levels):
        coarser = found.at(level).labels
        assert found.at(level).n_clusters == count
        assert all(len(set(coarser[finer == label])) == 1 for label in set(finer))
        finer = coarser
    direct, around = found.at(n_clusters=2), found.at(n_clusters=4).at(n_clusters=2)
    assert np.array_equal(direct.labels, around.labels)
    assert found.at(n_clusters=1).tree.shape == (0, 3)
    assert (found.at(n_clusters=2).probabilities >= found.probabilities).all()


def test_wide_areas_are_unions_of_clusters_and_merge_on() -> None:
    sizes = [60, 60, 60, 60, 20, 20]  # the large ones are nearer to each other than the small ones
    rng = np.random.default_rng(0)
    centers = np.eye(8)[:6] + 0.6 * np.eye(8)[6] * (np.arange(6) < 4)[:, None]
    rows = np.repeat(centers, sizes, axis=0) + rng.normal(0, 0.12, (sum(sizes), 8))
    fine = cluster(rows, min_cluster_size=5, resolution=3.0)
    areas = fine.areas(3)
    assert areas.n_clusters == 3
    assert all(len(set(areas.labels[fine.labels == label])) == 1 for label in fine.numbers)
    assert areas.sizes.max() <= fine.at(n_clusters=3).sizes.max()
    assert areas.tree.shape == (2, 3)
    assert areas.at(n_clusters=1).sizes.tolist() == [areas.sizes.sum()]
    assert fine.areas(99) is fine
    assert areas.parameters["n_clusters"] == 3
    with pytest.raises(InvalidArgumentError, match="n_clusters must be an integer ≥ 1; got 0"):
        fine.areas(0)


def test_cluster_numbers_are_stable_when_records_change(found: Clusters) -> None:
    rows = np.concatenate([blobs()[60:], blobs()[:10], blobs()[60:75] + 0.01])
    ids = [str(row) for row in [*range(60, 240), *range(10)]] + [f"n{row}" for row in range(15)]
    snapshot = Snapshot(ids, rows, rows=np.arange(len(ids)))
    again = cluster(snapshot, previous=found)
    old = dict(zip(found.snapshot.ids, found.labels.tolist(), strict=True))
    same = [old[id] == label for id, label in zip(ids, again.labels, strict=True) if id in old]
    assert np.mean(same) > 0.97
    assert not np.array_equal(cluster(snapshot).labels, again.labels)


def test_new_records_join_the_clusters_of_their_neighbors(found: Clusters) -> None:
    new = found.predict(blobs() + 0.02)
    assert (new.labels == found.labels).mean() > 0.98
    assert new.probabilities.min() > 0.5
    strange = found.predict(-blobs()[:1] * 0 + np.eye(16, dtype=np.float32)[:1] * 0)
    assert strange.labels.tolist() == [-1]
    assert found.predict(np.zeros((0, 16))).labels.shape == (0,)
    away = found.predict(-found.centroids().mean(axis=0))
    assert away.labels.tolist() == [-1]
    assert list(new.df().columns) == ["label", "probability", "distance"]


def test_invalid_new_vectors_raise(found: Clusters) -> None:
    with pytest.raises(
        InvalidArgumentError, match="must have 16 dimensions, as the known ones do; got 3"
    ):
        found.predict([[1, 2, 3]])
    with pytest.raises(InvalidArgumentError, match="There is no embedding function"):
        found.predict(["tea"])
    with pytest.raises(InvalidArgumentError, match="finite numbers"):
        found.predict([[np.nan] * 16])


def test_new_texts_are_embedded_with_the_collections_function() -> None:
    facts = chromalab.EphemeralClient().create_collection("facts")
    _ = facts.add_from(chromalab.datasets.load("facts"))
    result = cluster(facts, min_cluster_size=5)
    row = int(result.probabilities.argmax())
    new = result.predict(result.snapshot.document(row))
    assert new.labels.tolist() == [result.labels[row]]


def test_merge_and_split_keep_the_other_numbers(found: Clusters) -> None:
    merged = found.merge([1, 3])
    assert merged.numbers.tolist() == [0, 1, 2, 4, 5]
    assert merged.sizes.tolist() == [40, 80, 40, 40, 40]
    assert merged.tree.shape == (4, 3)
    split = merged.split(1)
    assert adjusted_rand_score(TRUE, split.labels) > 0.98
    assert split.n_clusters == 6
    others = merged.labels != 1
    assert np.array_equal(split.labels[others], merged.labels[others])
    assert split.at(n_clusters=2).numbers.tolist() == [0, 1]
    with pytest.raises(InvalidArgumentError, match="No cluster 9"):
        found.merge([0, 9])


def test_a_comparison_counts_shared_records(found: Clusters) -> None:
    same = found.compare(found)
    assert (same.ari, same.ami, same.n) == (1.0, 1.0, len(TRUE))
    coarse = found.compare(found.at(n_clusters=3))
    assert 0 < coarse.ari < 1
    assert coarse.pairs[:, 2].sum() == len(TRUE)
    assert "ARI" in repr(coarse)
    named = found.compare([f"g{label}" for label in TRUE])
    assert named.ari > 0.98
    assert set(named.df()["other"]) <= {f"g{label}" for label in TRUE}  # names, not numbers
    assert "g0" in repr(named)
    with pytest.raises(InvalidArgumentError, match="got 2 labels for 240 records"):
        found.compare([1, 2])


def test_duplicates_share_a_cluster_and_are_counted() -> None:
    rows = np.concatenate([blobs(), np.repeat(blobs()[:1], 160, axis=0)])  # 40% duplicates
    result = cluster(rows)
    assert len(set(result.labels[240:])) == 1
    assert result.labels[0] == result.labels[-1] == 0
    assert result.sizes.sum() == 400
    assert adjusted_rand_score(TRUE, result.labels[:240]) > 0.95


@pytest.mark.parametrize("method", ["leiden", "hdbscan", "kmeans"])
@pytest.mark.parametrize(
    "rows",
    [
        np.zeros((0, 4)),
        np.zeros((1, 4)),
        np.ones((1, 4)),
        np.eye(2),
        np.zeros((50, 4)),
        np.ones((50, 4)),
        np.eye(7, dtype=np.float16),
        np.concatenate([np.zeros((20, 3)), np.eye(3)]),
        np.outer(np.arange(1, 40), np.ones(3)),
    ],
    ids=["none", "zero", "one", "two", "zeros", "same", "apart", "some", "line"],
)
def test_bad_data_gives_noise_or_one_cluster(method: str, rows: NDArray[Any]) -> None:
    options: dict[str, Any] = {"n_clusters": 3} if method == "kmeans" else {}
    result = cluster(rows, method=method, **options)
    assert result.labels.shape == (len(rows),)
    zero = ~np.asarray(rows, dtype=float).any(axis=1)
    assert (result.labels[zero] == -1).all()
    assert result._repr_html_()
    assert repr(result)
    assert len(result.df()) == len(rows)
    assert result.at(0) is result
    assert result.centroids().shape == (result.n_clusters, rows.shape[1])
    if len(rows):
        assert len(result.predict(rows[:1])) == 1


def test_hdbscan_finds_one_cluster_in_records_of_one_direction() -> None:
    lengths = np.outer(np.arange(1, 101), [1.0, 2.0, 3.0])
    for vectors in (np.ones((50, 4)), lengths):
        found = cluster(vectors, method="hdbscan", progress=False)
        assert found.sizes.tolist() == [len(vectors)]
        assert (found.probabilities == 1).all()
    few = cluster(np.ones((10, 4)), method="hdbscan", min_cluster_size=11, progress=False)
    assert (few.labels == -1).all()


def test_equal_vectors_are_one_cluster() -> None:
    result = cluster(np.ones((50, 4)))
    assert result.sizes.tolist() == [50]
    assert result.probabilities.min() == 1


def test_user_text_is_escaped(found: Clusters) -> None:
    shown = found._repr_html_()
    assert "<b>of</b>" not in shown
    assert html.escape("<b>of</b>") in shown
    assert "probability" in repr(found)
    assert found.records(0)[0] in found.snapshot.ids
    assert len(found.records(0)) == found.sizes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "dbscan"}, "Did you mean 'hdbscan'"),
        ({"method": "kmeans"}, "method='kmeans' needs n_clusters"),
        ({"method": "hdbscan", "n_clusters": 3}, "hdbscan finds the number of clusters"),
        ({"n_clusters": 0}, "integer ≥ 1; got 0"),
        ({"resolution": -1}, "above 0; got -1"),
        ({"noise": 2}, "from 0 to 1; got 2"),
        ({"min_cluster_size": True}, "got True"),
        ({"method": "hdbscan", "resolution": 2}, "resolution goes with method='leiden'; got"),
        ({"n_clusters": 3, "resolution": 2}, "resolution goes with method='leiden'; got"),
        ({"min_samples": 3}, "min_samples goes with method='hdbscan'; got min_samples=3"),
        ({"n_clusters": 3, "min_cluster_size": 5}, "goes with method='leiden' or 'hdbscan'"),
    ],
)
def test_invalid_arguments_raise_with_their_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        cluster(blobs(), **options)


@pytest.mark.parametrize(("level", "n_clusters"), [(None, None), (0, 3), (9, None), (None, 99)])
def test_invalid_levels_raise(found: Clusters, level: int | None, n_clusters: int | None) -> None:
    with pytest.raises(InvalidArgumentError):
        found.at(level, n_clusters=n_clusters)


def test_clusters_of_banking77_match_its_intents() -> None:
    file = Path(__file__).parents[4] / "shared" / "data" / "banking77" / "test.csv"
    if not file.exists():
        pytest.skip("the shared data, with the test part of banking77, is not here")
    import csv

    from chromalab.embed import WordLlama

    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    vectors = np.vstack(
        [
            WordLlama()([row["text"] for row in rows[at : at + 512]])
            for at in range(0, len(rows), 512)
        ]
    )
    result = cluster(vectors)
    agreement = result.compare([row["category"] for row in rows])
    assert agreement.ami > 0.68
    assert result.noise < 0.1


def test_predict_uses_the_stored_embedding_function(tmp_path):
    import chromalab

    with chromalab.PersistentClient(tmp_path / "store") as client:
        facts = client.create_collection("facts", embedding_function=chromalab.embed.WordLlama())
        facts.add_from(chromalab.datasets.load("facts"), progress=False)
    with chromalab.PersistentClient(tmp_path / "store") as client:
        found = client.get_collection("facts").cluster(n_clusters=4, progress=False)
        text = found.snapshot.document(3)
        assert found.predict(text).labels.tolist() == [found.labels[3]]


def test_leaf_selects_the_finest_hdbscan_clusters() -> None:
    group, part = np.divmod(np.arange(9), 3)
    centers = np.eye(14)[group] + 0.3 * np.eye(14)[3 + 3 * group + part]
    rows = np.repeat(centers, 40, axis=0) + np.random.default_rng(0).normal(0, 0.08, (360, 14))
    whole, leaves = (
        cluster(rows, method="hdbscan", min_samples=3, leaf=leaf) for leaf in (False, True)
    )
    assert whole.n_clusters == 3
    assert leaves.n_clusters > 3
    with pytest.raises(InvalidArgumentError, match="hdbscan"):
        cluster(rows, leaf=True)


def test_fewer_clusters_than_requested_give_a_warning() -> None:
    with pytest.warns(
        ChromalabWarning, match="of n_clusters=500 clusters were found. A higher resolution"
    ):
        assert cluster(blobs(), method="leiden", n_clusters=500).n_clusters < 500
    with pytest.warns(ChromalabWarning, match="Only 3 of n_clusters=9 clusters were found"):
        cluster(np.eye(3), n_clusters=9)


def test_previous_must_be_clusters() -> None:
    with pytest.raises(InvalidArgumentError, match=r"earlier Clusters; got \[1, 2\]"):
        cluster(blobs(), previous=[1, 2])  # type: ignore[arg-type]


def test_previous_with_leiden_and_n_clusters_raises(found: Clusters) -> None:
    with pytest.raises(InvalidArgumentError, match="previous does not go with n_clusters"):
        cluster(blobs(), method="leiden", n_clusters=3, previous=found)
    assert cluster(blobs(), n_clusters=GROUPS, previous=found).n_clusters == GROUPS


def test_clusters_are_compared_with_metadata(tmp_path: Path) -> None:
    with chromalab.PersistentClient(tmp_path / "store") as client:
        points = client.create_collection("points", embedding_function=None)
        kinds = [{"kind": f"k{at}"} if row % 2 else None for row, at in enumerate(TRUE)]
        points.add(ids=[str(row) for row in range(len(TRUE))], embeddings=blobs(), metadatas=kinds)
        result = points.cluster(progress=False)
        same = result.compare("kind")
        assert same.n == len(TRUE) // 2
        assert same.ari > 0.98
        with pytest.raises(InvalidArgumentError, match="Did you mean 'kind'"):
            result.compare("knid")
        for seed in (None, -1, 2**32, 10**30):
            with pytest.raises(
                InvalidArgumentError, match="random_state must be an integer from 0"
            ):
                points.cluster(random_state=seed, progress=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("heaps", "copies", "dimension"),
    [(2, 500, 3), (3, 1000, 32), (9, 100, 64), (3, 20, 32), (3, 10, 8), (60, 30, 64)],
)
def test_a_text_with_many_copies_is_a_cluster(heaps: int, copies: int, dimension: int) -> None:
    directions = np.random.default_rng(0).normal(size=(heaps, dimension)).astype(np.float32)
    found = cluster(np.repeat(directions, copies, axis=0), progress=False)
    assert found.sizes.tolist() == [copies] * heaps
    assert (found.labels.reshape(heaps, copies) == found.labels[::copies, None]).all()


def test_vectors_of_one_direction_and_many_lengths_are_one_cluster() -> None:
    random = np.random.default_rng(0)
    lengths = random.uniform(0.01, 100, size=(300, 1))
    directions = random.normal(size=(3, 16))
    one = cluster((directions[:1] * lengths[:100]).astype(np.float32), progress=False)
    assert one.sizes.tolist() == [100]
    three = cluster(
        (np.repeat(directions, 100, axis=0) * lengths).astype(np.float32), progress=False
    )
    assert three.sizes.tolist() == [100, 100, 100]


def test_a_heap_among_its_variants_stays_with_them() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(random.normal(size=(4, 16)) * 3, 150, axis=0)
    groups += random.normal(size=groups.shape) * 0.5
    near, far = (
        np.repeat(groups[:1], 200, axis=0),
        np.repeat(random.normal(size=(1, 16)), 200, axis=0),
    )
    for heap, sizes in ((near, [350, 150, 150, 150]), (far, [200, 150, 150, 150, 150])):
        found = cluster(np.concatenate([groups, heap]).astype(np.float32), progress=False)
        assert found.sizes.tolist() == sizes
