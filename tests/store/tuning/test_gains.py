"""Unjudged queries gain if there is something to gain, and none get worse."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from chromalab.evaluation.metrics import of_ranks
from chromalab.feedback import ResolvedJudgments, tune
from chromalab.tuning.crossvalidation import cross_validate
from chromalab.tuning.methods import Method, candidates
from chromalab.tuning.training_set import TrainingSet

SHARED = Path(__file__).parents[4] / "shared" / "data" / "feedback"


def test_unjudged_queries_gain(world, report):
    assert report.admitted
    assert report.transform.both
    assert report.gain > 2 * report.se > 0
    assert world.change(report.transform).difference > 0.03


def test_the_report_is_about_held_out_queries(report):
    assert report.metrics["ndcg@10"].queries == len(report.held_out.queries) == 30
    assert report.metrics["ndcg@10"].after > report.metrics["ndcg@10"].before
    assert report.wins > report.losses
    frame = report.df()
    assert len(frame) == 30
    assert frame["log-rank gain"].is_monotonic_decreasing
    assert report.transform.evaluation["metrics"]["mrr"]["queries"] == 30


def test_columns_name_what_they_measure(report):
    html = report._repr_html_()
    assert "cross-validated mean of 30 queries, judged records" in html
    assert "change ± standard error" in html
    first = report.df().iloc[0]
    assert first["log-rank gain"] == pytest.approx(report.held_out.changes.max(), abs=1e-3)
    assert {"first rank before", "first rank after", "ndcg@10 before"} <= set(report.df().columns)


def test_equal_seeds_give_equal_bytes(world):
    judged = world.judged(each=2)
    first, again, other = (tune(judged, random_state=seed).candidate for seed in (7, 7, 8))
    assert first.matrix.tobytes() == again.matrix.tobytes()
    assert first.matrix.tobytes() != other.matrix.tobytes()
    assert first.parameters["random_state"] == 7


@pytest.mark.parametrize("method", get_args(Method))
@pytest.mark.parametrize("sides", ["both", "queries"])
def test_no_method_makes_unjudged_queries_worse(world, method, sides):
    report = tune(world.judged(), method=method, sides=sides)
    change = world.change(report.transform)
    assert change.difference >= -2 * change.se
    if sides == "queries" and method != "mahalanobis":
        assert not report.candidate.both


def test_a_transform_of_queries_leaves_records_unchanged(world):
    report = tune(world.judged(), sides="queries")
    assert report.admitted
    np.testing.assert_array_equal(report.transform.documents(world.documents), world.documents)


@pytest.mark.parametrize("seed", range(3))
def test_three_labels_in_ten_may_be_wrong(seed, new_world):
    world = new_world(seed)
    judged = world.judged()
    wrong = np.random.default_rng(seed).random(len(judged)) < 0.3
    grades = np.where(wrong, -judged.relevance, judged.relevance)
    report = tune(ResolvedJudgments.of(judged.queries, judged.documents, judged.pairs, grades))
    assert world.change(report.transform).difference >= -0.005


def test_nothing_gets_worse_if_there_is_nothing_to_gain(new_world):
    # All directions distinguish the groups.
    world = new_world(records=300, groups=30, informative=32, dimension=32)
    report = tune(world.judged())
    assert world.change(report.transform).difference >= 0


@pytest.mark.parametrize("space", ["cosine", "l2", "ip"])
def test_lengths_are_preserved_in_every_space(world, space):
    lengths = world.random.uniform(0.5, 2, size=(len(world.documents), 1)).astype(np.float32)
    judged = world.judged()
    scaled = ResolvedJudgments.of(
        judged.queries, judged.documents * lengths, judged.pairs, judged.relevance, space=space
    )
    report = tune(scaled, gate="off")
    after = np.linalg.norm(report.transform.documents(scaled.documents), axis=1)
    np.testing.assert_allclose(after, lengths[:, 0], rtol=1e-5)


def test_folds_hold_out_whole_queries(world):
    seen = TrainingSet.of(world.judged(), 0)
    parts = []

    def note(part):
        parts.append(set(part.judged_queries.tolist()))
        return candidates("ridge", both=False, random_state=0)[0](part)

    found = cross_validate(seen, note, repeats=1, random_state=0)
    everything = set(seen.judged_queries.tolist())
    assert set(found.queries.tolist()) == everything
    assert sorted(q for part in parts for q in everything - part) == sorted(everything)


def test_unjudged_records_near_a_query_are_never_negatives(world):
    seen = TrainingSet.of(world.judged(), 0)
    near = np.argsort(-(seen.queries @ seen.documents.T), axis=1)
    for query in seen.judged_queries:
        mine = seen.pairs[:, 0] == query
        nearest = near[query, : len(seen.documents) // 20]
        unjudged = np.setdiff1d(nearest, seen.pairs[mine, 1])
        assert not seen.others[query, unjudged].any()
        assert not seen.others[query, seen.pairs[mine & (seen.gains > 0), 1]].any()
        assert seen.others[query, seen.pairs[mine & (seen.gains < 0), 1]].all()


@pytest.mark.skipif(
    not SHARED.is_dir(),
    reason="the measured sets of ../shared/data/feedback are not beside this checkout",
)
def test_real_passages_gain_and_a_shuffled_log_is_refused():
    held = np.load(SHARED / "chunks.npz")
    documents, queries = (
        held["doc_vectors"].astype(np.float32),
        held["query_vectors"].astype(np.float32),
    )
    answers = {}
    for query, row in held["relevant"]:
        answers.setdefault(int(query), set()).add(int(row))
    random = np.random.default_rng(100)
    order = random.permutation(len(queries))
    pairs, grades = [], []
    for query in order[:100].tolist():
        ranking = np.argsort(-(documents @ queries[query]), kind="stable")[:20]
        other = random.choice([row for row in ranking if row not in answers[query]])
        pairs += [(query, random.choice(sorted(answers[query]))), (query, other)]
        grades += [1, -1]
    report = tune(ResolvedJudgments.of(queries, documents, pairs, grades))
    assert report.admitted

    def ndcg(queries, documents):
        found = []
        for row, query in zip(queries @ documents.T, order[236:].tolist(), strict=True):
            ranks = np.argsort(np.argsort(-row))[sorted(answers[query])] + 1
            found.append(of_ranks(ranks)["ndcg@10"])
        return np.mean(found)

    test = queries[order[236:]]
    made = report.transform
    assert ndcg(made.queries(test), made.documents(documents)) > ndcg(test, documents) + 0.01
    pairs = np.array(pairs)
    pairs[:, 1] = random.permutation(pairs[:, 1])
    assert not tune(ResolvedJudgments.of(queries, documents, pairs, grades)).admitted
