"""Queries through a transform match brute force over all mapped vectors."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chromalab import errors
from chromalab.engine import RecordTransform
from chromalab.engine.record_transform import mapped
from chromalab.feedback import Transform

DIMENSION = 6  # Of the records in conftest.py.

numbers = st.lists(
    st.floats(-100, 100, width=32, allow_subnormal=False), min_size=DIMENSION, max_size=DIMENSION
)
writes = st.lists(
    st.one_of(
        st.tuples(st.just("upsert"), st.integers(0, 12), numbers, st.integers(0, 2)),
        st.tuples(st.just("delete"), st.integers(0, 12)),
        st.tuples(st.just("compact")),
        st.tuples(st.just("query"), numbers, st.sampled_from([None, 0, 1])),
    ),
    min_size=3,
    max_size=25,
)


@pytest.mark.parametrize("space", ["l2", "cosine", "ip"])
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(writes=writes, both=st.booleans(), seed=st.integers(0, 5))
def test_queries_match_brute_force_after_any_writes(
    client, space, writes, both, seed, some_transform, check
):
    name = f"points-{client.count_collections()}-{space}"
    collection = client.create_collection(
        name, embedding_function=None, configuration={"hnsw": {"space": space}}
    )
    transform, records = some_transform(seed=seed, both=both), {}
    for what, *rest in [*writes, ("query", [1.0] * DIMENSION, None)]:
        if what == "upsert":
            row, vector, n = rest
            collection.upsert(ids=[f"r{row}"], embeddings=[vector], metadatas=[{"n": n}])
            records[f"r{row}"] = (vector, n)
        elif what == "delete":
            collection.delete(ids=[f"r{rest[0]}"])
            records.pop(f"r{rest[0]}", None)
        elif what == "compact":
            collection.compact(progress=False)
        else:
            vector, n = rest
            asked = {} if n is None else {"where": {"n": n}}
            check(collection, records, vector, transform, space, **asked)


def test_the_active_transform_is_the_default_and_none_means_none(points, some_transform):
    transform = points.transforms.add(some_transform())
    query = [[1.0, 0, 0, 0, 0, 0]]
    plain = points.query(query_embeddings=query)["distances"]
    points.transforms.use("some")
    mapped = points.query(query_embeddings=query)["distances"]
    assert mapped != plain
    assert points.query(query_embeddings=query, transform="some")["distances"] == mapped
    assert points.query(query_embeddings=query, transform=transform)["distances"] == mapped
    for none in (None, False):
        assert points.query(query_embeddings=query, transform=none)["distances"] == plain
    points.transforms.use(None)
    assert points.query(query_embeddings=query)["distances"] == plain


@pytest.mark.parametrize("asked", [True, 7, b"some", ["some"]])
def test_a_transform_argument_of_another_kind_is_refused(points, asked):
    with pytest.raises(errors.InvalidArgumentError, match="'active', the name of one"):
        points.query(query_embeddings=[[0] * DIMENSION], transform=asked)


def test_a_transform_for_another_model_or_dimension_is_refused(points, some_transform):
    narrow = Transform(name="narrow", matrix=np.eye(3, dtype=np.float32))
    other = some_transform(model="minilm 0123")
    for transform in (narrow, other):
        with pytest.raises(errors.InvalidArgumentError, match=r"tune\(\) again"):
            points.query(query_embeddings=[[0] * DIMENSION], transform=transform)
        with pytest.raises(errors.InvalidArgumentError, match="Nothing was added"):
            points.transforms.add(transform)
    points.transforms.add(some_transform())
    with pytest.raises(errors.NotFoundError, match=r"No transform 'som'\. Did you mean 'some'"):
        points.query(query_embeddings=[[0] * DIMENSION], transform="som")


def test_the_engine_refuses_a_record_transform_of_another_dimension(points):
    narrow = RecordTransform("narrow", np.eye(3, dtype=np.float32))
    with pytest.raises(errors.InvalidDimensionException, match="must have 6 dimensions; got 3"):
        points.engine.indexing(points.id, narrow)


def test_explain_names_the_transform(points, some_transform):
    points.transforms.add(some_transform())
    points.transforms.use("some")
    query = [[0.0] * DIMENSION]
    steps = points.explain(query_embeddings=query).df().set_index("step")["details"]
    assert steps["transform"] == "'some': the query and the records are mapped by it first"
    assert steps["method"].startswith("exact scan")
    assert "transform" not in repr(points.explain(query_embeddings=query, transform=None))
    assert points.recall(sample=10).value == 1


def test_rows_that_a_matrix_maps_out_of_range_are_unchanged():
    rows = np.array([[3e38, 3e38], [0, 0], [1, 2], [1e-30, 0]], dtype=np.float32)
    for matrix in (np.zeros((2, 2)), 1e30 * np.eye(2), np.array([[1, 1], [0, 1e-30]])):
        found = mapped(rows, matrix.astype(np.float32))
        assert np.isfinite(found).all()
        lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
        assert np.allclose(np.linalg.norm(found.astype(np.float64), axis=1), lengths, rtol=1e-5)
