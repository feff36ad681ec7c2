import dataclasses
import html
import math
import re
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromalab import datasets
from chromalab.analytics.topics import topics
from chromalab.analytics.topics.description import count_terms as counted
from chromalab.analytics.topics.description import (
    distinct_names,
    diverse,
    representatives,
    stop_words_of,
    topic_words,
    typical_members,
)
from chromalab.analytics.topics.matrix import token_matrix
from chromalab.analytics.topics.stopwords import FUNCTION_WORDS
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

WORDS = st.sampled_from(["tea", "green", "cup", "of", "the", "cat", "7", "x"])
TEXTS = st.lists(
    st.tuples(st.lists(WORDS, max_size=6).map(" ".join), st.integers(-1, 3)),
    min_size=1,
    max_size=12,
)


def clusters(documents, labels, vectors=None, probabilities=None):
    n = len(labels)
    vectors = np.random.default_rng(0).normal(size=(n, 4)) if vectors is None else vectors
    sure = np.ones(n) if probabilities is None else probabilities
    return SimpleNamespace(
        snapshot=Snapshot.of(np.reshape(vectors, (n, -1)) if n else [], documents=documents),
        labels=np.asarray(labels, dtype=np.int32),
        probabilities=np.asarray(sure, dtype=np.float32),
    )


@pytest.fixture
def drinks():
    documents = [
        "a cup of green tea",
        "the green tea is hot",
        "tea in the pot",
        "the cat sleeps",
        "a cat and the dog",
        "my cat is a lion",
        "nothing of it",
    ]
    return topics(clusters(documents, [4, 4, 4, 1, 1, 1, -1]))


def per_topic(matrix, labels):
    """Count the terms of each topic, one occurrence at a time."""
    sums = {label: Counter() for label in sorted(set(labels) - {-1})}
    for term in range(len(matrix.parts)):
        for text in matrix.texts[matrix.starts[term] : matrix.starts[term + 1]].tolist():
            if labels[text] >= 0:
                sums[labels[text]][term] += 1
    return list(sums.values())


def numbered(labels):
    known = sorted(set(labels) - {-1})
    return np.array([known.index(x) if x >= 0 else -1 for x in labels], dtype=np.int32), len(known)


def stop_words(matrix, sums):
    """Compute word by word how far its distribution diverges from that of all words."""
    sums = [counts for counts in sums if counts]
    total = sum(sums, Counter()).total()
    divergence = {}
    for term in range(len(matrix.words)):  # terms of one word come first
        times = [counts[term] for counts in sums]
        if len(sums) > 1 and sum(times) >= len(sums):
            divergence[matrix.words[term]] = sum(
                n / sum(times) * math.log(n / sum(times) / (counts.total() / total))
                for n, counts in zip(times, sums, strict=True)
                if n
            ) - (len(sums) - 1) / (2 * sum(times))
    specific = np.quantile(list(divergence.values()), 0.9) if divergence else 0
    if specific < 0.05 * math.log(max(len(sums), 2)):
        return set()
    return {word for word, found in divergence.items() if found < 0.25 * specific}


def naive(matrix, sums, n_words):
    """Compute c-TF-IDF with dicts."""
    average = sum(map(Counter.total, sums)) / max(1, len(sums))
    common = stop_words(matrix, sums) | FUNCTION_WORDS["English"]
    for counts in sums:
        weights = {
            term: times / counts.total() * math.log(1 + average / matrix.frequency[term])
            for term, times in counts.items()
        }
        weak = {"7", "x"}
        meaningful = {t for t in counts if not {matrix.tokens(t)[0], matrix.tokens(t)[-1]} & weak}
        allowed = {
            t for t in meaningful if not {matrix.tokens(t)[0], matrix.tokens(t)[-1]} & common
        }
        chosen = allowed or meaningful
        once = sorted((weights[term] for term in chosen if counts[term] == 1), reverse=True)
        more = sorted((weights[term] for term in chosen if counts[term] > 1), reverse=True)
        yield (more + once)[:n_words], weights


@settings(deadline=None)
@given(TEXTS, st.integers(1, 5))
def test_word_weights_match_brute_force(records, n_words):
    labels = [label for _, label in records]
    matrix = token_matrix([text for text, _ in records])
    topic, n_topics = numbered(labels)
    found = topic_words(matrix, topic, n_topics, n_words=n_words)
    expected = naive(matrix, per_topic(matrix, labels), n_words)
    for own, (heaviest, weights) in zip(found, expected, strict=True):
        assert [weight for _, weight in own] == pytest.approx(heaviest)
        assert {term: weights[term] for term, _ in own} == pytest.approx(dict(own))


