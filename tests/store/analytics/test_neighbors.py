"""`neighbors` against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import chromalab
from chromalab.analytics import neighbors
from chromalab.errors import InvalidArgumentError


def slow(vectors, k):
    """Compute the distances of the k nearest neighbors per row in float64; zero rows have none."""
    vectors = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1)
    found = []
    for row in range(len(vectors)):
        far = []
        for other in range(len(vectors)):
            if other == row:
                continue
            if np.array_equal(vectors[row], vectors[other]):
                far.append(0.0)
            elif lengths[row] and lengths[other]:
                far.append(1 - vectors[row] @ vectors[other] / lengths[row] / lengths[other])
        found.append(sorted(far)[:k])
    return found


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(0, 30), st.integers(1, 4)),
        elements=st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]),
    ),
    st.integers(1, 12),
)
@settings(deadline=None)
def test_matches_brute_force(vectors, k):
    found = neighbors(vectors, k=k)
    assert found.indices.shape == (len(vectors), k)
    for row, far in enumerate(slow(vectors, k)):
        there = found.indices[row] >= 0
        assert row not in found.indices[row]
        assert len(set(found.indices[row][there])) == there.sum() == len(far)
        np.testing.assert_allclose(found.distances[row][there], far, atol=2e-6)
        assert np.all(np.isinf(found.distances[row][~there]))


def test_knn_graph_matches_scikit_learn():
    from sklearn.neighbors import kneighbors_graph

    rows = np.random.default_rng(0).normal(size=(60, 5))
    ours = neighbors(rows, k=4).knn_graph().toarray()
    theirs = kneighbors_graph(rows, 4, mode="distance", metric="cosine").toarray()
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_display_escapes_user_text(client):
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(
        ids=["<b>", "b", "c"],
        embeddings=[[1, 0], [1, 0.1], [0, 1]],
        documents=["<script>alert(1)</script>", "tea\x1b[31m", None],
    )
    found = notes.neighbors(k=1)
    assert "<script>" not in found._repr_html_()
    assert "\x1b" not in repr(found)
    assert "exact" in repr(found)
    assert found.of("c") == [("b", pytest.approx(0.9005, abs=1e-4))]
    assert found.df()["neighbor"].tolist() == ["b", "<b>", "b"]
    with pytest.raises(InvalidArgumentError, match="No record"):
        found.of("missing")
    found.into("near")
    assert notes.get(ids=["c"])["metadatas"] == [{"near": ["b"]}]


@pytest.mark.parametrize("k", [0, -1, 201, 1.5, "3", None])
def test_an_invalid_k_raises(k):
    with pytest.raises(InvalidArgumentError, match="k must be an integer"):
        neighbors(np.eye(3), k=k)


def test_collections_of_chromadb_can_be_analyzed(tmp_path):
    chromadb = pytest.importorskip("chromadb", reason="Chroma itself is in the bench group only")
    theirs = chromadb.PersistentClient(str(tmp_path)).create_collection(
        "rows", embedding_function=None
    )
    theirs.add(
        ids=["a", "b", "c"], embeddings=[[1, 0], [1, 0.1], [0, 1]], documents=["x", "y", "z"]
    )
    assert neighbors(theirs, k=1).of("c")[0][0] == "b"
    assert chromalab.analytics.neighbors(theirs, k=1).snapshot.name == "rows"


def test_equal_distances_are_shown_as_well():
    angles = np.arange(12) * np.pi / 6
    found = neighbors(np.c_[np.cos(angles), np.sin(angles)], k=2)
    assert np.ptp(found.distances[:, 0]) < 1e-6
    assert "data:image/png" in found._repr_html_()
