"""Tuning gains where there is something to gain, and refuses the rest with a reason."""

import html
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromalab import errors
from chromalab.feedback import Judged, TuneReport, tune
from chromalab.feedback.crossvalidation import cross_validate
from chromalab.feedback.methods import METHODS, candidates
from chromalab.feedback.metrics import of_ranks, paired
from chromalab.feedback.problem import Problem

EVIL = "<img src=x onerror=alert(1)>"
SHARED = Path(__file__).parents[4] / "shared" / "data" / "feedback"


class World:
    """Records of some groups, told apart by few of many directions; a query wants its group."""

    def __init__(self, seed=0, *, records=400, queries=60, dimension=32, groups=20, told=8):
        random = np.random.default_rng(seed)
        centres = random.normal(size=(groups, told))
        self.group = np.arange(records) % groups
        self.asked = np.arange(queries) % groups
        self.documents = self._rows(random, centres[self.group], dimension, told)
        self.queries = self._rows(random, centres[self.asked], dimension, told)
        self.random = random

    @staticmethod
    def _rows(random, told, dimension, count):
        rows = random.normal(size=(len(told), dimension)) * 0.7
        rows[:, :count] = told + random.normal(size=told.shape) * 0.4
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def judged(self, queries=None, each=3, **options):
        """As many answers as others of each query, the others from the top of its ranking."""
        queries = range(0, len(self.queries), 2) if queries is None else queries
        pairs, relevance = [], []
        for query in queries:
            ranking = np.argsort(-(self.documents @ self.queries[query]), kind="stable")
            right = self.group[ranking] == self.asked[query]
            answers = self.random.permutation(ranking[right])[:each]
            others = self.random.permutation(ranking[~right][:20])[:each]
            pairs += [(query, row) for row in [*answers, *others]]
            relevance += [1] * len(answers) + [-1] * len(others)
        return Judged.of(self.queries, self.documents, pairs, relevance, **options)

    def ndcg(self, transform=None):
        """(30,) nDCG@10 of the odd queries, which are never judged."""
        queries, documents = self.queries[1::2], self.documents
        if transform is not None:
            queries, documents = transform.queries(queries), transform.documents(documents)
        found = []
        for row, group in zip(queries @ documents.T, self.asked[1::2], strict=True):
            ranks = 1 + np.flatnonzero(self.group[np.argsort(-row, kind="stable")] == group)
            found.append(of_ranks(ranks)["ndcg@10"])
        return np.array(found)

    def change(self, transform):
        """How these queries do with a transform, against without."""
        return paired(self.ndcg(), self.ndcg(transform))


@pytest.fixture(scope="module")
def world():
    return World()


@pytest.fixture(scope="module")
def report(world):
    return tune(world.judged())


def test_queries_that_nobody_judged_gain(world, report):
    assert report.admitted
    assert report.transform.both
    assert report.gain > 2 * report.se > 0
    assert world.change(report.transform).difference > 0.03


def test_the_report_is_of_queries_that_were_held_out(report):
    assert report.metrics["ndcg@10"].queries == len(report.held_out.queries) == 30
    assert report.metrics["ndcg@10"].after > report.metrics["ndcg@10"].before
    assert report.wins > report.losses
    frame = report.df()
    assert len(frame) == 30
    assert frame["change"].is_monotonic_decreasing
    assert report.transform.evaluation["metrics"]["mrr"]["queries"] == 30


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(world):
    judged = world.judged(each=2)
    first, again, other = (tune(judged, random_state=seed).candidate for seed in (7, 7, 8))
    assert first.matrix.tobytes() == again.matrix.tobytes()
    assert first.matrix.tobytes() != other.matrix.tobytes()
    assert first.parameters["random_state"] == 7


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sides", ["both", "queries"])
def test_no_method_makes_queries_worse_that_nobody_judged(world, method, sides):
    report = tune(world.judged(), method=method, sides=sides)
    change = world.change(report.transform)
    assert change.difference >= -2 * change.se
    if sides == "queries" and method != "mahalanobis":
        assert not report.candidate.both


def test_what_was_learned_from_queries_alone_leaves_records_as_they_are(world):
    report = tune(world.judged(), sides="queries")
    assert report.admitted
    np.testing.assert_array_equal(report.transform.documents(world.documents), world.documents)


def refused(judged, words, **options):
    report = tune(judged, **options)
    assert not report.admitted
    assert words in report.reason
    assert report.transform.method == "identity"
    np.testing.assert_array_equal(report.transform.queries(judged.queries), judged.queries)
    return report


def test_too_few_judgements_are_refused(world):
    assert refused(world.judged([0, 2], each=2), "8 judgements are too few").candidate is None


def test_judgements_of_one_query_are_refused(world):
    report = refused(world.judged([0], each=10), "only 1 query")
    assert report.decision.needed == 2


def test_only_answers_and_only_others_are_refused(world):
    judged = world.judged()
    for sign, words in ((1, "Everything was judged relevant"), (-1, "Nothing was judged relevant")):
        kept = np.sign(judged.relevance) == sign
        part = Judged.of(
            judged.queries, judged.documents, judged.pairs[kept], judged.relevance[kept]
        )
        refused(part, words)


