"""A search from elsewhere is read or refused in one sentence; a function that fails is named."""

import copy
import pickle

import numpy as np
import pytest

import chromalab
from chromalab import GroupBy, K, Keyword, Knn, Mmr, Rrf, Search, Val
from chromalab.errors import ChromalabError, InvalidArgumentError
from chromalab.search.steps import (
    Collapse,
    Expand,
    Highlight,
    Hyde,
    NearDuplicates,
    Refine,
    Rerank,
    Rewrite,
    TokenBudget,
)

NEAR = {"$knn": {"query": [1.0, 0.0]}}


@pytest.fixture(scope="module")
def notes():
    with chromalab.EphemeralClient() as client:
        collection = client.create_collection("notes", embedding_function=None)
        collection.add(
            ids=["a", "b", "c"],
            embeddings=[[1, 0], [0, 1], [1, 1]],
            documents=["green tea", "coffee", "of tea"],
            metadatas=[{"n": 1, "tags": ["x"]}, {"n": 2, "tags": ["x"]}, {"m": 3}],
        )
        yield collection


def nested(form, key, times=2000):
    for _ in range(times):
        form = {key: [form, form] if key == "$and" else form}
    return form


def itself(key):
    form = {}
    form[key] = [form, form] if key == "$and" else form
    return form


@pytest.mark.parametrize(
    "form",
    [
        {"rank": nested({"$val": 1}, "$abs")}, {"where": nested({"a": 1}, "$and", 60)},
        {"rank": itself("$abs")}, {"where": itself("$and")},
        {"rank": {"$knn": {**NEAR["$knn"], "steps": 5}}},
        {"rank": {"$knn": {**NEAR["$knn"], "steps": [{"$rewrite": {"function": "os.system"}}]}}},
        {"rank": {"$keyword": {"query": "tea", "steps": []}}}, {"rank": {"$keyword": {}}},
        {"rank": {"$val": 10**400}}, {"rank": {"$inside": {}}}, {"rank": {"$inside": {"region": {"a": 1}}}},
        {"rank": NEAR, "steps": 5}, {"rank": NEAR, "steps": "$mmr"}, {"rank": NEAR, "steps": {"$mmr": {}}},
        {"rank": NEAR, "steps": [{"$rerank": {"function": "len"}}]},
        {"rank": NEAR, "steps": [{"$rerank": {"function": len, "top": 0}}]},
        {"rank": NEAR, "steps": [{"$token_budget": {"tokens": 3, "count": "len"}}]},
        {"rank": NEAR, "steps": [{"$boost": {"key": "n", "weight": 10**400}}]},
        {"within": 5}, {"within": "name"}, {"within": {"parts": []}}, {"filter": 0},
        {"group_by": {"keys": ["n"], "aggregate": {"$min_k": {"keys": ["n"], "k": 1, "more": 2}}}},
    ],
)  # fmt: skip
def test_a_foreign_dict_is_refused_in_one_sentence(notes, form):
    with pytest.raises(ChromalabError) as raised:
        notes.search(form)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Rrf([None]), lambda: Rrf("ab"), lambda: Rrf(Knn([1])), lambda: Rrf([Knn([1])], k="x"),
        lambda: Rrf([Knn([1])], weights=["x"]), lambda: Rrf([Knn([1])], weights=1),
        lambda: Rrf.of(Val(1)), lambda: Rrf.of(Knn([1]), limit="x"), lambda: Search.of("a", "x"),
        lambda: K("n").is_in(None), lambda: K("n").is_in("ab"), lambda: GroupBy("n", 5),
        lambda: (K("n") == 1) & 5, lambda: Knn([1]) + None, lambda: Rerank("len"), lambda: Hyde(None),
    ],
)  # fmt: skip
def test_a_part_of_another_kind_is_refused_where_it_is_made(wrong):
    with pytest.raises(ChromalabError) as raised:
        wrong()
    assert "\n" not in str(raised.value)