@settings(deadline=None)
@given(TEXTS)
def test_stop_words_match_brute_force(records):
    labels = [label for _, label in records]
    matrix = token_matrix([text for text, _ in records])
    found = stop_words_of(matrix, counted(matrix, *numbered(labels)))
    expected = stop_words(matrix, per_topic(matrix, labels))
    assert {matrix.words[word] for word in np.flatnonzero(found)} == expected


@settings(deadline=None)
@given(TEXTS)
def test_terms_are_counted_per_topic(records):
    matrix = token_matrix([text for text, _ in records])
    topic = np.array([label for _, label in records], dtype=np.int32)
    found = counted(matrix, topic, 4)
    for number in range(4):
        part = slice(found.ends[number], found.ends[number + 1])
        got = dict(zip(found.term[part].tolist(), found.times[part].tolist(), strict=True))
        occurrences = np.repeat(np.arange(len(matrix.parts)), np.diff(matrix.starts))
        expected = Counter(occurrences[topic[matrix.texts] == number].tolist())
        assert got == expected
        assert found.total[number] == expected.total()


@settings(deadline=None)
@given(TEXTS)
def test_topic_names_are_distinct_for_any_texts(records):
    labels = [label for _, label in records]
    found = topics(clusters([text for text, _ in records], labels))
    assert len(set(found.topic_names)) == len(found) == len(set(labels) - {-1})
    assert [name is None for name in found.names] == [label < 0 for label in labels]
    assert all(found.topic_names)
    assert found.sizes.sum() + (found.labels < 0).sum() == len(labels)


def test_a_topic_is_named_by_its_words_without_repeating_them(drinks):
    assert [topic.name.split(", ")[0] for topic in drinks] == ["cat", "green tea"]
    assert all("tea" not in name for name in drinks[4].name.split(", ")[1:])
    assert drinks.words(4)[0][0] == "tea"
    assert "green tea" in [word for word, _ in drinks.words(4)]


def test_stop_words_do_not_appear_in_names():
    texts = [
        f"the {word} of the {word} is" for word in ("tea", "cat", "sun", "ice") for _ in range(6)
    ]
    found = topics(clusters(texts, np.repeat(range(4), 6)))
    assert [topic.name for topic in found] == ["tea", "cat", "sun", "ice"]


def test_one_long_text_does_not_name_a_topic():
    texts = [f"{word} for sale" for word in ("tea", "cup", "pot") for _ in range(10)]
    long = "lorem ipsum " * 25_000
    found = topics(clusters([*texts, long], np.r_[np.repeat(range(3), 10), 0]))
    assert [topic.name.split(", ")[0] for topic in found] == ["tea", "cup", "pot"]


def test_names_do_not_depend_on_the_order_of_the_records():
    bank = datasets.load("banking77")
    rng = np.random.default_rng(0)
    labels = np.unique([metadata["intent"] for metadata in bank.metadatas], return_inverse=True)[1]
    vectors = np.eye(80)[labels] + rng.normal(0, 0.1, (len(labels), 80))
    rows = rng.permutation(len(labels))
    texts = [bank.documents[row] for row in rows]
    one = topics(clusters(list(bank.documents), labels, vectors))
    other = topics(clusters(texts, labels[rows], vectors[rows]))
    assert one.topic_names == other.topic_names


def test_function_words_of_the_language_of_a_topic_do_not_name_it():
    texts = ["die Karte ist weg", "wo ist die Karte", "ich habe die Karte", "die Karte kommt nicht"]
    texts += ["ma carte est perdue", "où est la carte", "la carte ne marche pas", "j'ai la carte"]
    texts += ["dogs die in a war", "a war on dogs", "many die", "the war"]
    found = topics(clusters(texts, np.repeat(range(3), 4)))
    assert [topic.name.split(", ")[0] for topic in found] == ["karte", "carte", "war"]
    words = {word for topic in found for word in re.findall(r"\w+", topic.name)}
    assert not words & {"ist", "la", "est", "ich", "the", "on"}
    assert "die" not in found[0].name


def test_words_of_unrelated_topics_weigh_less_than_words_of_similar_ones():
    texts = ["tea hot", "tea hot", "tea hot", "cup hot"] + ["tea red"] * 3 + ["sea red"] * 8
    matrix = token_matrix(texts)
    topic = np.repeat([0, 1, 2], [4, 3, 8]).astype(np.int32)
    near = topic_words(matrix, topic, 3, centers=np.array([[1, 0], [0.9, 0.1], [-1, 0.0]]))
    far = topic_words(matrix, topic, 3, centers=np.array([[1, 0], [-1, 0.0], [0.9, 0.1]]))

    def share(found):
        weight = dict(found[0])
        return weight[matrix.number["tea"]] / weight[matrix.number["hot"]]

    assert share(near) > share(far)