@pytest.mark.parametrize("each", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_a_log_whose_records_were_shuffled_is_refused(seed, each):
    judged = World(seed).judged(each=each)
    pairs = judged.pairs.copy()
    pairs[:, 1] = np.random.default_rng(seed).permutation(pairs[:, 1])
    refused(
        Judged.of(judged.queries, judged.documents, pairs, judged.relevance),
        "do not fit their queries",
    )


@pytest.mark.parametrize("seed", range(3))
def test_three_labels_in_ten_may_be_wrong(seed):
    world = World(seed)
    judged = world.judged()
    wrong = np.random.default_rng(seed).random(len(judged)) < 0.3
    grades = np.where(wrong, -judged.relevance, judged.relevance)
    report = tune(Judged.of(judged.queries, judged.documents, judged.pairs, grades))
    assert world.change(report.transform).difference >= -0.005


def test_where_there_is_nothing_to_gain_the_identity_stays():
    world = World(
        records=300, groups=30, told=32, dimension=32
    )  # the encoder tells all groups apart
    report = tune(world.judged())
    assert world.change(report.transform).difference >= 0


def test_many_judgements_have_to_show_a_gain(world):
    judged = world.judged(each=9)
    assert len(judged) >= 500
    grades = np.random.default_rng(0).permutation(judged.relevance)
    strict = tune(Judged.of(judged.queries, judged.documents, judged.pairs, grades))
    if not strict.admitted:
        assert "one standard error" in strict.reason or "do not fit" in strict.reason
    else:
        assert strict.gain > strict.se


def test_the_gate_can_be_opened_by_hand(world):
    judged = world.judged()
    pairs = judged.pairs.copy()
    pairs[:, 1] = np.random.default_rng(0).permutation(pairs[:, 1])
    shuffled = Judged.of(judged.queries, judged.documents, pairs, judged.relevance)
    report = tune(shuffled, gate="off")
    assert report.admitted
    assert report.transform.method != "identity"


@pytest.mark.parametrize("space", ["cosine", "l2", "ip"])
def test_lengths_stay_and_count_as_the_space_has_it(world, space):
    lengths = world.random.uniform(0.5, 2, size=(len(world.documents), 1)).astype(np.float32)
    judged = world.judged()
    scaled = Judged.of(
        judged.queries, judged.documents * lengths, judged.pairs, judged.relevance, space=space
    )
    report = tune(scaled, gate="off")
    after = np.linalg.norm(report.transform.documents(scaled.documents), axis=1)
    np.testing.assert_allclose(after, lengths[:, 0], rtol=1e-5)


def test_folds_hold_out_whole_queries(world):
    problem = Problem.of(world.judged(), 0)
    seen = []

    def note(part):
        seen.append(set(part.judged_queries.tolist()))
        return candidates("ridge", both=False, random_state=0)[0](part)

    found = cross_validate(problem, note, repeats=1, random_state=0)
    everything = set(problem.judged_queries.tolist())
    assert set(found.queries.tolist()) == everything
    assert sorted(q for part in seen for q in everything - part) == sorted(everything)


def test_unjudged_records_near_a_query_are_never_taken_for_others(world):
    problem = Problem.of(world.judged(), 0)
    near = np.argsort(-(problem.queries @ problem.documents.T), axis=1)
    for query in problem.judged_queries:
        mine = problem.pairs[:, 0] == query
        nearest = near[query, : len(problem.documents) // 20]
        unjudged = np.setdiff1d(nearest, problem.pairs[mine, 1])
        assert not problem.others[query, unjudged].any()
        assert not problem.others[query, problem.pairs[mine & (problem.gains > 0), 1]].any()
        assert problem.others[query, problem.pairs[mine & (problem.gains < 0), 1]].all()


def test_arrays_that_do_not_fit_are_refused(world):
    with pytest.raises(errors.InvalidArgumentError, match="Judgements are"):
        Judged.of([[0, 1]], [[1, 0]], [[0, 5]], [1])
    with pytest.raises(errors.InvalidArgumentError, match="NaN"):
        Judged.of([[0, np.nan]], [[1, 0]], [[0, 0]], [1])
    with pytest.raises(errors.InvalidArgumentError, match="Did you mean 'ridge'"):
        tune(world.judged(), method="rigde")


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_whatever_was_judged_the_answer_is_a_report(data):
    size = st.integers(1, 12)
    queries, documents, dimension = data.draw(size), data.draw(size), data.draw(st.integers(1, 6))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    count = data.draw(st.integers(0, 40))
    judged = Judged.of(
        random.integers(-1, 2, (queries, dimension)),
        random.integers(-1, 2, (documents, dimension)),
        np.stack(
            [random.integers(0, queries, count), random.integers(0, documents, count)], axis=1
        ),
        random.integers(-1, 3, count),
    )
    report = tune(judged, gate=data.draw(st.sampled_from(["auto", "off", "strict"])))
    assert isinstance(report, TuneReport)
    assert report.reason
    assert repr(report)
    assert np.isfinite(report.transform.queries(judged.queries)).all()
    assert np.isfinite(report.transform.documents(judged.documents)).all()


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


def test_a_collection_is_tuned_and_taken_back(papers, world):
    asked = {"query_embeddings": world.queries[1:20:2], "include": []}
    before = papers.query(**asked)["ids"]
    report = papers.tune()
    assert report.is_live
    assert papers.transforms.live.name == "tuned-1"
    after = papers.query(**asked)["ids"]
    assert after != before == papers.query(**asked, transform=None)["ids"]
    own = report.transform
    rows = own.queries(world.queries[1:2]) @ own.documents(world.documents).T
    assert after[0] == [f"r{row}" for row in np.argsort(-rows[0])[:10]]
    papers.transforms.use(None)
    assert papers.query(**asked)["ids"] == before
    assert papers.tune(use=False).transform.name == "tuned-2"
    assert papers.transforms.live is None


def test_a_refused_one_changes_nothing_and_says_what_to_do(papers):
    for _ in range(28):
        papers.feedback.undo()
    report = papers.tune()
    assert not report.admitted
    assert not report.is_live
    assert len(papers.transforms) == 0
    assert "only 2 queries" in repr(report)


def test_opposite_words_of_two_people_teach_nothing(papers):
    for judgement in list(papers.feedback):
        papers.feedback.add(
            query=judgement.vector,
            id=judgement.id,
            relevance=-judgement.relevance,
            by="somebody else",
        )
    report = papers.tune()
    assert not report.admitted
    assert "no judgements that count" in report.reason
    assert "people of equal weight" in repr(report)


def test_a_name_that_is_taken_is_said_before_the_work(papers):
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
        alike[0] = False  # itself
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


def test_the_texts_of_users_are_shown_and_not_run(world):
    texts = [EVIL] * len(world.queries)
    report = tune(world.judged(texts=texts))
    page = report._repr_html_()
    assert EVIL not in page
    assert html.escape(EVIL) in page
    assert report.changed(2)[0].query == EVIL


def test_most_changed_rankings_come_first(report):
    changed = report.changed(4)
    assert len(changed) == 4
    assert [row.shared for row in changed] == sorted(row.shared for row in changed)
    assert len(set(changed[0].before) & set(changed[0].after)) == changed[0].shared < 10


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
    report = tune(Judged.of(queries, documents, pairs, grades))
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
    assert not tune(Judged.of(queries, documents, pairs, grades)).admitted


def test_one_query_is_tuned_untested_by_hand_and_kept(client):
    rows = np.random.default_rng(0).normal(size=(12, 4))
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=[str(n) for n in range(12)], embeddings=rows)
    points.feedback.add(rows[0], [str(n) for n in range(12)], [n < 4 for n in range(12)])
    report = points.tune(gate="off")
    assert "untested" in report.reason
    assert report.transform.evaluation["gain_se"] is None
    assert points.transforms.live.name == "tuned-1"
    assert "untested" in report._repr_html_()
    assert "tuned-1" in repr(points.transforms)


@pytest.mark.parametrize("seed", [None, -1, 1.5, "0", True])
def test_a_seed_is_a_whole_number(client, world, seed):
    with pytest.raises(errors.InvalidArgumentError, match="random_state"):
        tune(world.judged(), random_state=seed)
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a"], embeddings=[[1, 0]])
    with pytest.raises(errors.InvalidArgumentError, match="random_state"):
        points.feedback.suggest(queries=[[1, 0]], random_state=seed)
    with pytest.raises(errors.InvalidArgumentError, match="random_state"):
        points.evaluate([[1, 0]], [["a"]], random_state=seed)


@pytest.mark.parametrize("name", ["", "live", "two\nlines", 5])
def test_a_name_is_checked_before_anything_is_learned(client, name):
    points = client.create_collection("points", embedding_function=None)
    with pytest.raises(errors.InvalidArgumentError, match="name"):
        points.tune(name=name)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"space": "dot"}, "cosine, l2 or ip"),
        ({"pairs": [[0], [1, 2]]}, "pairs are"),
        ({"relevance": ["good"]}, "m numbers"),
        ({"texts": ["one"]}, "Judgements are"),
    ],
)
def test_arrays_that_are_no_judgements_are_told(wrong, says):
    given = {"queries": np.eye(2), "documents": np.eye(2), "pairs": [[0, 1]], "relevance": [1]}
    with pytest.raises(errors.InvalidArgumentError, match=says):
        Judged.of(**{**given, **wrong})


def test_texts_and_ids_of_judgements_may_be_arrays():
    names = np.array(["a", "b"])
    judged = Judged.of(np.eye(2), np.eye(2), [[0, 1]], [1], texts=names, ids=names)
    assert judged.df().iloc[0].tolist() == [0, "a", "b", 1.0, 1.0]


@pytest.mark.parametrize("space", ["cosine", "l2", "ip"])
@pytest.mark.parametrize("method", ["auto", "memory"])
def test_vectors_longer_than_float32_can_say_do_no_harm(client, space, method):
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
