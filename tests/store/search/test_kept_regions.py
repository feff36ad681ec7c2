"""Regions are kept by name, made of selections, and hold for records that come later."""

import numpy as np
import pytest

import chromalab
from chromalab import Ball, Closer, Inside, K, Knn, Search
from chromalab.errors import InvalidArgumentError, NotFoundError, UniqueConstraintError
from chromalab.transforms import Transform

CLUSTER = 40


@pytest.fixture(params=["l2", "cosine", "ip"])
def clusters(request):
    """Three clusters of records in 8 dimensions: x0, ..., y0, ..., z0, ..."""
    random = np.random.default_rng(4)
    with chromalab.EphemeralClient() as client:
        collection = client.create_collection(
            "clusters", embedding_function=None, configuration={"hnsw": {"space": request.param}}
        )
        for axis, name in enumerate("xyz"):
            center = 4 * np.eye(8)[axis]
            collection.add(
                ids=[f"{name}{row}" for row in range(CLUSTER)],
                embeddings=center + random.normal(scale=0.3, size=(CLUSTER, 8)),
                metadatas=[{"n": row} for row in range(CLUSTER)],
            )
        yield collection


def test_a_selection_becomes_a_region_that_holds_for_new_records(clusters):
    clusters.selection = [f"x{row}" for row in range(CLUSTER)]
    region = clusters.selection.region()
    assert (region.precision, region.recall) == (1.0, 1.0)
    assert clusters.selection.region() == region
    clusters.regions.add("all x", region)
    assert clusters.regions.count("all x") == CLUSTER
    clusters.add(ids=["new x", "new z"], embeddings=4 * np.eye(8)[[0, 2]])
    assert clusters.regions.count("all x") == CLUSTER + 1
    found = clusters.search(Search().within("all x"))["ids"][0]
    assert {id[-1] if "new" in id else id[0] for id in found} == {"x"}
    assert "new x" in found


def test_precision_and_recall_are_those_of_the_region(clusters):
    random = np.random.default_rng(1)
    ids = clusters.get(include=[])["ids"]
    chosen = set(random.choice(ids, 30, replace=False).tolist())
    clusters.selection = sorted(chosen)
    region = clusters.selection.region()
    inside = set(clusters.search(Search().within(region))["ids"][0])
    assert region.precision == pytest.approx(len(inside & chosen) / len(inside))
    assert region.recall == pytest.approx(len(inside & chosen) / len(chosen))
    everything = 2 * (30 / len(ids)) / (30 / len(ids) + 1)
    assert 2 * region.precision * region.recall / (region.precision + region.recall) >= everything


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        ([], "No records are selected"),
        (["x1"], "at least two selected records; got 1"),
        ([f"{name}{row}" for name in "xyz" for row in range(CLUSTER)], "All records are selected"),
    ],
)
def test_a_selection_that_makes_no_region_is_refused(clusters, ids, says):
    clusters.selection = ids
    with pytest.raises(InvalidArgumentError, match=says):
        clusters.selection.region()


def test_identical_vectors_make_a_region(clusters):
    clusters.add(ids=["s1", "s2", "s3"], embeddings=[[9.0] * 8] * 3)
    clusters.selection = ["s1", "s2"]
    region = clusters.selection.region()
    assert (region.precision, region.recall) == (pytest.approx(2 / 3), 1.0)


def test_regions_are_listed_replaced_and_removed(clusters):
    regions = clusters.regions
    assert "No regions" in repr(regions.list())
    regions.add("<b>mine</b>", Ball("x1", 0.1) & Closer("x1", "y1"))
    regions.add("odd", ~Ball("x1", 0.1))
    table = regions.list()
    assert list(table.names) == ["<b>mine</b>", "odd"]
    assert list(table.counts) == [regions.count(name) for name in table.names]
    assert "<b>" not in table._repr_html_().replace("<b>chroma", "")
    with pytest.raises(UniqueConstraintError, match="overwrite=True"):
        regions.add("odd", Ball("x1", 1))
    regions.add("odd", Ball("x1", 1), overwrite=True)
    assert regions.get("odd").parts == (Ball("x1", 1),)
    assert regions.count("odd", where={"n": {"$lt": 0}}) == 0
    regions.remove("odd")
    for call in (regions.get, regions.remove, regions.count):
        with pytest.raises(NotFoundError, match="No region 'odd'"):
            call("odd")


@pytest.mark.parametrize(
    ("name", "region"),
    [
        (5, Ball("x1", 1)), ("", Ball("x1", 1)), ("two\nlines", Ball("x1", 1)), ("a" * 201, Ball("x1", 1)),
        ("a", 5), ("a", {"parts": []}), ("a", Ball([1.0], 1)), ("a", Ball("gone", 1)), ("a", "nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(clusters, name, region):
    with pytest.raises((ValueError, TypeError, KeyError)) as raised:
        clusters.regions.add(name, region)
    assert "\n" not in str(raised.value)
    assert not clusters.regions.list().names


def test_a_region_whose_example_was_deleted_is_still_listed(clusters):
    clusters.regions.add("near x1", Ball("x1", 0.5))
    clusters.delete(ids=["x1"])
    assert list(clusters.regions.list().counts) == [None]
    with pytest.raises(NotFoundError, match="'x1', which a region names"):
        clusters.search(Search().within("near x1"))
    clusters.regions.remove("near x1")


def test_a_stored_name_goes_to_json_and_back(clusters):
    clusters.regions.add("x", Ball("x1", 0.3))
    search = Search().within("x").rank(Inside("x", limit=5))
    again = Search.from_dict(search.to_dict())
    assert again.to_dict() == search.to_dict()
    assert clusters.search(again)["ids"] == clusters.search(search)["ids"]
    assert "Inside" in repr(clusters.explain(again))


def test_inside_ranks_the_deepest_first(clusters):
    center = clusters.get(ids=["x1"], include=["embeddings"])["embeddings"][0]
    result = clusters.search(Search().rank(Inside(Ball("x1", 100), limit=9)).select(K.SCORE))
    near = clusters.query(query_embeddings=[center], n_results=9)
    assert result["ids"] == near["ids"]
    np.testing.assert_allclose(result["scores"][0], np.array(near["distances"][0]) - 100, atol=1e-5)
    few = clusters.search(Search().rank(Inside(Ball("x1", 0.01))))
    assert "outside by" in few.why_not("z1").reason


def test_a_region_is_the_same_under_a_learned_transform(clusters):
    swap = np.eye(8, dtype=np.float32)[[2, 1, 0, *range(3, 8)]]
    region = Ball("x1", 0.3) & ~Ball("z1", 0.1)
    before = clusters.search(Search().within(region))["ids"]
    transform = Transform(
        name="swap", matrix=swap, both=True, space=clusters.space, model=clusters.model
    )
    clusters.transforms.add(transform)
    clusters.transforms.use("swap", wait=True)
    assert clusters.search(Search().within(region))["ids"] == before
    ranked = clusters.search(Search().within(region).rank(Knn([0.0] * 7 + [1.0], limit=200)))
    assert set(ranked["ids"][0]) == set(before[0])