def test_a_word_becomes_the_phrase_that_people_say():
    texts = ["how do i top up", "top up failed", "a top up is pending", "my top up"]
    texts += ["fee for a card", "two fees", "fee", "cards and fees"]
    found = topics(clusters(texts, np.repeat([0, 1], 4)))
    assert found[0].name.split(", ")[0] == "top up"
    assert sum(word in {"fee", "fees"} for word in found[1].name.split(", ")) == 1


def test_a_topic_of_only_stop_words_still_has_words():
    found = topics(clusters(["the of"] * 4 + ["of the"] * 4, [0] * 4 + [1] * 4))
    assert all(topic.words for topic in found)


def test_a_name_does_not_contain_two_forms_of_the_same_word():
    matrix = token_matrix(["tracking tracked track trace transfer transaction"])
    words = ("tracking", "tracked", "transfer", "transaction")
    assert diverse(matrix, [(matrix.number[word], 1.0) for word in words]) == [
        "tracking",
        "transfer",
        "transaction",
    ]


def test_equal_names_get_more_words_and_empty_names_a_number():
    words = [["a", "b", "c"], ["a", "b", "c", "d"], ["a", "b", "c"], [], []]
    names = distinct_names(words, [0, 1, 2, 3, 7])
    assert names == ["a, b, c", "a, b, c, d", "a, b, c (2)", "topic 3", "topic 7"]


def test_chinese_japanese_and_english_topics_are_named():
    texts = ["信用卡丢失了", "我的信用卡", "信用卡被盗", "天気が晴れ", "東京の天気", "天気予報"]
    texts += ["lost my phone", "a phone call", "phone number"]
    found = topics(clusters(texts, np.repeat(range(3), 3)))
    assert [topic.name.split(", ")[0] for topic in found] == ["信用卡", "天気", "phone"]


def test_user_stop_words_do_not_begin_or_end_a_term():
    texts = ["green tea pot", "green tea cup", "red wine", "red wine glass"]
    found = topics(clusters(texts, [0, 0, 1, 1]), stop_words=["GREEN"])
    assert all("green" not in word.split()[0] for word, _ in found.words(0))
    assert found.parameters["stop_words"] == ["GREEN"]


def test_a_function_makes_names_from_words_and_documents():
    seen = []

    def name(words, documents):
        seen.append((words, documents))
        return f" {words[0]}\n\x1b[31m topic "

    found = topics(clusters(["tea", "tea", "cat"], [0, 0, 1]), name=name)
    assert [topic.name for topic in found] == ["tea [31m topic", "cat [31m topic"]
    assert seen[1] == (["cat"], ["cat"])


def test_errors_of_the_naming_function_propagate_and_non_strings_raise():
    def broken(words, documents):
        raise ZeroDivisionError

    given = clusters(["tea"], [0])
    with pytest.raises(ZeroDivisionError):
        topics(given, name=broken)
    with pytest.raises(InvalidArgumentError, match="must return a string; got 7 for topic 0"):
        topics(given, name=lambda words, documents: 7)
    assert topics(given, name=lambda words, documents: " ")[0].name == "topic 0"


def test_representative_documents_are_central_and_not_duplicates():
    angles = [0.0, 0.01, 0.4, -0.4, 0.6, -0.6, 1.2]
    vectors = np.column_stack([np.cos(angles), np.sin(angles)])
    texts = ["middle", "Middle ", "left", "right", "", "far right", "farthest"]
    members = typical_members(vectors, np.zeros(7, dtype=np.int32), 1, np.ones(7, dtype=np.float32))
    found = representatives(
        vectors.astype(np.float32), members, lambda row: texts[row], n_documents=3
    )
    assert [texts[row].strip().lower() for row in found[0]] == ["middle", "left", "right"]


def test_representative_documents_have_high_probabilities():
    given = clusters(["sure one", "sure two", "doubtful"], [0, 0, 0], probabilities=[1.0, 1.0, 0.2])
    assert set(topics(given)[0].documents) == {"sure one", "sure two"}


@pytest.mark.parametrize("documents", [None, [None, None]])
def test_missing_documents_raise(documents):
    with pytest.raises(InvalidArgumentError, match="Topics need documents, and none of the 2"):
        topics(clusters(documents, [0, 0]))


@pytest.mark.parametrize(
    ("documents", "labels", "names"),
    [
        ([], [], []),
        (None, [], []),
        (["tea"], [0], ["tea"]),
        (["tea"], [-1], []),
        (["", None, "  "], [0, 0, 1], ["topic 0", "topic 1"]),
        (["7 7", "x"], [0, 1], ["topic 0", "topic 1"]),
        (["tea", "tea"], [0, 9], ["tea", "tea (9)"]),
    ],
)
def test_few_or_empty_texts_do_not_raise(documents, labels, names):
    found = topics(clusters(documents, labels))
    assert [topic.name for topic in found] == names
    assert repr(found)
    assert found._repr_html_()
    assert len(found.df()) == len(names)


