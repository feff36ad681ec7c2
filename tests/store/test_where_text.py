"""The language of typed filter conditions."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chromalab.arguments.where_text import format_where, parse_where_text
from chromalab.engine import parse_where
from chromalab.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("year >= 2020", {"year": {"$gte": 2020}}),
        ("a=1", {"a": {"$eq": 1}}),
        ("a == -1.5e3", {"a": {"$eq": -1500.0}}),
        ("a != 'x'", {"a": {"$ne": "x"}}),
        ('name = "O\'Neil"', {"name": {"$eq": "O'Neil"}}),
        ("ok = TRUE", {"ok": {"$eq": True}}),
        ('venue IN ("ACL", "EMNLP")', {"venue": {"$in": ["ACL", "EMNLP"]}}),
        ("n not in (1, 2)", {"n": {"$nin": [1, 2]}}),
        ('tags contains "red"', {"tags": {"$contains": "red"}}),
        ('tags not contains "red"', {"tags": {"$not_contains": "red"}}),
        ("`two words` = 1", {"two words": {"$eq": 1}}),
        ("dc:title.main-1 = 'x'", {"dc:title.main-1": {"$eq": "x"}}),
        ("name = 'O''Reilly'", {"name": {"$eq": "O'Reilly"}}),
        ('name = ""', {"name": {"$eq": ""}}),
        ("n in [1, 2,]", {"n": {"$in": [1, 2]}}),
        ("n in (1,)", {"n": {"$in": [1]}}),
        ("clé = 'é'", {"clé": {"$eq": "é"}}),
        ("year IS NULL", {"year": {"$exists": False}}),
        ("year is not null and a = 1", {"$and": [{"year": {"$exists": True}}, {"a": {"$eq": 1}}]}),
        ("is is null", {"is": {"$exists": False}}),
        ("n between 1 and 2", {"$and": [{"n": {"$gte": 1}}, {"n": {"$lte": 2}}]}),
        (
            "n between 1 and 2 and m between '2024-01' and '2024-02' or a = 1",
            {
                "$or": [
                    {
                        "$and": [
                            {"$and": [{"n": {"$gte": 1}}, {"n": {"$lte": 2}}]},
                            {"$and": [{"m": {"$gte": "2024-01"}}, {"m": {"$lte": "2024-02"}}]},
                        ]
                    },
                    {"a": {"$eq": 1}},
                ]
            },
        ),
        (
            "a = 1 or b = 2 and c = 3",
            {"$or": [{"a": {"$eq": 1}}, {"$and": [{"b": {"$eq": 2}}, {"c": {"$eq": 3}}]}]},
        ),
        (
            "(a = 1 or b = 2) and c = 3",
            {"$and": [{"$or": [{"a": {"$eq": 1}}, {"b": {"$eq": 2}}]}, {"c": {"$eq": 3}}]},
        ),
    ],
)
def test_a_condition_is_parsed_into_a_filter_that_the_store_accepts(text, where):
    assert parse_where_text(text) == where
    parse_where(where)


@pytest.mark.parametrize(
    "text",
    [
        "", "year", "year >", "> 3", "year 3", "year >= ", "a = 1 and", "(a = 1", "a = 1)", "a in 1", "a in ()",
        "a = b", "a = 'x", "and = 1", "a like 'x'", "a = 1 b = 2", "a not = 1", "__import__('os')", "a = 1; drop",
        "a = 2020x", "a in (1, 2]", "a in (,)", "a = :x", "a is", "a is 1", "a is not", "a between 1", "a between 1 or 2",
    ],
)  # fmt: skip
def test_an_invalid_condition_is_reported_with_an_example(text):
    with pytest.raises(InvalidArgumentError, match="For example: year >= 2020"):
        parse_where_text(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Customer Name = 'x'", "Put a key of several words in backquotes: `Customer Name`."),
        ("a = 1 and my long key>=2", "backquotes: `my long key`."),
        ("created > 2024-06-01", "Put it in quotes: '2024-06-01'."),
        ("created between 2024-06-01T12:00 and 2025", "quotes: '2024-06-01T12:00'."),
        ("year = null", 'For a missing one, write "is null".'),
    ],
)
def test_the_message_says_what_to_type(text, hint):
    with pytest.raises(InvalidArgumentError) as caught:
        parse_where_text(text)
    assert hint in str(caught.value)


def test_the_message_says_what_was_expected_and_mentions_variables_only_if_there_are_any():
    message = (
        'The condition cannot be parsed: expected a number, a "text" in quotes, true{}, '
        """got 'tea' at character 8 in 'kind = tea'. For example: year >= 2020 and venue in ("ACL", "EMNLP")"""
    )
    for bound, others in ((None, " or false"), ({}.get, ", false or :name")):
        with pytest.raises(InvalidArgumentError) as caught:
            parse_where_text("kind = tea", bound)
        assert str(caught.value) == message.format(others)


def test_a_variable_in_a_condition_is_bound_and_never_evaluated():
    names = {":y": 2020, ":vs": ("ACL", "EMNLP"), ":n": numpy.int64(3), ":ns": numpy.arange(2)}

    def read(text):
        return parse_where_text(text, bound=names.__getitem__)

    assert read("year >= :y and v in :vs") == {
        "$and": [{"year": {"$gte": 2020}}, {"v": {"$in": ["ACL", "EMNLP"]}}]
    }
    assert read("a in (:n, 4)") == {"a": {"$in": [3, 4]}}
    assert read("a not in :ns") == {"a": {"$nin": [0, 1]}}
    with pytest.raises(KeyError, match=r":y\.real"):  # `bound` decides what the name means
        read("a = :y.real")
    with pytest.raises(
        InvalidArgumentError, match=":y after 'in' must be a list; got a value of type int"
    ):
        read("a in :y")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(" * 51 + "a = 1" + ")" * 51, "at most 50 levels of nested parentheses"),
        ("(" * 9_000, "at most 50 levels of nested parentheses"),
        ("a = " + "9" * 5_000, "at most 4,300 digits; got 5,000"),
        ("a = " + "9" * 9_000 + "x", "cannot be parsed"),
        ("a = 1" + " " * 10_000, "at most 10,000 characters; got 10,005"),
    ],
)
def test_a_condition_that_is_too_deep_or_too_long_has_its_own_message(text, message):
    with pytest.raises(InvalidArgumentError, match=message) as caught:
        parse_where_text(text)
    assert len(str(caught.value)) < 500


keys = st.sampled_from(["year", "kind", "a key", "not", "or`", "x:y", "größe", "1st"])
scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
)
compared = st.one_of(
    st.builds(lambda key, value: {key: value}, keys, scalars),
    st.builds(
        lambda key, operator, value: {key: {operator: value}},
        keys,
        st.sampled_from(["$eq", "$ne", "$gt", "$lte", "$contains", "$not_contains"]),
        scalars,
    ),
    st.builds(lambda key, exists: {key: {"$exists": exists}}, keys, st.booleans()),
    st.builds(
        lambda key, operator, values: {key: {operator: values}},
        keys,
        st.sampled_from(["$in", "$nin"]),
        st.lists(scalars, min_size=1, max_size=3),
    ),
)
filters = st.recursive(
    compared,
    lambda inner: st.builds(
        lambda word, parts: {word: parts},
        st.sampled_from(["$and", "$or"]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=6,
)


def flat(where):
    """Make the operators of a filter explicit, and flatten nested joins of the same kind."""
    ((key, value),) = where.items()
    if key not in ("$and", "$or"):
        return where if isinstance(value, dict) else {key: {"$eq": value}}
    parts = []
    for part in map(flat, value):
        parts += part.get(key, [part])
    return {key: parts}


@given(filters)
def test_the_text_of_a_filter_is_parsed_back_into_the_filter(where):
    text = format_where(where)
    if text is None:
        assert "`" in repr(where)
    else:
        assert flat(parse_where_text(text)) == flat(where)


def test_a_numpy_number_is_written_as_a_number():
    assert format_where({"x": numpy.float64(1.5)}) == "x = 1.5"


@pytest.mark.parametrize(
    "where",
    [{"x": {"$regex": "a"}}, {"a`b": 1}, {"x": float("nan")}, {"x": None}, {"x": "y" * 10_000}],
)
def test_a_filter_that_the_language_cannot_express_has_no_text(where):
    assert format_where(where) is None


def test_no_filter_has_an_empty_text():
    assert format_where(None) == format_where({}) == ""
