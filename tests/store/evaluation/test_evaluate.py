"""Evaluations measure the results that users get, are stored, and are compared with later ones."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from chromalab import errors
from chromalab.engine import Attachment
from chromalab.feedback import Transform

EVIL = "<img src=x onerror=alert(1)>"
QUERIES = {f"q{n}": [float(n), 1.0] for n in range(10)}
ANSWERS = {f"q{n}": {f"r{n}": 2, f"r{n + 1}": 1} for n in range(10)}


@pytest.fixture
def line(client):
    """Records on a line: the record nearest to (n, 1) is rn."""
    line = client.create_collection("line", embedding_function=None)
    line.add(ids=[f"r{n}" for n in range(40)], embeddings=[[n, 0] for n in range(40)])
    return line


@pytest.fixture
def tea(client, function):
    tea = client.create_collection("tea", embedding_function=function)
    tea.add(ids=["a", "b", "c"], documents=["tea", "a walk", "banana"])
    return tea


def shuffled(line, name="odd"):
    """Adds a transform that changes every ranking."""
    line.transforms.add(
        Transform(name=name, matrix=np.array([[-1, 0], [0, 1]], dtype=np.float32), both=False)
    )


def test_metrics_are_those_of_the_lists_that_query_returns(line):
    found = line.evaluate(QUERIES, ANSWERS, k=3, baseline=None)
    lists = line.query(query_embeddings=list(QUERIES.values()), n_results=40, include=[])["ids"]
    true = [[ANSWERS[q].get(f"r{n}", 0) for n in range(40)] for q in QUERIES]
    scores = [[-ids.index(f"r{n}") for n in range(40)] for ids in lists]
    assert found.metrics["ndcg@3"] == pytest.approx(ndcg_score(true, scores, k=3))
    assert [scored.ids for scored in found.scores] == [tuple(ids[:3]) for ids in lists]
    assert (found.metrics["recall@3"], found.metrics["mrr"], found.k, len(found)) == (1, 1, 3, 10)
    assert (found.compared, found.note) == (None, "")


def test_the_first_evaluation_is_stored_and_later_ones_are_compared_with_it(line):
    first = line.evaluate(QUERIES, ANSWERS)
    assert repr(first) == (
        f"line: 10 queries, ndcg@10 {first.metrics['ndcg@10']:.3f}, recall@10 1.000, mrr 1.000\n"
        "stored as the baseline 'main'"
    )
    same = line.evaluate(QUERIES, ANSWERS)
    assert same.compared.metrics["ndcg@10"].difference == 0
    assert "ndcg@10 is the same for every query" in repr(same)
    assert "nothing changed" in repr(same)
    # New records between each query and its answers cause drift.
    line.add(ids=[f"n{n}" for n in range(12)], embeddings=[[n - 0.1, 1] for n in range(12)])
    later = line.evaluate(QUERIES, ANSWERS)
    assert later.compared.is_more_than_chance
    assert later.compared.metrics["mrr"].after < later.compared.metrics["mrr"].before == 1
    assert (later.compared.better, later.compared.worse) == (0, 10)
    assert later.compared.changes == ("40 to 52 records", "1 write")
    assert "falls" in later.compared.summary
    assert later.compared.summary.endswith("more than chance")
    table = later.df()
    assert table["change"].is_monotonic_increasing
    assert (table["ndcg@10 before"] - table["ndcg@10"]).tolist() == pytest.approx(
        (-table["change"]).tolist()
    )


def test_evaluation_uses_and_names_the_active_transform(line):
    shuffled(line)
    line.evaluate(QUERIES, ANSWERS)
    line.transforms.use("odd")
    drifted = line.evaluate(QUERIES, ANSWERS)
    assert drifted.compared.changes == ("transform none to 'odd'",)
    assert drifted.metrics["mrr"] < 1
    assert not line.evaluate(QUERIES, ANSWERS, transform=None).compared.worse
    named = line.evaluate(QUERIES, ANSWERS, transform="odd", baseline=None)
    assert named.metrics == drifted.metrics


def test_a_filter_is_part_of_the_evaluation(client):
    shelf = client.create_collection("shelf", embedding_function=None)
    years = [{"year": 2000 + n} for n in range(4)]
    shelf.add(ids=list("abcd"), embeddings=[[n] for n in range(4)], metadatas=years)
    shelf.evaluate([[0.0]], [["c"]], k=1)
    found = shelf.evaluate([[0.0]], [["c"]], k=1, where={"year": {"$gte": 2002}})
    assert found.metrics["mrr"] == 1
    assert found.compared.changes == ("filter none to year: {'$gte': 2002}",)


def test_a_baseline_can_be_replaced_named_or_passed(line):
    first = line.evaluate(QUERIES, ANSWERS)
    line.delete(ids=["r3"])
    changed = line.evaluate(QUERIES, ANSWERS, replace=True)
    assert changed.note == "stored as the baseline 'main', replacing that one"
    assert changed.compared.changes == ("40 to 39 records", "1 write")
    assert line.evaluate(QUERIES, ANSWERS).compared.changes == ()
    assert line.evaluate(QUERIES, ANSWERS, baseline="other").compared is None
    given = line.evaluate(QUERIES, ANSWERS, baseline=first)
    assert (given.compared.name, given.compared.changes) == ("", ("40 to 39 records", "1 write"))
    assert len(line.engine.attachments(line.id, "evaluation")) == 2


def test_current_answers_measure_both_evaluations(line):
    line.evaluate(QUERIES, ANSWERS)
    # It turns out later that this was an answer all along.
    later = line.evaluate(QUERIES, {**ANSWERS, "q5": {"r5": 2, "r9": 1}})
    assert later.compared.metrics["ndcg@10"].difference == 0
    # A deleted answer does not count against the current results.
    line.delete(ids=["r0"])
    gone = line.evaluate(QUERIES, ANSWERS)
    assert gone.left_out == {"no such record": 1}
    (first,) = (scored for scored in gone.scores if scored.query == "q0")
    assert (first.relevant, first.change, first.before["ndcg@10"]) == (1, 0, 1)
    assert "1 left out: no such record" in repr(gone)


def test_only_the_same_queries_are_compared(tea):
    tea.evaluate({"1": "tea", "2": "walks"}, {"1": ["a"], "2": ["b"]})
    found = tea.evaluate({"1": "tea", "2": "other", "3": "banana"}, {"1": "a", "2": "b", "3": "c"})
    assert found.compared.metrics["mrr"].queries == 1
    assert sorted(found.compared.left_out.values()) == [1, 1]
    none = tea.evaluate({"9": "x"}, {"9": ["a"]})
    assert none.compared is None
    assert "none of these queries" in none.note


def test_queries_in_a_list_are_identified_by_content_not_position(tea):
    tea.evaluate(["tea", "walks", [3.0, 1.0]], [["a"], ["b"], {"c": 1}])
    found = tea.evaluate([[3.0, 1.0], "tea", "tea"], [["c"], ["a"], ["a"]])
    assert found.compared.metrics["mrr"].queries == 2
    assert found.compared.left_out == {"queries that are not in the baseline": 1}
    assert [scored.query for scored in found.scores] == ["query 0", "tea", "tea"]


@pytest.mark.parametrize(
    "relevance",
    [
        {"q1": {"r1": 1}, "q2": {"r2": 1, "r3": 0}},
        {"q1": ["r1"], "q2": ("r2",)},
        {"q1": "r1", "q2": np.array(["r2"])},
        [("q1", "r1", 1), ("q2", "r2", True), ("q2", "r3", -1)],
        pd.DataFrame({"query-id": ["q1", "q2"], "corpus-id": ["r1", "r2"], "score": [1, 1]}),
    ],
)
def test_answers_are_accepted_in_every_form(line, relevance):
    queries = {name: QUERIES[name] for name in ("q1", "q2")}
    found = line.evaluate(queries, relevance, baseline=None)
    assert [(s.query, s.relevant, s.first) for s in found.scores] == [("q1", 1, 1), ("q2", 1, 1)]


def test_what_cannot_be_measured_is_counted(line):
    relevance = {"q1": ["r1", "missing"], "q2": ["missing"], "q3": {"r3": 0}, "zz": ["r1"]}
    queries = {name: QUERIES[name] for name in ("q1", "q2", "q3", "q4")}
    found = line.evaluate(queries, relevance, baseline=None)
    assert len(found) == 1
    assert found.left_out == {
        "no such record": 2,
        "no query with their query id": 1,
        "a query without an existing relevant record": 3,
    }


@pytest.mark.parametrize(
    ("queries", "relevance", "options", "message"),
    [
        ({}, {}, {}, "queries is empty"),
        ([], [], {}, "queries is empty"),
        ("tea", ["r1"], {}, "queries must be a list of texts or vectors"),
        (pd.DataFrame({"text": ["x"]}), ["r1"], {}, "Pick a column"),
        (QUERIES, {"q1": ["zz"]}, {}, "None of 10 queries can be measured: 1 left out: no such"),
        (QUERIES, {"q1": 3}, {}, "dict of ids to grades"),
        (QUERIES, {"q1": {"r1": "much"}}, {}, "finite grade"),
        ([[0, 0]], [["r1"], ["r2"]], {}, "2 entries for 1 queries"),
        ([[0, 0]], 5, {}, "list of rows"),
        ([[0, 0, 0]], [["r1"]], {}, "got 3"),
        (["tea"], [["r1"]], {}, "no embedding function"),
        (QUERIES, ANSWERS, {"k": 0}, "at least 1"),
        (QUERIES, ANSWERS, {"baseline": ""}, "baseline is empty"),
        (QUERIES, ANSWERS, {"baseline": "a\nb"}, "a name of at most 200"),
        (
            QUERIES,
            ANSWERS,
            {"baseline": 3},
            "baseline must be a name, an Evaluation or None; got 3",
        ),
        (QUERIES, ANSWERS, {"baseline": None, "replace": True}, "requires the name of a baseline"),
        (QUERIES, ANSWERS, {"replace": 1}, "True or False"),
        (QUERIES, ANSWERS, {"transform": "missing"}, "No transform 'missing'"),
    ],
)
def test_invalid_arguments_are_refused_and_nothing_is_stored(
    line, queries, relevance, options, message
):
    with pytest.raises(errors.ChromalabError, match=message):
        line.evaluate(queries, relevance, **options)
    assert not line.engine.attachments(line.id, "evaluation")


def test_an_empty_collection_is_reported(client):
    empty = client.create_collection("empty", embedding_function=None)
    with pytest.raises(errors.InvalidArgumentError, match="no records to find"):
        empty.evaluate(QUERIES, ANSWERS)


def test_a_shorter_baseline_cannot_be_compared_but_replaced(line):
    line.evaluate(QUERIES, ANSWERS, k=5)
    with pytest.raises(errors.InvalidArgumentError, match="k=5"):
        line.evaluate(QUERIES, ANSWERS, k=10)
    assert line.evaluate(QUERIES, ANSWERS, k=3).compared.metrics["ndcg@3"].difference == 0
    longer = line.evaluate(QUERIES, ANSWERS, k=10, replace=True)
    assert longer.compared is None
    assert line.evaluate(QUERIES, ANSWERS).compared is not None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"state": {}, "lists": []},
        {"state": None, "lists": [["q1", None, ["r1"]]]},
        {"lists": [[1]], "state": {"at": "x"}},
    ],
)
def test_a_damaged_baseline_is_reported_and_replaced(line, body):
    line.engine.attach(line.id, add=[Attachment("evaluation", body, "main")])
    with pytest.raises(errors.InternalError, match="replace=True"):
        line.evaluate(QUERIES, ANSWERS)
    assert "replacing another" in line.evaluate(QUERIES, ANSWERS, replace=True).note
    assert line.evaluate(QUERIES, ANSWERS).compared is not None


def test_a_baseline_is_visible_to_other_clients_and_copied_by_a_fork(tmp_path, elsewhere):
    here = elsewhere(tmp_path).create_collection("line", embedding_function=None)
    here.add(ids=[f"r{n}" for n in range(20)], embeddings=[[n, 0] for n in range(20)])
    here.evaluate(QUERIES, ANSWERS)
    there = elsewhere(tmp_path).get_collection("line")
    assert there.evaluate(QUERIES, ANSWERS).compared.changes == ()
    assert there.fork("copy").evaluate(QUERIES, ANSWERS).compared is not None


def test_few_changes_are_not_called_certain(line):
    queries = {name: QUERIES[name] for name in ("q1", "q2")}
    line.evaluate(queries, ANSWERS)
    shuffled(line)
    found = line.evaluate(queries, ANSWERS, transform="odd")
    assert not found.compared.is_more_than_chance
    assert found.compared.summary.endswith("too few queries to tell (2 changed)")


def test_text_of_users_is_escaped(tea):
    queries, relevance = [EVIL, *(f"text {n}" for n in range(12))], [["a"]] * 13
    tea.evaluate(queries, relevance, baseline=EVIL)
    shown = tea.evaluate(queries, relevance, baseline=EVIL, replace=True)
    html = shown._repr_html_()
    assert EVIL not in html
    assert "&lt;img" in html
    assert "10 of 13 queries shown" in html
    assert len(repr(shown).splitlines()) <= 6


def test_messages_name_the_argument_as_it_is_spelled(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a"], embeddings=[[0, 1]])
    with pytest.raises(errors.InvalidArgumentError, match="Row 0 of relevance"):
        points.evaluate({"q": [0, 1]}, [["a"]])
