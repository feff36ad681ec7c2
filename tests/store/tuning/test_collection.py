"""A collection is tuned on its judgments, the report shows what changed, and it can be reverted."""

import html

import numpy as np
import pytest

from chromalab import errors
from chromalab.feedback import tune

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def papers(client, world):
    papers = client.create_collection("papers", embedding_function=None)
    papers.add(ids=[f"r{row}" for row in range(len(world.documents))], embeddings=world.documents)
    judged = world.judged()
    for query in np.unique(judged.pairs[:, 0]):
        mine = judged.pairs[:, 0] == query
        papers.feedback.add(
            query=world.queries[query],
            id=[f"r{row}" for row in judged.pairs[mine, 1]],
            relevance=judged.relevance[mine].tolist(),
        )
    return papers


def test_tuning_a_collection_can_be_reverted(papers, world):
    asked = {"query_embeddings": world.queries[1:20:2], "include": []}
    before = papers.query(**asked)["ids"]
    report = papers.tune()
    assert report.is_active
    assert papers.transforms.active.name == "tuned-1"
    after = papers.query(**asked)["ids"]
    assert after != before == papers.query(**asked, transform=None)["ids"]
    own = report.transform
    rows = own.queries(world.queries[1:2]) @ own.documents(world.documents).T
    assert after[0] == [f"r{row}" for row in np.argsort(-rows[0])[:10]]
    papers.transforms.use(None)
    assert papers.query(**asked)["ids"] == before
    assert papers.tune(use=False).transform.name == "tuned-2"
    assert papers.transforms.active is None


def test_a_refused_transform_changes_nothing(papers):
    for _ in range(28):
        papers.feedback.undo()
    report = papers.tune()
    assert not report.admitted
    assert not report.is_active
    assert len(papers.transforms) == 0
    assert "only 2 queries" in repr(report)


def test_opposite_judgments_of_two_people_teach_nothing(papers):
    for judgment in list(papers.feedback):
        papers.feedback.add(
            query=judgment.vector,
            id=judgment.id,
            relevance=-judgment.relevance,
            by="another person",
        )
    report = papers.tune()
    assert not report.admitted
    assert "no usable judgments" in report.reason
    assert "people of equal weight" in repr(report)


def test_a_taken_name_is_refused_before_learning(papers):
    papers.tune(name="mine", use=False)
    with pytest.raises(errors.UniqueConstraintError, match="mine"):
        papers.tune(name="mine")


def test_pairs_of_records_teach_as_queries_do(client, world):
    likes = client.create_collection("likes", embedding_function=None)
    ids = [f"r{row}" for row in range(len(world.documents))]
    likes.add(ids=ids, embeddings=world.documents)
    random = np.random.default_rng(1)
    for row in range(60):
        near = np.argsort(-(world.documents @ world.documents[row]))
        alike = world.group[near] == world.group[row]
        alike[0] = False  # The record itself.
        others = near[(world.group[near] != world.group[row])][:10]
        a = [ids[row]] * 4
        b = [
            ids[r]
            for r in [*random.choice(near[alike], 2), *random.choice(others, 2, replace=False)]
        ]
        likes.feedback.pairs(a, b, similar=[True, True, False, False])
    report = likes.tune(use=False)
    assert report.admitted
    assert world.change(report.transform).difference > 0.02


def test_a_single_query_can_be_tuned_untested_with_the_gate_off(client):
    rows = np.random.default_rng(0).normal(size=(12, 4))
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=[str(n) for n in range(12)], embeddings=rows)
    points.feedback.add(rows[0], [str(n) for n in range(12)], [n < 4 for n in range(12)])
    report = points.tune(gate="off")
    assert "untested" in report.reason
    assert report.transform.evaluation["gain_se"] is None
    assert points.transforms.active.name == "tuned-1"
    assert "untested" in report._repr_html_()
    assert "tuned-1" in repr(points.transforms)


@pytest.mark.parametrize("space", ["cosine", "l2", "ip"])
@pytest.mark.parametrize("method", ["auto", "memory"])
def test_vectors_beyond_the_range_of_float32_do_no_harm(client, space, method):
    random = np.random.default_rng(0)
    points = client.create_collection(
        "points", embedding_function=None, configuration={"hnsw": {"space": space}}
    )
    rows = random.normal(size=(30, 8))
    rows[1], rows[2] = 3e38, 0
    points.add(ids=[str(n) for n in range(30)], embeddings=rows)
    for n in range(12):
        query = random.normal(size=8) * 10.0 ** (3 * n)
        points.feedback.add(query, [str(n), str(n + 12)], [True, False])
    learned = points.tune(method=method, gate="off", progress=False).candidate
    assert np.isfinite(learned.matrix).all()
    assert np.isfinite(learned.queries(np.full((1, 8), 3e38, dtype=np.float32))).all()
    assert len(points.query(query_embeddings=[[3e38] * 8], n_results=3)["ids"][0]) == 3
    assert len(points.feedback.suggest(3)) == 3


def test_text_of_users_is_escaped_in_the_report(world):
    texts = [EVIL] * len(world.queries)
    report = tune(world.judged(texts=texts))
    page = report._repr_html_()
    assert EVIL not in page
    assert html.escape(EVIL) in page
    assert report.changed(2)[0].query == EVIL


def test_the_most_changed_rankings_come_first(report):
    changed = report.changed(4)
    assert len(changed) == 4
    assert [row.shared for row in changed] == sorted(row.shared for row in changed)
    assert len(set(changed[0].before) & set(changed[0].after)) == changed[0].shared < 10