def test_expressions_cannot_be_nested_until_the_stack_ends():
    def deeper(start, step):
        for _ in range(100):
            start = step(start)

    one, two = K("b") == 1, K("b") == 2
    for start, step in ((Knn([1.0]), abs), (K("a") == 1, lambda where: (where & one) | two)):
        with pytest.raises(InvalidArgumentError, match="at most 50 levels"):
            deeper(start, step)
    several = K("a") == 1
    for _ in range(500):  # side by side, not nested
        several = several | (K("b") == 2)
    assert len(several.to_dict()["$or"]) == 501


def test_numbers_of_numpy_are_numbers(notes):
    search = Search(limit=np.int64(2), rank=Knn(np.array([1, 0])) * np.float32(0.5))
    assert notes.search(search)["ids"] == [["a", "c"]]
    assert isinstance(Val(np.float32(2)).to_dict()["$val"], float)


def test_exists_is_a_condition_of_a_search(notes):
    assert notes.search({"filter": {"n": {"$exists": False}}})["ids"] == [["c"]]


def fail(*_):
    raise RuntimeError("no\nmodel")


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Rerank(fail), "The function of Rerank raised RuntimeError: no model"),
        (TokenBudget(9, count=fail), "count of TokenBudget raised RuntimeError"),
        (Rerank(lambda query, texts: ["1"] * len(texts)), "must return numbers"),
        (Rerank(lambda query, texts: np.ones(len(texts)) * 1j), "must return numbers"),
        (Rerank(lambda query, texts: (1 for _ in texts)), "must return numbers"),
    ],
)
def test_a_function_that_fails_is_named(notes, step, says):
    with pytest.raises(ChromalabError, match=says):
        notes.search(Search().rank(Knn([1, 0])).then(step))


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Rewrite(fail), "Rewrite raised RuntimeError"), (Expand(fail), "Expand raised RuntimeError"),
        (Hyde(fail), "Hyde raised RuntimeError"), (Hyde(lambda text: None), "Hyde must return a list"),
        (Hyde(lambda text: {"a": 1}), "Hyde must return a list"), (Hyde(lambda text: [5]), "must return a text"),
    ],
)  # fmt: skip
def test_a_function_of_a_query_that_fails_is_named(notes, step, says):
    with pytest.raises(ChromalabError, match=says):
        notes.search(Search().rank(Knn("tea").then(step)))


def test_an_empty_collection_is_searched():
    with chromalab.EphemeralClient() as client:
        empty = client.create_collection("empty", embedding_function=None)
        rank = Rrf.of(Knn([1, 0]).then(Refine()), Keyword("tea"))
        search = Search().rank(rank).then(Mmr(), NearDuplicates(), Highlight())
        assert empty.search(search)["ids"] == [[]]
        assert empty.explain(search, analyze=True)


def test_a_document_can_be_named_by_a_list(notes):
    step = Collapse("tags", order="n", neighbors=1)
    assert notes.search(Search().rank(Knn([1, 0])).then(step))["ids"] == [["a", "c"]]


def test_a_result_is_pickled_without_the_functions_of_its_steps(notes):
    search = (
        Search().rank(Knn([1, 0])).then(Rerank(lambda query, texts: range(len(texts)))).limit(1)
    )
    result = notes.search(search.select(K.DOCUMENT))
    (id,) = result["ids"][0]
    other = "b" if id == "a" else "a"
    again = pickle.loads(pickle.dumps(result))
    assert again == result
    assert repr(again) == repr(result)
    assert again.why(id).stages == result.why(id).stages
    with pytest.raises(InvalidArgumentError, match="was pickled"):
        again.why_not(other)
    assert copy.deepcopy(result).why_not(other).stage == result.why_not(other).stage


@pytest.mark.parametrize("id", [5, None, "", [], b"a", 1.5])
def test_why_asks_for_an_id(notes, id):
    result = notes.search(Search().rank(Knn([1, 0], limit=1)))
    for ask in (result.why, result.why_not):
        with pytest.raises(InvalidArgumentError, match="ids"):
            ask(id)
