"""A random line is a command or an error of ours, for every verb."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from chromalab.commands.command import execute, parse
from chromalab.commands.line import split
from chromalab.commands.session import Session
from chromalab.commands.settings import DEFAULTS
from chromalab.commands.verbs import VERBS
from chromalab.errors import ChromalabError

FLAGS = sorted({a.name for verb in VERBS.values() for a in verb.arguments if a.is_flag})
words = st.one_of(
    st.sampled_from(
        [*FLAGS, "-k", "-n", ":x", ":df", "notes", "a,b", "a,", '"b c"', "':x'", "-5", "2.7"]
    ),
    st.text(alphabet="ab:-=,;#\"'\\\u201c\u201d 1", max_size=8),
)
lines = st.lists(words, max_size=7).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(VERBS)), lines)
def test_the_words_after_a_verb_are_read_or_are_an_error_of_ours(name, line):
    session = Session({"x": 2.7, "df": ["tea"]}, DEFAULTS)
    with contextlib.suppress(ChromalabError):
        parse(session, VERBS[name], split(line))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["query", "get", "count", "peek", "help", "qurey", ""]), lines)
def test_a_line_without_a_store_gives_help_a_status_or_an_error_of_ours(name, line):
    session = Session({"x": 2.7, "df": ["tea"]}, DEFAULTS)
    with contextlib.suppress(ChromalabError):
        assert execute(session, f"{name} {line}") is not None
