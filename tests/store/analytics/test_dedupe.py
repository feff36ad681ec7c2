"""`dedupe` and `leakage`: their results, as users see them."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromalab.analytics.dedupe import dedupe, leakage
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
GLOSSES = BENCHMARKS.parents[1] / "shared" / "data" / "wordnet" / "wordnet30_glosses.tsv.gz"

TEXTS = [
    "a cup of green tea from Japan",
    "A cup of green tea, from Japan!",
    "a cup of geren tea from Japan",
    "the rain in Spain stays in the plain",
    "an umbrella",
]
VECTORS = [[1, 0, 0], [1, 0.05, 0], [0.6, 0.8, 0], [0, 0, 1], [0.01, 0, 1]]


def snapshot(texts=TEXTS, vectors=VECTORS, metadatas=None, ids=None):
    made = Snapshot.of(np.array(vectors, np.float32), documents=texts)
    ids = ids or [f"r{row}" for row in range(len(made))]
    return Snapshot(ids, made.vectors, made.documents, metadatas, rows=made.rows)


def scattered(count, dimension=8, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def as_pairs(found):
    return {
        (int(found.left[at]), int(found.right[at])): int(found.reasons[at]) for at in found.pairs
    }


def test_every_pair_has_its_reasons():
    found = dedupe(snapshot())
    assert as_pairs(found) == {(0, 1): 1 + 2 + 4, (0, 2): 2, (3, 4): 4}
    assert found.groups() == [["r0", "r1", "r2"], ["r3", "r4"]]
    assert found.duplicate_ids == ["r1", "r2", "r4"]
    assert found.unique_ids == ["r0", "r3"]


@pytest.mark.parametrize(
    ("methods", "pairs"),
    [
        (("exact",), {(0, 1): 1}),
        ("near", {(0, 1): 2, (0, 2): 2}),
        (("semantic",), {(0, 1): 4, (3, 4): 4}),
        (("semantic", "exact"), {(0, 1): 5, (3, 4): 4}),
    ],
)
def test_only_the_requested_methods_are_reasons(methods, pairs):
    assert as_pairs(dedupe(snapshot(), methods=methods)) == pairs


def test_a_chain_of_similar_records_is_not_one_group():
    angles = np.deg2rad(np.arange(8) * 15)  # each is near only the next (cosine .97)
    chain = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = dedupe(chain, threshold=0.95)
    assert len(found.groups()) > 1
    for rows in found.rows:
        alike = chain[rows] @ chain[rows].T
        assert (alike >= 0.95).all(axis=1).any(), "no record is near all others"


def test_many_equal_texts_make_few_pairs():
    texts = ["the same text"] * 3000 + [f"text number {word}" for word in range(100)]
    found = dedupe(snapshot(texts, np.vstack([np.ones((3000, 8)), scattered(100)])), threshold=1.0)
    assert len(found.left) < 3000 + 100 * 99 / 2
    assert len(found.rows[0]) == 3000


def test_the_representative_is_the_oldest_the_longest_or_the_one_with_most_metadata():
    metadatas = [None, {"a": 1}, {"a": 1, "b": 2}, None, {"a": 1}]
    made = snapshot(metadatas=metadatas)
    assert [group[0] for group in dedupe(made, jaccard=0.5).groups()] == ["r0", "r3"]
    assert [group[0] for group in dedupe(made, keep="longest").groups()] == ["r1", "r3"]
    best = dedupe(made, keep="most_metadata", jaccard=0.5).groups()
    assert [group[0] for group in best] == ["r2", "r4"]


def test_a_callable_chooses_the_representative():
    seen = []

    def last(records):
        seen.append(records)
        return len(records) - 1

    found = dedupe(snapshot(metadatas=[{"n": n} for n in range(5)]), keep=last)
    assert found.groups() == [["r2", "r0", "r1"], ["r4", "r3"]]
    assert seen[0][0] == {"id": "r0", "document": TEXTS[0], "metadata": {"n": 0}}
    assert found.parameters["keep"] == "last"
    with pytest.raises(InvalidArgumentError, match="'last' is a function"):
        found.at(0.9)
    assert found.at(0.9, keep=last).groups() == found.groups()


@pytest.mark.parametrize("answer", [2, -1, "r0", None, True])
def test_a_callable_that_returns_no_valid_index_raises(answer):
    with pytest.raises(InvalidArgumentError, match="keep must return the index"):
        dedupe(snapshot(TEXTS[3:], VECTORS[3:]), keep=lambda records: answer)


@given(
    st.lists(
        st.sampled_from([*TEXTS, "", "tea", "teas", "a cup of green tea from China"]), max_size=14
    ),
    st.integers(0, 3),
    st.sampled_from([0.8, 0.85, 0.9, 0.97, 1.0]),
    st.sampled_from([0.5, 0.7, 1.0]),
    st.sampled_from(["oldest", "longest"]),
)
@settings(max_examples=60, deadline=None)
def test_moving_a_threshold_matches_dedupe_at_that_threshold(texts, seed, threshold, jaccard, keep):
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-1, 3, (len(texts), 2)).astype(np.float32)
    made = snapshot(texts, vectors.reshape(len(texts), 2))
    there = dedupe(made, threshold=threshold, jaccard=jaccard, keep=keep)
    moved = dedupe(made, keep=keep).at(threshold, jaccard=jaccard)
    assert moved.groups() == there.groups()
    assert as_pairs(moved) == as_pairs(there)
    assert dedupe(made, threshold=threshold, jaccard=jaccard, keep=keep).groups() == there.groups()


def test_a_threshold_below_the_candidate_pairs_raises_with_the_remedy():
    found = dedupe(snapshot())
    with pytest.raises(InvalidArgumentError, match=r"0\.8 to 1.*got 0\.5.*Run dedupe"):
        found.at(0.5)
    assert as_pairs(dedupe(snapshot(), threshold=0.55, jaccard=1.0))[0, 2] == 4


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"methods": ("fuzzy",)}, "No method 'fuzzy'"),
        ({"methods": ()}, "at least one"),
        ({"keep": "newest"}, "oldest, longest"),
        ({"threshold": 2}, "got 2"),
        ({"threshold": True}, "got True"),
        ({"jaccard": 0.2}, r"got 0\.2"),
        ({"threshold": 0.9, "methods": "near"}, "threshold needs the method 'semantic'"),
        ({"jaccard": 0.9, "methods": ("exact", "semantic")}, "jaccard needs the method 'near'"),
    ],
)
def test_invalid_arguments_raise(wrong, message):
    with pytest.raises(InvalidArgumentError, match=message):
        dedupe(snapshot(), **wrong)


@pytest.mark.parametrize(
    ("vectors", "texts", "sizes"),
    [
        ([], None, []),
        ([[1.0, 2.0]], None, []),
        ([[1.0, 2.0]] * 2, None, [2]),
        (np.zeros((5, 3)), None, []),
        (np.zeros((5, 3)), ["a", "A!", "", "", "b"], [2]),
        (np.zeros((5, 3)), [None] * 5, []),
        (np.ones((300, 8)), None, [300]),
        (np.ones((300, 8)), [f"t {n} abc" for n in range(300)], []),
        (scattered(40, 200).astype(np.float16), None, []),
        (np.vstack([scattered(60, 100), np.tile(scattered(1, 100, seed=1), (40, 1))]), None, [40]),
    ],
)
def test_degenerate_data_never_raises(vectors, texts, sizes):
    found = dedupe(Snapshot.of(vectors, documents=texts))
    assert [len(group) for group in found.rows] == sizes
    for shown in (
        repr(found),
        found._repr_html_(),
        repr(found.borderline()),
        found.borderline()._repr_html_(),
    ):
        assert isinstance(shown, str)
    assert len(found.df()) == len(found.pairs)
    assert len(found.unique_ids) + len(found.duplicate_ids) == len(found.snapshot)


def test_hostile_texts_are_escaped():
    script = "<script>alert(1)</script>$x_{$ \x1b[31m"
    made = snapshot([script, script, "b"], scattered(3), ids=["<i>", "$\\frac$", "c"])
    found = dedupe(made)
    assert "<script>" not in found._repr_html_()
    assert "<script>" not in found.borderline()._repr_html_()
    assert "\x1b" not in repr(found)
    assert "\x1b" not in found.explain("<i>")


def test_one_duplicate_of_one_record_is_counted_in_the_singular():
    found = dedupe(snapshot(["tea with milk", "tea with milk"], np.ones((2, 3)), ids=["a", "b"]))
    assert "1 of 2 records (50.0%) is a duplicate of 1 other; the largest group" in repr(found)


def test_a_result_shows_counts_reasons_and_the_largest_groups():
    found = dedupe(snapshot())
    shown = repr(found)
    assert "3 of 5 records (60.0%) are duplicates of 2 others; the largest group has 3" in shown
    assert "representative of 3" in shown
    assert "exact + near + semantic 1.00" in shown
    assert "threshold=0.95" in shown
    frame = found.df()
    assert frame.columns.tolist() == [
        "left", "right", "reason", "cosine", "jaccard", "left_text", "right_text",
    ]  # fmt: skip
    assert frame["reason"].tolist() == ["exact + near + semantic", "semantic", "near"]
    assert found.columns("same")["same"] == [None, "r0", "r0", None, "r3"]


def test_explain_says_why_a_record_is_a_duplicate():
    found = dedupe(snapshot())
    explanation = found.explain("r2")
    assert explanation.startswith(
        "'r2' is a duplicate of 'r0', its representative\n'r0' and 'r2': near, cosine 0.6"
    )
    assert "geren" in explanation
    assert found.explain("r0").startswith("'r0' is the representative of 'r1', 'r2'")
    assert "below the thresholds" in found.at(1.0, jaccard=1.0).explain("r2")
    with pytest.raises(InvalidArgumentError, match="No record 'r9'"):
        found.explain("r9")


def test_borderline_picks_both_sides_and_suggest_uses_the_judgments():
    angles = np.zeros((100, 2))  # each pair is a little farther apart than the one before
    angles[:, 1] = np.deg2rad(np.linspace(5, 40, 100))
    blocks = np.zeros((100, 2, 200), np.float32)
    for at in range(100):
        blocks[at, :, 2 * at], blocks[at, :, 2 * at + 1] = np.cos(angles[at]), np.sin(angles[at])
    vectors = blocks.reshape(200, 200)
    found = dedupe(vectors, threshold=0.95)
    shown = found.borderline(20)
    assert len(shown) == 20
    assert [now for _, _, now in shown] == [True] * 10 + [False] * 10
    judged = [
        (one, other, bool(vectors[int(one)] @ vectors[int(other)] > 0.9)) for one, other, _ in shown
    ]
    assert len({answer for *_, answer in judged}) == 2
    wider = found.suggest(judged)
    assert 0.85 <= wider.threshold < 0.95
    assert f"the cosine threshold {wider.threshold:g} is looser than the default 0.95" in repr(
        wider
    )
    assert "default" not in repr(wider.at(0.9))
    assert len(wider.pairs) > len(found.pairs)
    with pytest.raises(InvalidArgumentError, match="pairs of this result"):
        found.suggest([("0", "199", True)])
    with pytest.raises(InvalidArgumentError, match="at least one pair"):
        found.suggest([])


def test_a_suggested_threshold_that_is_stricter_than_the_default_says_so():
    vectors = np.eye(221, dtype=np.float32)  # 60 pairs with a cosine of .99
    vectors[1:120:2] = 0.99 * vectors[0:120:2] + np.sqrt(1 - 0.99**2) * vectors[1:120:2]
    cosine = np.linspace(0.951, 0.958, 100, dtype=np.float32)[
        :, None
    ]  # of one record to 100 others
    vectors[121:] = cosine * vectors[120] + np.sqrt(1 - cosine**2) * vectors[121:]
    found = dedupe(vectors)
    assert found.threshold > 0.95
    note = f"the cosine threshold {found.threshold:g} is stricter than the default 0.95"
    assert note in repr(found)
    assert note in found._repr_html_()
    assert "Jaccard threshold" not in repr(found)
    assert "stricter" not in repr(
        dedupe(vectors, threshold=0.97, methods="semantic", random_state=1)
    )
    assert "stricter" not in repr(dedupe(vectors[:20]))


def test_leakage_finds_the_test_records_in_the_training_set():
    train, test = snapshot(ids=["t0", "t1", "t2", "t3", "t4"]), snapshot(
        ["something else", "a cup of green  tea from japan", "an umbrela", "new", ""],
        [[0.5, -1, 0.1], [0.4, -0.5, 0.8], [0.02, 0, 1], [-1, 0, 0], [1, 0, 0]],
        ids=["u0", "u1", "u2", "u3", "u4"],
    )  # fmt: skip
    found = leakage(train, test)
    assert found.leaked_ids == ["u1", "u2", "u4"]
    assert found.clean_ids == ["u0", "u3"]
    assert (found.count, found.share) == (3, 0.6)
    assert found.df()["train"].tolist()[0] in ("t0", "t4")
    assert "3 of 5 test records (60.0%) are in the training set" in repr(found)
    assert "u4" in found._repr_html_()


def test_every_duplicate_of_a_leaked_record_leaked():
    train = snapshot(["green tea from japan"], [[1, 0]])
    texts = ["green tea from japan", "green teas from japan", "Green teas from Japan", "chalk"]
    test = snapshot(texts, [[0, 1], [0, 0.9], [0.1, -1], [-1, 0]])
    assert leakage(train, test).leaked_ids == ["r0", "r1", "r2"]
    assert leakage(test, train).leaked_ids == ["r0"]


def test_an_empty_side_leaks_nothing():
    assert leakage([], VECTORS).count == 0
    assert leakage(VECTORS, []).share == 0.0
    with pytest.raises(InvalidArgumentError, match="dimension; got 3 and 2"):
        leakage(VECTORS, [[1.0, 0.0]])


@pytest.mark.skipif(not GLOSSES.exists(), reason="the shared data is not available")
def test_planted_duplicates_are_found_at_the_suggested_threshold():
    from chromalab.embed import WordLlama

    spec = importlib.util.spec_from_file_location("perturbed", BENCHMARKS / "perturbed.py")
    perturbed = importlib.util.module_from_spec(spec)
    sys.modules["perturbed"] = perturbed
    spec.loader.exec_module(perturbed)
    planted = perturbed.Perturbed.make(2000, 500, seed=3)
    assert planted == perturbed.Perturbed.make(2000, 500, seed=3)
    assert set(planted.edits) == set(perturbed.EDITS)
    found = dedupe(Snapshot.of(WordLlama()(planted.texts), documents=planted.texts))
    pairs = set(as_pairs(found))
    right = len(pairs & set(planted.pairs))
    f1 = 2 * right / (len(pairs) + len(planted.pairs))
    assert f1 >= 0.86
