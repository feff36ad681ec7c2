"""Regions are what their formulas say, as a filter and in the ledger."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chromalab
from chromalab import Ball, Closer, K, Knn, Plane, Region, Search
from chromalab.errors import NotFoundError

RECORDS = 60
VECTORS = np.random.default_rng(11).normal(size=(RECORDS, 3)).astype(np.float32)


@pytest.fixture(scope="module", params=["l2", "cosine", "ip"])
def points(request):
    with chromalab.EphemeralClient() as client:
        collection = client.create_collection(
            "points", embedding_function=None, configuration={"hnsw": {"space": request.param}}
        )
        collection.add(
            ids=[f"r{row}" for row in range(RECORDS)],
            embeddings=VECTORS,
            metadatas=[{"even": row % 2 == 0} for row in range(RECORDS)],
        )
        yield collection, request.param


def distances(center, space):
    """Chroma's distances of all records to a center."""
    wide = VECTORS.astype(np.float64)
    if space == "l2":
        return ((wide - center) ** 2).sum(axis=1)
    if space == "cosine":
        return 1 - wide @ center / (np.linalg.norm(wide, axis=1) * np.linalg.norm(center))
    return 1 - wide @ center


def mean(rows, space):
    """The mean of records, of their directions in a cosine space."""
    wide = VECTORS[list(rows)].astype(np.float64)
    if space == "cosine":
        wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    return wide.mean(axis=0)


def inside(collection, region):
    return {int(id[1:]) for id in collection.search(Search().within(region))["ids"][0]}


rows = st.integers(0, RECORDS - 1)


@settings(max_examples=30, deadline=None)
@given(rows, st.floats(-1, 3), rows, st.floats(-1, 3))
def test_balls_hold_together(points, one, near, other, far):
    collection, space = points
    region = Ball(f"r{one}", near) & ~Ball(f"r{other}", far)
    a, b = (distances(VECTORS[row].astype(np.float64), space) for row in (one, other))
    sure = (np.abs(a - near) > 1e-5) & (np.abs(b - far) > 1e-5)
    expected = (a <= near) & (b >= far)
    found = inside(collection, region)
    assert {row for row in range(RECORDS) if sure[row] and expected[row]} <= found
    assert found <= {row for row in range(RECORDS) if expected[row] or not sure[row]}


@settings(max_examples=30, deadline=None)
@given(
    st.sets(rows, min_size=1, max_size=4),
    st.sets(rows, min_size=1, max_size=4),
    st.floats(-0.5, 0.5),
)
def test_closer_to_these_than_to_those(points, to, than, margin):
    collection, space = points
    region = Closer([f"r{row}" for row in to], [f"r{row}" for row in than], margin)
    gap = distances(mean(than, space), space) - distances(mean(to, space), space) - margin
    found = inside(collection, region)
    assert {row for row in range(RECORDS) if gap[row] > 1e-5} <= found
    assert found <= {row for row in range(RECORDS) if gap[row] > -1e-5}
    others = inside(collection, ~region)
    assert found | others == set(range(RECORDS))


def test_a_plane_in_a_cosine_space_is_about_directions(points):
    collection, space = points
    rows = VECTORS.astype(np.float64)
    if space == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert inside(collection, Plane([1, 0, -1], 0.3)) == set(
        np.flatnonzero(rows @ [1, 0, -1] >= 0.3)
    )


def test_a_rank_looks_only_into_the_region(points):
    collection, _ = points
    region = Closer("r1", "r2")
    search = Search().where(K("even") == True).within(region).rank(Knn(VECTORS[2], limit=5))  # noqa: E712
    found = [int(id[1:]) for id in collection.search(search)["ids"][0]]
    allowed = {row for row in inside(collection, region) if row % 2 == 0}
    assert found
    assert set(found) <= allowed
    order = collection.query(query_embeddings=VECTORS[2:3], n_results=RECORDS)["ids"][0]
    assert found == [int(id[1:]) for id in order if int(id[1:]) in allowed][:5]


def test_the_ledger_says_which_part_a_record_is_outside_of(points):
    collection, space = points
    result = collection.search(Search().within(Ball("r0", 0.1)).rank(Knn(VECTORS[0])))
    far = int(np.argmax(distances(VECTORS[0].astype(np.float64), space)))
    why = result.why_not(f"r{far}")
    assert why.stage == "Within"
    assert "not within 0.1 of 'r0': outside by" in why.reason
    (within,) = [s for _, s in result.searches[0].ran.last.walk() if s.name == "Within"]
    assert within.given == RECORDS
    assert within.kept + within.dropped["outside the region"] == RECORDS


def test_regions_go_to_json_and_back(points):
    collection, _ = points
    region = Ball([0.1, 0.2, 0.3], 0.9) & Closer("r1", ["r2", "r3"], 0.1) & Plane([1, 0, 0], -1)
    again = Region.from_dict(region.to_dict())
    assert again.to_dict() == region.to_dict()
    assert inside(collection, again) == inside(collection, region)
    search = Search().within(region).rank(Knn(VECTORS[0]))
    assert Search.from_dict(search.to_dict()).to_dict() == search.to_dict()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Ball("a", "b"), lambda: Ball([], 1), lambda: Ball(None, 1), lambda: Closer("a", []),
        lambda: Plane("a", 1), lambda: Plane([1], float("nan")), lambda: Region(()),
        lambda: Region.from_dict({"part": []}), lambda: Region.from_dict({"parts": [{"$cube": {}}]}),
        lambda: Search().within(1), lambda: Search(within="a"),
        lambda: Ball("a", 1, inside="no"), lambda: Ball({"a": 1}, 1), lambda: Ball("a", 10**400),
        lambda: Region((Ball("a", 1),), precision="x"),
    ],
)  # fmt: skip
def test_what_is_no_region_is_refused(wrong):
    with pytest.raises((ValueError, TypeError)) as raised:
        wrong()
    assert "\n" not in str(raised.value)


def test_an_example_that_is_gone_is_named(points):
    collection, _ = points
    with pytest.raises(NotFoundError, match="'gone', which a region names"):
        collection.search(Search().within(Ball("gone", 1)))
