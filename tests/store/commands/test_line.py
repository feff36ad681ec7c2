"""The grammar of a typed line: what is typed is what is meant, or an error."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chromalab.arguments.quotes import quote, unquote
from chromalab.commands.line import items_of, join, split, take_command, variable_in
from chromalab.errors import InvalidArgumentError


def texts(line):
    return [word.text for word in split(line)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("count notes # how many", ["count", "notes"]),
        ("#all of it", []),
        ('query notes "C# or #5" C#', ["query", "notes", "C# or #5", "C#"]),
        (r'a "" --where="x = ' + r"""'y z'" C:\papers""", ["a", "", "x = 'y z'", r"C:\papers"]),
        (r'"say \"hi\" now"', ['say "hi" now']),
        ('"say ""hi"" now"', ['say "hi" now']),
        (r"'it\'s' 'it''s'", ["it's", "it's"]),
        (r'"it\'s"', [r"it\'s"]),
        (r'"C:\new" "C:\\" "\\server\share" "\d+\\"', ["C:\\new", "C:\\", r"\\server\share", "\\d+\\"]),
        ('"a\\\\\\"b"', ['a\\"b']),
        ("\u201cgraph theory\u201d \u2018it is\u2019 \u201ex\u201c", ["graph theory", "it is", "x"]),
        ("\u201csay \"hi\"\u201d", ['say "hi"']),
        ('"he said \u201chi\u201d"', ["he said \u201chi\u201d"]),
        ('query papers "tea";', ["query", "papers", "tea"]),
        ("query papers tea; # shown elsewhere", ["query", "papers", "tea"]),
        ("count papers ;", ["count", "papers"]),
        ('query papers "tea;"', ["query", "papers", "tea;"]),
        ("get a;b c;d", ["get", "a;b", "c;d"]),
        (";", []),
        ("  \t", []),
    ],
)  # fmt: skip
def test_a_line_is_split_into_words(line, words):
    assert texts(line) == words


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("query notes what's up", "A quote is not closed"),
        ('query notes "tea', "A quote is not closed"),
        ('query notes "tea\\"', "A quote is not closed"),
        ("query notes \u201ctea", "A quote is not closed"),
        ('query notes "tea"s', "Quotes must enclose a whole word"),
        ('query notes 5"x"', "Quotes must enclose a whole word"),
        ('query notes "tea"; more', "Quotes must enclose a whole word"),
        ("query notes \u2018it\u2019s tea\u2019", "Quotes must enclose a whole word"),
        ('get notes where="x"', "Quotes must enclose a whole word"),
    ],
)
def test_a_quote_that_is_not_around_a_word_is_an_error(line, message):
    with pytest.raises(InvalidArgumentError, match=message):
        split(line)


def test_only_a_word_without_quotes_is_a_variable_or_a_flag():
    bare, quoted, flag, value, text, number = split(':x ":x" --k --k=":x" "--k" -5')
    assert (bare.variable, quoted.variable, value.variable) == ("x", None, None)
    assert (flag.is_flag, value.is_flag, text.is_flag, number.is_flag) == (True, True, False, False)
    assert (value.flag, value.text) == ("--k", ":x")
    for typed in (":my-df", ":5", ":)", ":"):
        with pytest.raises(
            InvalidArgumentError, match="Put a text that starts with a colon in quotes"
        ):
            variable_in(typed)


@pytest.mark.parametrize(
    ("source", "items"),
    [
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        ("a, b ,c", ["a", "b", "c"]),
        ('"a b, c"', ["a b", "c"]),
        ('"a, b","c"', ["a, b", "c"]),
        ('"a, b",c', ["a, b", "c"]),
        ('a,":x"', ["a", ":x"]),
    ],
)
def test_a_list_is_separated_by_commas(source, items):
    assert items_of(source, "--meta") == items


@pytest.mark.parametrize("source", ["a,,b", "a,", ",a", '""', "a b", "a,:x", '"a","b'])
def test_a_list_with_an_empty_item_or_a_variable_is_an_error(source):
    with pytest.raises(InvalidArgumentError, match="--meta"):
        items_of(source, "--meta")


def test_a_command_may_be_on_the_first_line_of_the_cell():
    assert take_command("", "query papers\ntea") == ("query papers", "tea")
    assert take_command("# why", "\n# how\n  count papers  \n\n") == ("count papers", None)
    assert take_command("query papers", "tea") == ("query papers", "tea")
    assert take_command("", "\n") == ("", None)
    assert take_command("", None) == ("", None)


@given(st.text())
def test_a_quoted_text_is_read_back(text):
    for mark in ('"', "'"):
        assert unquote(quote(text, mark)) == text


@given(
    st.lists(
        st.text(alphabet=st.characters() | st.sampled_from("\"'\\:;#,-= \u201c\u201d\u2018\u2019"))
    )
)
def test_words_that_are_written_by_the_grammar_are_split_back(words):
    found = split(join(words))
    assert [word.text for word in found] == words
    assert all(word.variable is None and not word.is_flag for word in found if word.quoted)


typed = st.text(alphabet=st.sampled_from("ab\"'\\:;#,-= \u201c\u201d\u2018\u2019\t1"), max_size=30)


@given(typed | st.text())
def test_a_line_is_split_without_losing_a_character_or_is_an_error(line):
    try:
        words = split(line)
    except InvalidArgumentError:
        return
    rest = line
    for word in words:
        before, rest = rest.split(word.typed, 1)
        assert not before.strip()
        if word.is_bare:
            assert word.text == word.source
        if word.quoted:
            assert split(quote(word.text))[0].text == word.text
    rest = rest.strip().removeprefix(";").strip()
    assert not rest or rest.startswith("#")


@given(typed)
def test_a_list_is_read_or_is_an_error(source):
    with contextlib.suppress(InvalidArgumentError):
        assert all(items_of(source, "--meta"))
