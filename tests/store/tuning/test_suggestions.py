"""Suggestions: unjudged records about which rankings disagree, outside the displayed list."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from chromalab import errors
from chromalab.feedback import Suggestions, Transform

EVIL = "<img src=x onerror=alert(1)>"
DIMENSION = 8


def rotated(client, queries=15, records=60, space="cosine", seed=0):
    """A collection whose answers are where a hidden rotation maps the query, with judgments."""
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(DIMENSION, DIMENSION)))[0]
    rows = random.normal(size=(records, DIMENSION)).astype(np.float32)
    asked = random.normal(size=(queries, DIMENSION)).astype(np.float32)
    rotated = client.create_collection(
        "rotated", embedding_function=None, configuration={"hnsw": {"space": space}}
    )
    rotated.add(ids=[f"r{n}" for n in range(records)], embeddings=rows)
    best = np.argsort(-(asked @ turn) @ rows.T, axis=1)
    for query, order in zip(asked, best, strict=True):
        ids = [f"r{row}" for row in (*order[:2], *order[-2:])]
        rotated.feedback.add(query, ids, [True, True, False, False])
    return rotated, asked


def said(found):
    return [(one.query, one.id, one.why, one.score) for one in found]


def test_judged_records_are_not_suggested_and_each_query_has_few(client):
    collection, _ = rotated(client)
    found = collection.feedback.suggest(30)
    judged = {(j.data, j.id) for j in collection.feedback}
    pairs = [(one.ask.tobytes(), one.id) for one in found]
    assert len(set(pairs)) == len(pairs) == len(found) == 30
    assert not judged & set(pairs)
    assert max(Counter(one.query for one in found).values()) <= 3
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert "4 transforms" in found.note
    assert "infonce" in found.note


def test_records_outside_the_displayed_list_come_first(client):
    collection, asked = rotated(client)
    found = collection.feedback.suggest(10)
    lists = collection.query(query_embeddings=asked, n_results=10, include=[])["ids"]
    shown = {(query.tobytes(), id) for query, ids in zip(asked, lists, strict=True) for id in ids}
    out = [one for one in found if (one.ask.tobytes(), one.id) not in shown]
    assert len(out) >= 8
    assert any("the rankings disagree" in one.why for one in out)


def test_the_reported_ranks_are_those_of_the_plain_ranking(client):
    collection, _ = rotated(client)
    for one in collection.feedback.suggest(15):
        ids = collection.query(query_embeddings=[one.ask], n_results=60, include=[])["ids"][0]
        words = one.why.split()
        if "without" in one.why:
            assert words[1] == str(1 + ids.index(one.id))


@pytest.mark.parametrize("space", ["cosine", "l2", "ip"])
def test_equal_seeds_give_equal_suggestions_until_they_are_judged(client, space):
    collection, _ = rotated(client, space=space)
    first = collection.feedback.suggest(12, random_state=3)
    assert said(first) == said(collection.feedback.suggest(12, random_state=3))
    for one in first:
        collection.feedback.add(one.ask, one.id, False)
    pairs = {(one.ask.tobytes(), one.id) for one in first}
    again = collection.feedback.suggest(12, random_state=3)
    assert not pairs & {(one.ask.tobytes(), one.id) for one in again}


def test_without_judgments_the_end_of_the_list_comes_first(notes):
    notes.add(ids=[f"n{n}" for n in range(30)], documents=["b" * (n + 1) + "a" for n in range(30)])
    with pytest.raises(errors.InvalidArgumentError, match="queries="):
        notes.feedback.suggest()
    found = notes.feedback.suggest(queries=["bba", [3.0, 1.0], "bba"])
    assert Counter(one.query for one in found) == {"bba": 3, "vector 1": 3}
    lists = notes.query(query_texts=["bba"], n_results=20, include=[])["ids"][0]
    assert {one.id for one in found if one.query == "bba"} <= set(lists[10:])
    assert all("just outside the list" in one.why for one in found)
    assert found.found[0].document == notes.get(ids=[found.found[0].id])["documents"][0]
    assert said(notes.feedback.suggest(queries="bba")) == [
        row for row in said(found) if row[0] == "bba"
    ]
    assert len(notes.feedback.suggest(2, queries=[3.0, 1.0])) == 2


def test_few_judged_queries_are_learned_in_closed_form(client):
    collection, _ = rotated(client, queries=4)
    assert "ridge" in collection.feedback.suggest().note
    elsewhere = collection.feedback.suggest(queries=[[1.0] * DIMENSION])
    assert {one.query for one in elsewhere} == {"vector 0"}
    assert "ridge" in elsewhere.note


def test_one_judged_query_is_too_little_to_learn_from(client):
    collection, _ = rotated(client, queries=1)
    assert "too little was judged" in collection.feedback.suggest().note


def test_a_compared_record_is_a_query_but_not_its_own_answer(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=[f"r{n}" for n in range(8)], embeddings=[[n, 1] for n in range(8)])
    points.feedback.pairs("r0", ["r1", "r2"], similar=True)
    points.feedback.pairs("r3", "r0", similar=False)
    found = [(one.query, one.id) for one in points.feedback.suggest()]
    assert {query for query, _ in found} == {"record r0", "record r3"}
    pairs = {frozenset((query.removeprefix("record "), id)) for query, id in found}
    assert all(len(pair) == 2 for pair in pairs)
    assert not pairs & {frozenset(("r0", f"r{n}")) for n in (1, 2, 3)}


def test_the_displayed_list_is_that_of_the_active_transform(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=[f"r{n}" for n in range(15)], embeddings=[[n, 0] for n in range(15)])
    back = np.array([[-1, 0], [0, 1]], dtype=np.float32)
    points.transforms.add(Transform(name="back", matrix=back, both=False))
    seen = []
    for name in (None, "back"):
        points.transforms.use(name)
        found = points.feedback.suggest(queries=[[9.0, 1.0]])
        ids = points.query(query_embeddings=[[9.0, 1.0]], n_results=10, include=[])["ids"][0]
        assert not {one.id for one in found} & set(ids)
        seen.append({one.id for one in found})
    assert seen[0] != seen[1]


def test_in_a_large_collection_only_records_near_a_query_are_ranked(client):
    random = np.random.default_rng(0)
    rows = random.normal(size=(10_500, 3)).astype(np.float32)
    large = client.create_collection("large", embedding_function=None)
    for start in range(0, len(rows), 5_000):
        part = rows[start : start + 5_000]
        large.add(ids=[f"r{start + n}" for n in range(len(part))], embeddings=part)
    query = [0.1, 0.2, 0.3]
    found = large.feedback.suggest(queries=[query])
    ids = large.query(query_embeddings=[query], n_results=20, include=[])["ids"][0]
    assert [one.id for one in found] == ids[10:13]
    assert "200 of 10,500 records" in found.note


@pytest.mark.parametrize(
    ("n", "queries", "message"),
    [
        (0, None, "at least 1"),
        ("x", None, "n must be an integer; got 'x'"),
        (5, [], "No query"),
        (5, 3, "list of texts or vectors"),
        (5, [[1.0, 2.0]], "got 2"),
        (5, [""], "empty"),
        (5, ["tea"], "no embedding function"),
        (5, pd.DataFrame({"text": ["tea"]}), "Pick a column"),
    ],
)
def test_invalid_arguments_are_refused(client, n, queries, message):
    collection, _ = rotated(client, queries=2)
    with pytest.raises(errors.ChromalabError, match=message):
        collection.feedback.suggest(n, queries=queries)


def test_an_empty_collection_is_reported(client):
    empty = client.create_collection("empty", embedding_function=None)
    with pytest.raises(errors.InvalidArgumentError, match="no records to judge"):
        empty.feedback.suggest(queries=[[1.0]])


def test_text_of_users_is_escaped_and_long_lists_are_cut(notes):
    notes.add(ids=[f"n{n}" for n in range(30)], documents=[EVIL + "a" * n for n in range(30)])
    found = notes.feedback.suggest(30, queries=[EVIL, *(f"text {n}" for n in range(12))])
    assert isinstance(found, Suggestions)
    assert EVIL not in found._repr_html_()
    assert "&lt;img" in found._repr_html_()
    assert "20 of 30 shown" in repr(found)
    assert repr(found).startswith("notes: 30 records to judge\n")
    assert list(found.df()["query"]) == [one.query for one in found]
