"""Counts, order, descriptions, and the maximum distance of a query."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chromalab
from chromalab import errors

ATTACK = "<script>alert(1)</script>\x1b[31m"


@pytest.fixture
def points(client):
    return client.create_collection("points", embedding_function=None)


def fill(points, *metadatas, **rest):
    ids = [f"p{n}" for n in range(len(metadatas))]
    points.add(ids, [[float(n)] for n in range(len(ids))], list(metadatas), **rest)
    return points


def test_count_takes_filters(points):
    fill(points, {"n": 1}, {"n": 2}, None, documents=["tea", "tea", None])
    assert points.count() == 3
    assert points.count({"n": {"$gt": 1}}) == 1
    assert points.count(where_document={"$contains": "tea"}) == 2
    assert points.count({"n": 1}, {"$contains": "tea"}) == 1
    assert points.count(where={"none": 1}) == 0
    with pytest.raises(errors.InvalidArgumentError, match="Unknown operator"):
        points.count(where={"n": {"$near": 1}})


MIXED = [{"v": "b"}, {"v": 2}, None, {"v": [1]}, {"v": "a"}, {"v": True}, {"v": 1.5}, {"v": 2.0}]


def test_records_are_ordered_by_a_metadata_key(points):
    fill(points, *MIXED)
    up = [
        "p6",
        "p1",
        "p7",
        "p4",
        "p0",
        "p5",
        "p3",
        "p2",
    ]  # 2 and 2.0 in insertion order, missing values last
    down = ["p3", "p5", "p0", "p4", "p1", "p7", "p6", "p2"]
    assert points.get(order_by="v")["ids"] == up
    assert points.get(order_by="-v")["ids"] == down
    assert points.get(order_by="v", limit=2, offset=1)["ids"] == up[1:3]
    assert points.get(["p0", "p1", "p2"], order_by="-v")["ids"] == ["p0", "p1", "p2"]
    assert points.get(where={"v": {"$gt": 0}}, order_by="-v")["ids"] == ["p1", "p7", "p6"]
    found = points.get(order_by="-v", include=["embeddings", "metadatas"])
    assert found["embeddings"][:, 0].tolist() == [3, 5, 0, 4, 1, 7, 6, 2]
    assert found["metadatas"][0] == {"v": [1]}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(-3, 3), st.sampled_from("ab")), min_size=1))
def test_order_matches_pythons_stable_sort(values):
    with chromalab.EphemeralClient() as client:
        points = client.create_collection("points", embedding_function=None)
        fill(points, *({"v": v} if v is not None else {"w": 0} for v in values), {"v": 0})
        held = [*values, 0]
        there = [n for n, v in enumerate(held) if v is not None]
        last = [n for n, v in enumerate(held) if v is None]
        for sign in ("", "-"):
            key = {n: (isinstance(held[n], str), held[n]) for n in there}
            true = sorted(there, key=key.get, reverse=bool(sign))  # reverse keeps the order of ties
            ids = points.get(order_by=f"{sign}v")["ids"]
            assert ids == [f"p{n}" for n in [*true, *last]]


def test_order_follows_writes(points):
    fill(points, {"n": 1}, {"n": 2}, {"n": 3})
    assert points.get(order_by="-n")["ids"] == ["p2", "p1", "p0"]
    points.update(["p0"], metadatas=[{"n": 9}])
    points.delete(["p2"])
    points.add(["new"], [[0.0]], [{"n": 5}])
    assert points.get(order_by="-n")["ids"] == ["p0", "new", "p1"]


def test_an_unknown_key_is_reported_with_similar_ones(points):
    assert points.get(order_by="year")["ids"] == []  # an empty collection has nothing to order
    assert len(points.distinct("year")) == 0
    fill(points, {"year": 1, "kind": "a"})
    for call in (lambda: points.get(order_by="-yaer"), lambda: points.distinct("yaer")):
        with pytest.raises(
            errors.InvalidArgumentError, match=r"'yaer'. Did you mean 'year'\? Keys"
        ):
            call()
    for wrong in (3, "", "-", ["year"]):
        with pytest.raises(errors.InvalidArgumentError, match="must be a metadata key"):
            points.get(order_by=wrong)
    with pytest.raises(errors.InvalidArgumentError, match="must be a metadata key"):
        points.distinct(None)


def test_distinct_lists_values_by_frequency(points):
    fill(points, {"v": "b"}, {"v": 1}, {"v": "b"}, {"v": True}, {"v": 1.0}, None)
    found = points.distinct("v")
    assert list(found) == [("b", 2), (1, 1), (1.0, 1), (True, 1)]
    assert [type(value) for value in found.values] == [str, int, float, bool]
    assert (found.field, found.missing, len(found), found[0]) == ("v", 1, 4, ("b", 2))
    assert found[:2] == [("b", 2), (1, 1)]
    assert list(points.distinct("v", where={"v": {"$gt": 0}})) == [(1, 1), (1.0, 1)]
    assert len(points.distinct("v", where={"v": "nobody"})) == 0
    points.delete(["p0", "p2"])
    assert "b" not in points.distinct("v").values
    assert found.df()["count"].tolist() == [2, 1, 1, 1]


def test_a_list_counts_as_its_elements_once_per_record(points):
    fill(points, {"l": ["x", "y", "x"]}, {"l": ["y"]}, {"l": "y"}, {"l": [1, 2]})
    assert dict(points.distinct("l")) == {"y": 3, "x": 1, 1: 1, 2: 1}


def test_distinct_reports_what_it_cuts_and_escapes_html(points):
    fill(points, *({"k": f"{ATTACK}{n}", ATTACK: 1} for n in range(30)), None)
    found = points.distinct("k")
    assert "20 of 30 shown, 1 without it" in repr(found)
    for result in (found, points.distinct(ATTACK), points.describe()):
        assert "<script>" not in result._repr_html_()
        assert "&lt;script&gt;" in result._repr_html_()
        assert "\x1b" not in repr(result)
    assert repr(points.distinct("k", where={"k": "none"})) == "no values"


def test_describe_profiles_the_collection(points):
    points.add(
        ids=["a", "b", "c", "d"],
        embeddings=[[3, 4], [0, 0], [3, 4], [0, 1]],
        documents=["tea", "tea", None, "a cup\0"],
        metadatas=[{"n": 1, "t": "x"}, {"n": 2.5, "t": "y"}, {"n": 1, "l": ["p"]}, None],
    )
    points.add(["e"], [[9, 9]])
    points.delete(["e"])
    found = points.describe()
    assert (found.collection, found.records, found.dimension, found.space) == ("points", 4, 2, "l2")
    assert (found.norms.min, found.norms.median, found.norms.max) == (0, 3, 5)
    assert (found.zero_vectors, found.duplicate_vectors, found.dead_rows) == (1, 1, 1)
    assert (found.documents, found.duplicate_documents) == (3, 1)
    assert (found.lengths.min, found.lengths.median, found.lengths.max) == (3, 3, 6)
    assert found.bytes == 5 * 2 * 4
    assert isinstance(found.index, str)
    number, text, listed = found.keys
    assert (number.key, number.types, number.missing) == ("n", ("int", "float"), 1)
    assert (number.distinct, number.min, number.max, number.examples) == (2, 1, 2.5, (1, 2.5))
    assert (text.types, text.missing, text.min, text.max) == (("str",), 2, "x", "y")
    assert (listed.types, listed.distinct, listed.min, listed.examples) == (
        ("list",),
        1,
        None,
        (["p"],),
    )
    assert found.df()["key"].tolist() == ["n", "t", "l"]
    assert "1 duplicate" in repr(found)


def test_describe_of_an_empty_collection(points):
    found = points.describe()
    assert (found.records, found.keys, found.norms, found.lengths, found.bytes) == (
        0,
        (),
        None,
        None,
        0,
    )
    assert "none yet" in repr(found)
    assert found.df().empty


def test_describe_over_many_blocks_matches_numpy(points):
    rng = np.random.default_rng(0)
    vectors = rng.integers(-1, 2, (9000, 6)).astype(np.float32)
    for start in range(0, 9000, 3000):
        part = vectors[start : start + 3000]
        points.add([f"{start + n}" for n in range(len(part))], part, documents=["x"] * len(part))
    found = points.describe()
    assert found.duplicate_vectors == 9000 - len(np.unique(vectors, axis=0))
    assert found.zero_vectors == int((~vectors.any(axis=1)).sum())
    assert found.norms.median == pytest.approx(np.median(np.linalg.norm(vectors, axis=1)))
    assert found.duplicate_documents == 8999


def test_sparse_vectors_are_described_and_counted(points):
    words = chromalab.SparseVector([1, 5], [0.5, 2.0])
    fill(points, {"s": words}, {"s": words}, {"s": chromalab.SparseVector([2], [1.0])})
    assert points.describe().keys[0].types == ("sparse vector",)
    assert points.distinct("s")[0] == (words, 2)
    assert words in points.describe().df()["examples"][0]


def test_distinct_counts_among_documents_and_ids(points):
    fill(points, {"n": 1}, {"n": 2}, {"n": 2.0}, {"n": 1}, documents=["tea", "tea", "tea", "salt"])
    assert list(points.distinct("n")) == [(1, 2), (2, 1), (2.0, 1)]
    tea = {"$contains": "tea"}
    assert list(points.distinct("n", where_document=tea)) == [(1, 1), (2, 1), (2.0, 1)]
    assert list(points.distinct("n", {"n": 1}, tea, ids=["p0", "p1"])) == [(1, 1)]
    assert list(points.distinct("n", ids="p3")) == [(1, 1)]


def test_no_record_beyond_max_distance_is_returned(points):
    fill(points, {"n": 0}, {"n": 1}, {"n": 2}, documents=["a", "b", "c"])
    everything = ["documents", "metadatas", "embeddings", "uris", "distances"]
    found = points.query([[0.0], [9.0]], max_distance=1, include=everything)
    assert found["ids"] == [["p0", "p1"], []]
    assert found["distances"] == [[0.0, 1.0], []]
    assert [len(found[part][0]) for part in everything] == [2] * 5
    assert [len(found[part][1]) for part in everything] == [0] * 5
    found = points.query([[0.0]], max_distance=0.5, include=["documents"])
    assert found["documents"] == [["a"]]
    assert found["distances"] is None
    assert points.query([[0.0]], max_distance=float("inf"))["ids"] == [["p0", "p1", "p2"]]
    assert points.query([[0.0]], max_distance=np.float32(1))["ids"] == [["p0", "p1"]]
    assert points.query([[0.0]], max_distance=1, n_results=1)["ids"] == [["p0"]]
    for wrong in (float("nan"), "1", True, [1]):
        with pytest.raises(errors.InvalidArgumentError, match="max_distance must be a number; got"):
            points.query([[0.0]], max_distance=wrong)


def test_every_result_converts_to_a_data_frame(client, points, notes):
    added = notes.add_from(["tea", "walk", "tea"])
    fill(points, {"n": 1})
    results = (
        added, points.get(), points.peek(), points.query([[1.0]]), points.distinct("n"),
        points.describe(), client.list_collections(),
    )  # fmt: skip
    assert [len(result.df()) for result in results] == [1, 1, 1, 1, 1, 1, 2]
    assert added.df().iloc[0].to_dict() == {
        "collection": "notes", "added": 2, "skipped": 1, "dry_run": False, "updated": 0,
        "repeated": 1, "differing": 0, "clashes": 0, "bad_rows": 0, "blank": 0, "truncated": 0,
        "long": 0,
    }  # fmt: skip