def test_zero_and_equal_vectors_do_not_raise():
    found = topics(clusters(["tea", "cup", "pot"], [0, 0, 0], np.zeros((3, 2))))
    assert len(found[0].documents) == 3
    assert topics(clusters(["tea", "cup"], [0, 0], np.ones((2, 2))))[0].documents == ("tea",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_words": 0}, "n_words must be an integer ≥ 1; got 0"),
        ({"n_documents": True}, "n_documents must be an integer ≥ 0; got True"),
        ({"ngrams": (2, 1)}, r"got \(2, 1\)"),
        ({"ngrams": 2}, "ngrams must be the smallest and the largest"),
        ({"stop_words": "the"}, "stop_words must be a list of words; got 'the'"),
        ({"name": "tea"}, "name must be a function of words and documents; got 'tea'"),
    ],
)
def test_invalid_arguments_raise_with_their_name(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        topics(clusters(["tea"], [0]), **arguments)


def test_unknown_labels_and_records_raise(drinks):
    with pytest.raises(InvalidArgumentError, match=r"No topic 2\. Topics: 1, 4"):
        drinks[2]
    with pytest.raises(InvalidArgumentError, match="Noise is not a topic"):
        drinks[-1]
    with pytest.raises(InvalidArgumentError, match="No record 'z' among the 7"):
        drinks.name_of("z")


def test_the_result_is_readable(drinks):
    assert drinks.name_of("0") == drinks[4].name == drinks.names[0]
    assert drinks.name_of("6") is None
    assert "1 record is noise (14.3%), in no topic" in repr(drinks)
    assert drinks.df()["label"].tolist() == [1, 4]
    assert drinks.df()["size"].tolist() == [3, 3]
    assert drinks[4].ids == tuple(drinks.ids[int(row)] for row in drinks.topic_rows[1])


def test_into_writes_names_and_check_finds_inconsistencies(drinks):
    assert drinks.columns("topic") == {"topic": drinks.names}
    drinks.check()
    for broken in (
        {"labels": drinks.labels[1:]},
        {"labels": drinks.labels + 1},
        {"topic_names": ["tea"]},
        {"topic_rows": [[0], [99]]},
    ):
        with pytest.raises(ValueError, match="inconsistent"):
            dataclasses.replace(drinks, **broken).check()


def test_hostile_texts_are_escaped_and_not_parsed_as_formulas():
    hostile = ["<script>alert(1)</script> $\\frac{x}$ \x1b[31m", "$x_{1 </table> <img onerror=x>"]
    found = topics(clusters(hostile, [0, 1]), name=lambda words, documents: documents[0])
    shown = found._repr_html_()
    assert "<script>" not in shown
    assert "<img onerror" not in shown
    assert html.escape("<script>") in shown
    assert "\x1b" not in repr(found) + shown


def test_the_same_clusters_have_the_same_topics():
    texts = [f"{word} {other}" for word in "abcdefgh" for other in ("tea", "cat", "sun")]
    given = clusters(texts, np.arange(24) % 5)
    assert topics(given).topic_words == topics(given).topic_words
    assert topics(given).topic_rows == topics(given).topic_rows


def test_most_banking77_intents_are_named_by_a_word_of_their_own_name():
    bank = datasets.load("banking77")
    intents = [metadata["intent"] for metadata in bank.metadatas]
    kinds = sorted(set(intents))
    found = topics(clusters(list(bank.documents), [kinds.index(intent) for intent in intents]))
    hits = [
        {word[:5] for word in re.findall(r"[a-z]{3,}", topic.name)}
        & {word[:5] for word in re.findall(r"[a-z]{3,}", kinds[topic.label].lower())}
        for topic in found
    ]
    assert sum(map(bool, hits)) / len(kinds) >= 0.85
    assert len(set(found.topic_names)) == 77


def test_data_that_is_not_a_clustering_raises(drinks):
    with pytest.raises(InvalidArgumentError, match="clusters must be the result of cluster"):
        topics(np.eye(3), np.eye(3))
    with pytest.raises(InvalidArgumentError, match="Topics need documents"):
        topics(np.eye(3))


def test_options_of_the_clustering_raise_with_given_clusters(drinks):
    for options in ({"where": {"kind": "tea"}}, {"random_state": 3}):
        with pytest.raises(InvalidArgumentError, match="goes with clusters=None"):
            topics(drinks.snapshot, clusters(drinks.snapshot.documents, drinks.labels), **options)
