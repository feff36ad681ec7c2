"""A command copied from a widget reads the records that the widget showed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chromalab
from chromalab.commands.command import execute
from chromalab.commands.session import Session
from chromalab.commands.settings import DEFAULTS
from chromalab_widgets.core.filters import condition_of, joined, parts_of, without
from chromalab_widgets.table.command import get_command

keys = st.sampled_from(["year", "kind", "a key"])
filters = st.recursive(
    st.builds(
        lambda key, operator, value: {key: {operator: value}},
        keys,
        st.sampled_from(["$eq", "$gte", "$lt"]),
        st.integers(0, 9),
    ),
    lambda inner: st.builds(
        lambda word, parts: {word: parts},
        st.sampled_from(["$and", "$or"]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=6,
)


@given(filters, keys)
def test_the_conditions_on_one_field_can_be_removed_from_a_filter(where, key):
    rest = without(where, key)
    assert condition_of(rest, key) is None
    removed = [part for part in parts_of(where) if part not in parts_of(rest)]
    assert bool(removed) == (condition_of(where, key) is not None)
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
    session = Session({"client": client}, DEFAULTS)
    session.connect(client, "here")
    yield session
    client.close()


def run(session, command):
    if command.startswith("%chroma "):
        return execute(session, command.removeprefix("%chroma "))
    return eval(command, {"client": session.client})  # a line of Python that chromalab generated


@pytest.mark.parametrize("id", IDS)
def test_a_command_reads_the_records_shown(session, id):
    for command in (
        get_command("notes", ids=[id]),
        get_command("notes", where={"id": id}),
        get_command("notes", contains=f"{id} ?"),
    ):
        assert run(session, command)["ids"] == [id]


def test_the_command_includes_the_order(session):
    command = get_command("notes", where={"n": {"$lt": 3}}, order_by="-n")
    assert command == '%chroma get notes --where "n < 3" --order-by=-n'
    assert run(session, command)["ids"] == IDS[2::-1]


def test_a_command_that_the_magic_cannot_express_is_python(session):
    assert get_command("notes", where={"n": {"$regex": "x"}}).startswith("client.get_collection(")
    assert run(session, get_command("notes", ids=[":y", "a"]))["ids"] == ["a", ":y"]
    longer_than_is_read = {"id": {"$in": ["a", *("x" * 90 + str(n) for n in range(200))]}}
    assert run(session, get_command("notes", where=longer_than_is_read))["ids"] == ["a"]
