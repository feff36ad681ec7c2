"""What is copied from a widget is read back by the magic as what the widget showed."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chromalab
from chromalab.where_text import parse_where_text
from chromalab_kernel.command import execute
from chromalab_kernel.session import Session
from chromalab_widgets.commands import get_command
from chromalab_widgets.conditions import condition_of, joined, parts_of, where_text, without

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
    """A filter with operators said, and nested joins of one word taken apart."""
    ((key, value),) = where.items()
    if key not in ("$and", "$or"):
        return where if isinstance(value, dict) else {key: {"$eq": value}}
    parts = []
    for part in map(flat, value):
        parts += part.get(key, [part])
    return {key: parts}


@given(filters)
def test_the_text_of_a_filter_is_read_back_as_the_filter(where):
    text = where_text(where)
    if text is None:
        assert "`" in repr(where)
    else:
        assert flat(parse_where_text(text)) == flat(where)


@given(filters, keys)
def test_what_a_filter_says_of_a_key_alone_can_be_taken_out(where, key):
    rest = without(where, key)
    assert condition_of(rest, key) is None
    kept = [part for part in parts_of(where) if part not in parts_of(rest)]
    assert bool(kept) == (condition_of(where, key) is not None)
    assert joined(parts_of(where)) in (where, joined(parts_of(where)))


IDS = ["a", "b c", 'it"s', "it's", "-x", ":y", "ü/1.2", "two\nlines", "#5", "a:b"]


@pytest.fixture
def session():
    client = chromalab.EphemeralClient()
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(
        ids=IDS,
        embeddings=[[n] for n in range(len(IDS))],
        documents=[f"{id} ?" for id in IDS],
        metadatas=[{"id": id, "n": n} for n, id in enumerate(IDS)],
    )
    session = Session({"client": client}, SimpleNamespace())
    session.connect(client, "here")
    yield session
    client.close()


def run(session, command):
    if command.startswith("%chroma "):
        return execute(session, command.removeprefix("%chroma "))
    return eval(command, {"client": session.client})  # a line of Python that we wrote ourselves


@pytest.mark.parametrize("id", IDS)
def test_a_command_reads_the_records_that_were_shown(session, id):
    for command in (
        get_command("notes", ids=[id]),
        get_command("notes", where={"id": id}),
        get_command("notes", contains=f"{id} ?"),
    ):
        assert run(session, command)["ids"] == [id]


def test_the_order_is_in_the_command(session):
    command = get_command("notes", where={"n": {"$lt": 3}}, order_by="-n")
    assert command == '%chroma get notes --where "n < 3" --order-by=-n'
    assert run(session, command)["ids"] == IDS[2::-1]


def test_what_the_magic_has_no_words_for_is_python(session):
    assert get_command("notes", where={"n": {"$regex": "x"}}).startswith("client.get_collection(")
    assert run(session, get_command("notes", ids=[":y", "a"]))["ids"] == ["a", ":y"]
