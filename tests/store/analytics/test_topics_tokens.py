import time
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromalab.analytics.dedupe.texts import normalized
from chromalab.analytics.topics.matrix import token_matrix, token_matrix_of
from chromalab.analytics.topics.stopwords import cells_of, evenly_spread
from chromalab.analytics.topics.tokens import is_weak, joined, tokens
from chromalab.scripts import nfkc
from chromalab.snapshot import Snapshot

WORDS = st.sampled_from(["a", "b", "tea", "green", "19", "茶道", "水", "データ"])
TEXTS = st.lists(st.lists(WORDS, max_size=8).map(" ".join), max_size=8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The CARD's snake_case, well-known", "the card's snake case well known"),
        ("don\u2019t won't", "don't won't"),
        ("Straße ΛΌΓΟΣ ÉCOLE e\u0301cole", "straße λόγος école école"),
        ("Москва и Йошкар-Ола", "москва и йошкар ола"),
        ("हिन्दी में खाता", "हिन्दी में खाता"),
        ("سلم بِقلم", "سلم بِقلم"),
        ("می\u200cروم", "می\u200cروم"),
        ("카드를 분실했어요", "카드를 분실했어요"),
        ("机器学习", "机器 器学 学习"),
        ("東京の天気は晴れ", "東京 の 天気 は 晴 れ"),
        ("クレジットカードを紛失", "クレジットカード を 紛失"),
        ("ｱﾌﾟﾘ \uff21\uff22\uff23", "アプリ abc"),
        ("GPT-4のAPI料金", "gpt 4 の api 料金"),
        ("ขอบคุณ", "ขอบ อบคุ บคุณ"),
        ("lost 💳!! 👍🏽 👩\u200d💻 ❤\ufe0f 🇩🇪", "lost 💳 👍 👩 💻 ❤ 🇩🇪"),
        ("so\xadft hy\xadphen", "soft hyphen"),
        ("\x00\x1b[31m — … ¿?", "31m"),
        ("", ""),
    ],
)
def test_words_of_every_script(text, expected):
    assert tokens(text) == expected.split()


@settings(deadline=None)
@given(st.text(max_size=40))
def test_tokens_of_any_text_are_tokens_themselves(text):
    for word in tokens(text):
        assert word
        assert not word[0].isspace()
        assert unicodedata.category(word[0])[0] in "LNS"


@settings(deadline=None)
@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=40))
def test_the_fast_path_for_ascii_gives_the_same_words(text):
    assert tokens(text) == [word for word in tokens(text + " é") if word != "é"]


def test_digits_and_single_letters_are_weak_but_single_chinese_characters_are_not():
    assert [
        word for word in ("7", "٣", "x", "й", "は", "水", "💳", "pin") if not is_weak(word)
    ] == [
        "水",
        "💳",
        "pin",
    ]


def test_overlapping_characters_are_merged_and_words_stay_separated():
    assert joined(("機械", "械学", "学習")) == "機械学習"
    assert joined(("ขอบ", "อบคุ")) == "ขอบคุ"
    assert joined(("東京", "天気")) == "東京 天気"
    assert joined(("credit", "card")) == "credit card"


def naive(texts, low, high):
    """Find the n-grams of each text; those of several words must occur in at least two texts."""
    counted = []
    for text in texts:
        words = tokens(text)
        counted.append(
            Counter(
                tuple(words[at : at + length])
                for length in range(low, high + 1)
                for at in range(len(words) - length + 1)
            )
        )
    spread = Counter(gram for counts in counted for gram in counts)
    return [
        {gram: 1 for gram in counts if len(gram) == 1 or spread[gram] > 1} for counts in counted
    ]


def read(matrix, n):
    found = [Counter() for _ in range(n)]
    for term in range(len(matrix.parts)):
        for text in matrix.texts[matrix.starts[term] : matrix.starts[term + 1]].tolist():
            found[text][matrix.tokens(term)] += 1
    return [dict(counts) for counts in found]


@settings(deadline=None)
@given(TEXTS, st.sampled_from([(1, 1), (1, 2), (2, 2), (1, 3), (2, 4)]))
def test_the_matrix_matches_brute_force(texts, ngrams):
    matrix = token_matrix(texts, ngrams)
    assert read(matrix, len(texts)) == naive(texts, *ngrams)
    assert matrix.frequency.sum() == len(matrix.texts)


def test_stop_words_are_left_out_before_phrases_are_formed():
    kinds = ("card", "phone", "rent", "salary")
    texts = [f"i lost my {kind} today" for kind in kinds for _ in range(5)]
    cells = np.repeat(np.arange(4), 5)
    matrix = token_matrix(texts, cells=cells)
    found = {matrix.text(term) for term in np.flatnonzero(matrix.frequency)}
    assert found == set(kinds)
    every = [f"my {kind} lost" if kind == "card" else f"my {kind} is" for kind in kinds] * 5
    matrix = token_matrix(every, cells=np.tile(np.arange(4), 5))
    assert "card lost" in {matrix.text(term) for term in np.flatnonzero(matrix.frequency)}
    assert "my" not in {matrix.text(term) for term in np.flatnonzero(matrix.frequency)}


def test_cells_need_at_least_a_thousand_records():
    vectors = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)
    assert cells_of(Snapshot.of(vectors[:999])) is None
    cells = cells_of(Snapshot.of(vectors))
    assert cells.shape == (1000,)
    assert len(set(cells.tolist())) > 32
    assert set(cells_of(Snapshot.of(np.zeros((1000, 3)))).tolist()) == {0}


@settings(deadline=None)
@given(TEXTS, st.data())
def test_counts_without_stop_words_match_brute_force(texts, data):
    cells = np.array([data.draw(st.integers(0, 2)) for _ in texts], dtype=np.int64)
    groups = int(cells.max(initial=-1)) + 1
    words = sorted({word for text in texts for word in tokens(text)})
    spread = np.zeros((len(words), groups))
    for text, cell in zip(texts, cells.tolist(), strict=True):
        for word in set(tokens(text)):
            spread[words.index(word), cell] += 1
    even = evenly_spread(spread, spread.sum(axis=0).astype(np.int64))
    left = {word for word, gone in zip(words, even, strict=True) if not gone}
    kept = [[word for word in tokens(text) if word in left] for text in texts]
    matrix = token_matrix(texts, cells=cells)
    expected = [Counter(set(words)) for words in kept]
    singles = [
        Counter({gram[0]: n for gram, n in counts.items() if len(gram) == 1})
        for counts in read(matrix, len(texts))
    ]
    assert singles == expected


def test_the_matrix_is_cached_with_its_snapshot():
    snapshot = Snapshot.of([[0.0], [1.0]], documents=["tea", "green tea"])
    assert token_matrix_of(snapshot) is token_matrix_of(snapshot)
    assert token_matrix_of(snapshot, (1, 1)) is not token_matrix_of(snapshot)


def test_long_runs_of_combining_marks_take_linear_time():
    text = "a" + "\u0301\u0323" * 200_000  # a minute, sorted by Python; here a fraction of a second
    start = time.process_time()
    assert len(tokens(text)) == 1
    assert normalized(text)[0] in "aạ"
    assert time.process_time() - start < 10


def test_texts_with_short_runs_of_marks_are_normalized_as_usual():
    text = "e" + "\u0301\u0323" * 14 + " ﬁ"
    assert nfkc(text) == unicodedata.normalize("NFKC", text)
