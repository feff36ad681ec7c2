"""What differs between the words of two texts, and the variants of one pattern."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chromalab.analytics.dedupe import dedupe
from chromalab.analytics.dedupe.minhash import jaccard
from chromalab.analytics.dedupe.wording import (
    ADDED,
    COMMON,
    LONG,
    OTHER,
    SAME,
    VALUE,
    compare,
    edit_distance,
    words_of,
)
from chromalab.snapshot import Snapshot

VARIANTS = Path(__file__).parents[3] / "benchmarks" / "variants.py"


def variants():
    if "variants" not in sys.modules:
        spec = importlib.util.spec_from_file_location("variants", VARIANTS)
        module = importlib.util.module_from_spec(spec)
        sys.modules["variants"] = module
        spec.loader.exec_module(module)
    return sys.modules["variants"]


def kind(one, other):
    scores = np.ones(1, np.float32)
    return int(compare([one, other], np.array([0]), np.array([1]), scores, scores)[0]) % LONG


def kinds(texts, order=None, *, swapped=False):
    """What differs between every two texts, if vectors find all of them near one another."""
    order = range(len(texts)) if order is None else order
    texts = [texts[at] for at in order]
    left, right = np.triu_indices(len(texts), 1)
    if swapped:
        left, right = right, left
    near = np.ones(len(left), np.float32)
    found = compare(texts, left, right, near, jaccard(texts, left, right)) & ~np.uint8(LONG)
    return {
        frozenset((texts[one], texts[other])): kind
        for one, other, kind in zip(left.tolist(), right.tolist(), found.tolist(), strict=True)
    }


def between(found, one, other):
    return found[frozenset((one, other))]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a cup of green tea", "a cup of geren tea", SAME),
        ("a cup of green tea", "cup of the green tea", SAME),
        ("green tea in a cup", "in a cup green tea", SAME),
        ("the greentea shop", "the green tea shop", SAME),
        ("1 000 cups", "1000 cups", SAME),
        ("a cup of tea", "a cup of black tea", ADDED),
        ("traveling to england soon", "traveling to belgium soon", OTHER),
        ("room 12 is free", "room 13 is free", VALUE),
        ("send 10 to account 20", "send 20 to account 10", VALUE),
        ("my card works", "my card isn t works", VALUE),
        ("cable model a", "cable model b", VALUE),
        ("the first of two rooms", "the second of two rooms", VALUE),
        ("去北京的火车", "去南京的火车", OTHER),
    ],
)
def test_what_differs_between_two_texts(one, other, expected):
    assert kind(one, other) == expected
    assert kind(other, one) == expected


def test_other_words_are_values_if_many_texts_differ_in_them():
    texts = [f"does {place} have travel alerts" for place in ("spain", "norway", "chile", "peru")]
    left, right = np.triu_indices(4, 1)
    scores = np.full(len(left), 0.7, np.float32)
    assert (compare(texts, left, right, scores, scores) == VALUE).all()
    one = slice(0, 1)
    assert compare(texts, left[one], right[one], scores[one], scores[one]).tolist() == [OTHER]


@pytest.mark.parametrize(
    ("patterns", "things", "both", "unlike"),
    [
        (
            ["how do i get a {}", "how can i get a {}"],
            "card|loan|visa",
            "what can i do about {}",
            "fraudulent payments|neighbors who complain|an expired passport|missing luggage parts"
            "|my forgotten password|rising heating bills|a delayed connection",
        ),
        (
            ["wo muss ich {} beantragen", "wo kann ich {} beantragen"],
            "ein konto|eine karte|den kredit",
            "was kann und muss man bei {}",
            "betrügerischen zahlungen|ruhestörung nachts|abgelaufenem reisepass|verlorenen koffern"
            "|vergessenem passwort|steigenden heizkosten|verspäteten anschlusszügen",
        ),
        (
            ["dónde debo pedir cita para {}", "dónde puedo pedir cita para {}"],
            "visa|tarjeta|seguro",
            "qué debo o puedo hacer con {}",
            "pagos fraudulentos|vecinos que molestan|mi pasaporte caducado|las maletas perdidas"
            "|la contraseña olvidada|facturas muy elevadas|trenes con retraso",
        ),
        (
            ["怎么办理北京银行的网上{}", "如何办理北京银行的网上{}"],
            "储蓄卡|信用证|房贷款",
            "怎么办如何办{}",
            "账户被人盗刷以后|邻居半夜大声吵闹|护照已经过期一年|行李在机场丢失了"
            "|忘记登录密码之后|暖气费用涨得太快|火车晚点错过换乘",
        ),
    ],
    ids=["English", "German", "Spanish", "Chinese"],
)
def test_a_word_is_common_if_few_texts_with_it_have_a_variant(patterns, things, both, unlike):
    texts = [pattern.format(thing) for thing in things.split("|") for pattern in patterns]
    assert between(kinds(texts), *texts[:2]) == VALUE  # all texts with these words have variants

    found = kinds([*texts, *(both.format(thing) for thing in unlike.split("|"))])
    assert between(found, *texts[:2]) == OTHER | COMMON
    assert between(found, texts[0], texts[2]) == VALUE  # the things still tell texts apart


@pytest.mark.parametrize(
    ("pattern", "names", "longer"),
    [
        (
            "when does the train leave for {}",
            "oslo riga lima turin",
            "hello when does the train leave for {}",
        ),
        ("wann fährt der zug nach {}", "berlin köln ulm jena", "wann fährt denn der zug nach {}"),
        (
            "cuánto cuesta un hotel en {}",
            "lima quito oslo turín",
            "cuánto cuesta pues un hotel en {}",
        ),
        (
            "我想买一张明天去{}的高铁火车票",
            "北京 南京 上海 广州",
            "请问我想买一张明天去{}的高铁火车票",
        ),
    ],
    ids=["English", "German", "Spanish", "Chinese"],
)
def test_a_filler_in_one_text_of_a_pattern_is_no_value(pattern, names, longer):
    texts = [pattern.format(name) for name in names.split()]
    longer = longer.format(names.split()[0])
    found = kinds([*texts, longer])
    assert between(found, texts[0], longer) == ADDED | COMMON
    assert between(found, texts[1], longer) == VALUE
    assert between(found, *texts[:2]) == VALUE


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        ("usb cable for the desk lamp {}", "black white red"),
        ("kabel für die schreibtischlampe {}", "schwarz weiß rot"),
        ("cable para la lámpara de mesa {}", "negro blanco rojo"),
    ],
    ids=["English", "German", "Spanish"],
)
def test_a_word_that_replaces_another_one_elsewhere_is_no_filler(pattern, values):
    texts = [pattern.format(value) for value in values.split()]
    plain = pattern.format("").strip()
    assert between(kinds([*texts, plain]), texts[0], plain) == VALUE


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("flights from {} to {}", "oslo riga lima turin quito"),
        ("flüge von {} nach {}", "oslo riga lima turin quito"),
        ("vuelos de {} hasta {}", "oslo riga lima turin quito"),
        ("请帮我买两张明天下午从{}到{}的高铁火车票谢谢", "北京 上海 广州 成都 武汉"),
    ],
    ids=["English", "German", "Spanish", "Chinese"],
)
def test_values_in_exchanged_places_tell_texts_of_a_pattern_apart(pattern, names):
    here, there, *others = names.split()
    texts = [pattern.format(here, there), pattern.format(there, here)]
    found = kinds([*texts, *(pattern.format(here, name) for name in others)])
    assert between(found, *texts) == VALUE


def test_two_neighboring_words_may_change_places_in_a_pattern():
    texts = [f"flights to {name} for two" for name in ("oslo", "riga", "lima", "turin")]
    found = kinds([*texts, "flights oslo to for two"])
    assert between(found, texts[0], "flights oslo to for two") == SAME
    assert between(found, texts[1], "flights oslo to for two") == VALUE


_WORDS = (
    "oslo osol riga lima train trian trains station sta tion the please not two 12 10 0 a7 zug züge "
    "nach denn kann tren próximo 北京 去北京 怎么办理"
)


@given(
    st.lists(
        st.lists(st.sampled_from(_WORDS.split()), min_size=1, max_size=6).map(" ".join),
        min_size=2,
        max_size=9,
        unique=True,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_texts_and_of_the_two_of_a_pair_makes_no_difference(texts, random):
    order = random.sample(range(len(texts)), len(texts))
    assert kinds(texts, order) == kinds(texts, order, swapped=True) == kinds(texts)


def test_the_edit_distance_counts_exchanged_letters_once():
    assert [edit_distance("green", other, 2) for other in ("green", "geren", "gree", "tea")] == [
        0,
        1,
        1,
        3,
    ]
    assert words_of("c# costs 12 500") == ["c#", "costs", "12500"]


@pytest.mark.parametrize("name", sorted(variants().TUNED | variants().HELD_OUT))
def test_variants_of_a_pattern_are_not_duplicates_and_their_copies_are(name):
    made = variants().variants(name, copied=40)
    vectors = np.ones((len(made.texts), 8)) + np.random.default_rng(0).normal(
        scale=0.1, size=(len(made.texts), 8)
    )  # near one another, as models see such texts
    found = dedupe(Snapshot.of(vectors, documents=made.texts))
    pairs = {(int(found.left[at]), int(found.right[at])) for at in found.pairs}
    truth = set(made.pairs)
    assert len(pairs & truth) >= 0.9 * len(truth)
    assert len(pairs - truth) <= 0.1 * len(made.texts)
    assert found.threshold >= 0.95
    assert found.lexical_threshold >= 0.7


def test_a_pair_that_is_no_duplicate_says_which_words_differ():
    found = dedupe(
        Snapshot.of([[1, 0], [1, 0.01]], documents=["Room 12 is free now", "Room 13 is free now"])
    )
    assert found.groups() == []
    assert "not duplicates, as 12 differs from 13" in found.explain("0")


def test_a_group_with_a_third_of_the_records_is_pointed_out():
    texts = ["tea is hot"] * 4 + [f"text about {word}" for word in ("stones", "chalk", "rain")]
    found = dedupe(Snapshot.of(np.eye(7) + 0.01, documents=texts))
    assert "has a third of all records or more" in repr(found)
    assert "a third" not in repr(
        dedupe(Snapshot.of(np.eye(7), documents=texts[3:] + ["a"] * 2 + ["b"]))
    )
