"""The language of a typed filter."""

import pytest

from chromalab.engine import parse_where
from chromalab.errors import InvalidArgumentError
from chromalab.where_text import parse_where_text


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
def test_a_condition_becomes_a_filter_that_the_store_reads(text, where):
    assert parse_where_text(text) == where
    parse_where(where)


@pytest.mark.parametrize(
    "text",
    [
        "", "year", "year >", "> 3", "year 3", "year >= ", "a = 1 and", "(a = 1", "a = 1)", "a in 1", "a in ()",
        "a = b", "a = 'x", "and = 1", "a like 'x'", "a = 1 b = 2", "a not = 1", "__import__('os')", "a = 1; drop",
        "a = 2020x", "a in (1, 2]", "a in (,)", "a = :x",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_an_example(text):
    with pytest.raises(InvalidArgumentError, match="For example: year >= 2020"):
        parse_where_text(text)


def test_the_sentence_says_what_was_expected_and_names_variables_only_where_there_are_any():
    said = (
        'The condition cannot be read: expected a number, a "text" in quotes, true{}, '
        """found 'tea' at 8 in 'kind = tea'. For example: year >= 2020 and venue in ("ACL", "EMNLP")"""
    )
    for bound, others in ((None, " or false"), ({}.get, ", false or :name")):
        with pytest.raises(InvalidArgumentError) as caught:
            parse_where_text("kind = tea", bound)
        assert str(caught.value) == said.format(others)


def test_a_variable_in_a_condition_is_bound_and_never_evaluated():
    import numpy

    names = {":y": 2020, ":vs": ("ACL", "EMNLP"), ":n": numpy.int64(3), ":ns": numpy.arange(2)}

    def read(text):
        return parse_where_text(text, bound=names.__getitem__)

    assert read("year >= :y and v in :vs") == {
        "$and": [{"year": {"$gte": 2020}}, {"v": {"$in": ["ACL", "EMNLP"]}}]
    }
    assert read("a in (:n, 4)") == {"a": {"$in": [3, 4]}}
    assert read("a not in :ns") == {"a": {"$nin": [0, 1]}}
    with pytest.raises(KeyError, match=r":y\.real"):  # `bound` says what that names
        read("a = :y.real")
    with pytest.raises(InvalidArgumentError, match="give a list"):
        read("a in :y")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(" * 51 + "a = 1" + ")" * 51, "more than 50 parentheses"),
        ("(" * 9_000, "more than 50 parentheses"),
        ("a = " + "9" * 5_000, "a number of 5,000 digits"),
        ("a = " + "9" * 9_000 + "x", "cannot be read"),
        ("a = 1" + " " * 10_000, "at most 10,000"),
    ],
)
def test_what_is_too_deep_or_too_long_has_its_own_sentence(text, said):
    with pytest.raises(InvalidArgumentError, match=said) as caught:
        parse_where_text(text)
    assert len(str(caught.value)) < 500
