"""Searches give what a plain reading of their parts gives, and their ledger accounts for every record."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chromalab
from chromalab import GroupBy, K, Knn, MaxK, MinK, Rrf, Search
from chromalab.errors import InvalidArgumentError, NotFoundError

RECORDS = 40


@pytest.fixture(scope="module")
def points():
    """Records in three groups, some without a year, with ties."""
    random = np.random.default_rng(3)
    vectors = random.integers(-3, 4, (RECORDS, 3)).astype(np.float32)
    metadatas = [
        {"group": "abc"[row % 3], **({"year": 2000 + row % 7} if row % 5 else {})}
        for row in range(RECORDS)
    ]
    with chromalab.EphemeralClient() as client:
        collection = client.create_collection("points", embedding_function=None)
        collection.add(
            ids=[f"r{row}" for row in range(RECORDS)],
            embeddings=vectors,
            metadatas=metadatas,
            documents=[f"text {row}" for row in range(RECORDS)],
        )
        yield collection, vectors.astype(np.float64), metadatas


queries = st.lists(st.integers(-3, 3), min_size=3, max_size=3)
sources = st.builds(
    Knn,
    queries,
    limit=st.integers(1, 50),
    default=st.none() | st.floats(-5, 5),
    return_rank=st.booleans(),
)
wheres = st.sampled_from(
    [None, K("group") == "a", K("year") >= 2003, (K("group") != "b") & K("year").is_in([2001, 2005]),
     (K("year") < 2002) | (K.DOCUMENT.contains("3")), K.ID.not_in(["r1", "r7"])]
)  # fmt: skip
ranks = st.recursive(
    sources,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a - b, inner, inner),
        st.builds(lambda a, b: a * b, inner, st.floats(-2, 2)),
        st.builds(lambda a, b: a / (abs(b) + 1), inner, inner),
        st.builds(lambda a, b: a.max(b), inner, inner),
        st.builds(lambda a, b: a.min(b), inner, inner),
        st.builds(abs, inner),
    ),
    max_leaves=4,
)
groups = st.sampled_from(
    [
        None,
        GroupBy("group", MinK(K.SCORE, k=2)),
        GroupBy(["group", "year"], MaxK(["year", K.SCORE], k=1)),
    ]
)
searches = st.builds(
    lambda where, rank, group, limit, offset: Search(where, rank, group).limit(limit, offset),
    wheres, ranks, groups, st.integers(1, 60), st.integers(0, 5),
)  # fmt: skip


def passes(condition, row, metadatas):
    """Evaluate a condition on one record."""
    if condition is None:
        return True
    form = condition.to_dict()
    ((key, value),) = form.items()
    if key in ("$and", "$or"):
        return (all if key == "$and" else any)(
            passes(part, row, metadatas) for part in condition.conditions
        )
    ((operator, wanted),) = value.items()
    found = {"#id": f"r{row}", "#document": f"text {row}"}.get(key, metadatas[row].get(key))
    return {
        "$eq": lambda: found == wanted,
        "$ne": lambda: found != wanted,
        "$in": lambda: found in wanted,
        "$nin": lambda: found not in wanted,
        "$gte": lambda: found is not None and found >= wanted,
        "$lt": lambda: found is not None and found < wanted,
        "$contains": lambda: wanted in found,
    }[operator]()


def score(form, vectors, matching):
    """Evaluate a rank: a dict of scores by row, and the score of all other rows."""
    ((operator, value),) = form.items()
    if operator == "$val":
        return {}, value
    if operator == "$knn":
        far = {row: float(np.sum((vectors[row] - value["query"]) ** 2)) for row in matching}
        nearest = sorted(matching, key=lambda row: (far[row], row))[: value["limit"]]
        ranked = value.get("return_rank", False)
        return {
            row: float(place) if ranked else far[row] for place, row in enumerate(nearest)
        }, value.get("default")
    parts = [value] if operator == "$abs" else value
    parts = [value["left"], value["right"]] if operator in ("$sub", "$div") else parts
    results = [score(part, vectors, matching) for part in parts]
    op = {
        "$sum": sum, "$mul": math.prod, "$max": max, "$min": min, "$abs": lambda v: abs(v[0]),
        "$sub": lambda v: v[0] - v[1], "$div": lambda v: v[0] / v[1],
    }[operator]  # fmt: skip
    rows = {row for found, _ in results for row in found}
    rows = [row for row in rows if all(row in found or rest is not None for found, rest in results)]
    scores = {row: op([found.get(row, rest) for found, rest in results]) for row in rows}
    defaults = [rest for _, rest in results]
    return scores, None if None in defaults else op(defaults)


def expected(search, vectors, metadatas):
    """Run a search by its words."""
    form = search.to_dict()
    matching = [row for row in range(RECORDS) if passes(search._where, row, metadatas)]
    scores, _ = score(form["rank"], vectors, matching)
    rows = sorted(scores, key=lambda row: (scores[row], row))
    if form["group_by"]:
        ((operator, aggregate),) = form["group_by"]["aggregate"].items()

        def values(row, keys):
            found = [scores[row] if key == "#score" else metadatas[row].get(key) for key in keys]
            return [(value is not None, value if value is not None else 0) for value in found]

        members = {}
        for row in rows:
            members.setdefault(str(values(row, form["group_by"]["keys"])), []).append(row)
        kept = set()
        for member in members.values():
            member.sort(
                key=lambda row: values(row, aggregate["keys"]), reverse=operator == "$max_k"
            )
            kept |= set(member[: aggregate["k"]])
        rows = [row for row in rows if row in kept]
    limit = form["limit"]
    return rows[limit["offset"] :][: limit["limit"]], scores


@settings(max_examples=120, deadline=None)
@given(searches)
def test_a_search_gives_what_its_parts_say(points, search):
    collection, vectors, metadatas = points
    rows, scores = expected(search, vectors, metadatas)
    result = collection.search(search.select(K.SCORE))
    found = [int(id[1:]) for id in result["ids"][0]]
    np.testing.assert_allclose(result["scores"][0], [scores[row] for row in found], atol=1e-5)
    np.testing.assert_allclose(
        [scores[row] for row in found], [scores[row] for row in rows], atol=1e-5
    )


@settings(max_examples=60, deadline=None)
@given(searches)
def test_every_record_is_in_the_result_or_dropped_by_one_stage(points, search):
    collection, _, _ = points
    result = collection.search(search)
    stages = [stage for _, stage in result.searches[0].ran.last.walk()]
    for stage in stages:
        assert stage.given == stage.kept + sum(stage.dropped.values())
    for id in collection.get()["ids"]:
        if id in result["ids"][0]:
            why = result.why(id)
            assert why.stages[-1][2] == result["ids"][0].index(id) + 1
            with pytest.raises(InvalidArgumentError, match="is in this result"):
                result.why_not(id)
        else:
            why_not = result.why_not(id)
            assert why_not.stage in {stage.name for stage in stages}
            assert why_not.reason


@settings(max_examples=60, deadline=None)
@given(searches)
def test_a_search_goes_to_json_and_back(points, search):
    collection, _, _ = points
    again = Search.from_dict(search.to_dict())
    assert again.to_dict() == search.to_dict()
    assert collection.search(again)["ids"] == collection.search(search)["ids"]


def test_parts_that_are_selected_come_back_and_no_others(points):
    collection, _, metadatas = points
    search = Search().rank(Knn([0, 0, 0])).limit(2)
    both = collection.search([search, search.select(K.DOCUMENT, K.SCORE, "year")])
    assert both["documents"][0] is both["metadatas"][0] is both["scores"][0] is None
    assert both["select"] == [[], ["#document", "#score", "year"]]
    for id, document, metadata in zip(
        both["ids"][1], both["documents"][1], both["metadatas"][1], strict=True
    ):
        row = int(id[1:])
        year = metadatas[row].get("year")
        assert document == f"text {row}"
        assert metadata == (None if year is None else {"year": year})
    everything = collection.search(search.select_all())
    assert len(everything["embeddings"][0][0]) == 3


def test_why_not_says_by_how_much_a_record_missed(points):
    collection, vectors, metadatas = points
    result = collection.search(Search().where(K("group") == "a").rank(Knn([0, 0, 0], limit=3)))
    far = int(np.argmax(np.where([m["group"] == "a" for m in metadatas], (vectors**2).sum(1), 0)))
    assert f"distance {(vectors[far] ** 2).sum():.4g}, cut at" in result.why_not(f"r{far}").reason
    assert "group = 'a' (group is 'b')" in result.why_not("r1").reason
    with pytest.raises(NotFoundError, match="no record 'none'"):
        result.why_not("none")


def test_a_record_that_no_source_finds_is_dropped_by_each(points):
    collection, vectors, _ = points
    far = int(np.argmax((vectors**2).sum(1)))
    rank = Rrf(
        [Knn([0, 0, 0], limit=2, return_rank=True), Knn([0, 1, 0], limit=2, return_rank=True)]
    )
    result = collection.search(Search().rank(rank))
    assert [stage for stage, _, _ in result.why_not(f"r{far}").dropped_by] == ["Knn", "Knn"]


def test_a_result_says_that_the_collection_has_changed_since(client):
    collection = client.create_collection("changing", embedding_function=None)
    collection.add(ids=["a", "b"], embeddings=[[0, 1], [1, 0]])
    result = collection.search(Search().rank(Knn([0, 1])).limit(1))
    collection.add(ids=["c"], embeddings=[[0, 1]])
    with pytest.raises(InvalidArgumentError, match="has changed since"):
        result.why_not("b")
    assert result.why("a").stages[-1][2] == 1


def test_a_search_without_a_rank_is_in_insertion_order(points):
    collection, _, _ = points
    found = collection.search(Search().where(K("group") == "b").limit(3, offset=1))
    assert found["ids"] == [["r4", "r7", "r10"]]


def test_fewer_than_wanted_is_said(points):
    collection, _, _ = points
    result = collection.search(Search().rank(Knn([0, 0, 0], limit=4)).limit(9))
    assert "4 of 9 wanted; raise the limit of Knn(limit=4)" in repr(result)


def test_fusing_sources_keeps_what_one_of_them_finds(points):
    collection, _, _ = points
    one, two = Knn([3, 3, 3], limit=4), Knn([-3, -3, -3], limit=4)
    found = collection.search(Search().rank(Rrf.of(one, two)))["ids"][0]
    each = [collection.search(Search().rank(source))["ids"][0] for source in (one, two)]
    assert set(found) == {*each[0], *each[1]}


def test_where_of_get_and_query_takes_expressions(points):
    collection, _, _ = points
    where = (K("group") == "a") & (K.ID != "r0")
    assert collection.get(where=where, limit=1)["ids"] == ["r3"]
    assert collection.query(query_embeddings=[[0, 0, 0]], where=where, n_results=40)["ids"][0]


def test_a_search_finds_records_with_and_without_a_key(points):
    collection, _, _ = points
    there, absent = K("group").exists(), K("group").exists(False)
    assert (str(there), str(absent)) == ("group is not null", "group is null")
    found = [collection.search(Search().where(one))["ids"][0] for one in (there, absent)]
    assert sorted(found[0] + found[1]) == sorted(collection.get()["ids"])
    assert Search().where(absent.to_dict()).to_dict() == Search().where(absent).to_dict()
    with pytest.raises(TypeError, match=r"\$exists requires True or False"):
        Search().where({"group": {"$exists": 1}})


def test_the_plan_says_what_every_stage_did(points):
    collection, _, _ = points
    search = Search().where(K("group") == "a").rank(Knn([0, 0, 0]) * 2).limit(3)
    planned = collection.explain(search)
    assert [stage.kept for _, stage in planned.root.walk()] == [None] * 4
    ran = collection.explain(search, analyze=True)
    assert [(s.stage, s.given, s.kept) for _, s in ran.root.walk()] == [
        ("Limit", 14, 3), ("Rank", 14, 14), ("Knn", 14, 14), ("Where", RECORDS, 14)
    ]  # fmt: skip
    assert next(s.recall for _, s in ran.root.walk() if s.stage == "Knn") == 1.0
    assert "40 → 14" in repr(ran)
    assert "40 → 14" in ran._repr_html_()
    assert ran.df()[["depth", "kept"]].to_numpy().tolist() == [[0, 3], [1, 14], [2, 14], [3, 14]]


def test_the_plan_is_a_tree_with_one_branch_per_source(points):
    collection, _, _ = points
    one, two = Knn([0, 0, 0], limit=9), Knn([1, 0, 0], limit=9)
    search = Search().where(K("group") == "a").rank(Rrf.of(one, two))
    plan = collection.explain(search, analyze=True)
    branches = [f"{branch}{stage.stage}" for branch, stage in plan.root.drawn()]
    assert branches == [
        "Limit", "└ Rank", "  ├ Knn", "  │ └ Where", "  └ Knn", "    └ Where"
    ]  # fmt: skip
    assert "5 not among the best 9" in repr(plan)
    assert plan._repr_html_().count("class='bar'") == len(branches)


def test_metadata_keys_that_a_search_selects_are_columns(points):
    collection, _, _ = points
    search = Search().rank(Knn([0, 0, 0])).limit(2).select(K.SCORE, "group")
    assert repr(collection.search(search)).split("\n")[0].split() == [
        "rank",
        "score",
        "id",
        "group",
    ]
    everything = collection.search(search.select(K.METADATA, "group"))
    assert "metadata" in repr(everything).split("\n")[0]


def test_the_search_of_a_text_reranks_after_everything_else():
    search = Search.of(
        "tea", mmr=0.5, max_distance=1.0, rerank=lambda query, texts: [0] * len(texts)
    )
    assert [type(step).__name__ for step in search._steps] == ["MaxDistance", "Mmr", "Rerank"]


@pytest.mark.parametrize(
    ("search", "says"),
    [
        (Search().rank(Knn([1, 2])), "3 dimensions"),
        (lambda: Search().rank({"$knn": {"query": "x", "limit": 0}}), "at least 1"),
        (lambda: Search().rank({"$val": 1}), "must have a Knn, a Keyword or an Inside"),
        (lambda: Search().rank({"$nearest": 1}), "Unknown rank operator"),
        (lambda: Search().rank({}), "cannot be empty"),
        (lambda: Search().limit(0), "must be positive"),
        (lambda: Search().rank(Rrf([])), "at least one rank"),
        (lambda: Search().rank(Rrf([Knn([1])], weights=[1, 2])), "must match number of ranks"),
        (lambda: Search().then({"$nothing": {}}), "Unknown step"),
        (lambda: Search().then(Search()), "must be an object such as"),
        (lambda: Search(where={"a": {"$near": 1}}), "Unknown operator"),
        (lambda: K("a") == 1 and K("b") == 2, "no truth value"),
        (lambda: {"plan": 1}, "Unexpected keys"),
        (lambda: [], "must not be empty"),
        (lambda: 5, "must be a Search"),
    ],
)
def test_what_is_wrong_with_a_search_is_one_sentence(points, search, says):
    collection, _, _ = points
    with pytest.raises((ValueError, TypeError), match=says) as raised:
        collection.search(search() if callable(search) else search)
    assert "\n" not in str(raised.value)


def test_deep_nesting_is_refused(points):
    collection, _, _ = points
    rank = {"$knn": {"query": [0, 0, 0]}}
    for _ in range(5000):
        rank = {"$abs": rank}
    with pytest.raises(InvalidArgumentError, match="nested at most"):
        collection.search({"rank": rank})


def test_a_text_is_embedded_by_the_index_of_sparse_vectors():
    with chromalab.EphemeralClient() as client:
        schema = chromalab.Schema()
        function = chromalab.utils.embedding_functions.ChromaBm25EmbeddingFunction()
        config = chromalab.SparseVectorIndexConfig(
            embedding_function=function, source_key=K.DOCUMENT
        )
        schema.create_index(config, key="words")
        notes = client.create_collection("notes", schema=schema)
        notes.add(ids=["a", "b"], documents=["a cup of green tea", "a piece of chalk"])
        found = notes.search(Search().rank(Knn("green tea", key="words")))
        assert found["ids"] == [["a"]]
        both = Search().rank(Rrf.of(Knn("green tea"), Knn("green tea", key="words")))
        assert notes.search(both)["ids"] == [["a", "b"]]
        with pytest.raises(InvalidArgumentError, match="no index embeds texts"):
            notes.search(Search().rank(Knn("green tea", key="others")))


def test_searches_that_differ_in_their_vectors_only_are_compared_in_one_pass(points):
    collection, _, _ = points
    base = Search().where(K("group") != "b").limit(4).select(K.SCORE)
    alone = base.rank(Knn([1, 1, 1], limit=9))
    several = [base.rank(Knn([0, 1, 2])), base.rank(Knn([3, 0, 0]) + Knn([0, 1, 1])), alone]
    together = collection.search(several)
    for at, search in enumerate(several):
        single = collection.search(search)
        assert together["ids"][at] == single["ids"][0]
        assert together["scores"][at] == pytest.approx(single["scores"][0])
    reasons = [
        [stage.reason for stage in trace.ran.last.in_order() if stage.name == "Knn"]
        for trace in together.searches
    ]
    shared = [["one pass for 3 sources" in reason for reason in own] for own in reasons]
    assert shared == [[True], [True, True], [False]]
