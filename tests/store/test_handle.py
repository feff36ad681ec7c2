"""`Handle`, its rooms, and the sockets for what lies above the store."""

import inspect
import pydoc

import pytest

import chromalab
from chromalab import errors, sockets
from chromalab.handle import Handle, Room


class Counter:
    def __init__(self, handle):
        self.handle = handle


class Counted(Handle):
    counter = Room(Counter)


def test_a_room_is_made_once_per_handle(client):
    points = client.create_collection("points", embedding_function=None)
    one, other = (Counted(points.engine, points.get_model()) for _ in range(2))
    assert one.counter is one.counter is one.room(Counter)
    assert one.counter.handle is one
    assert one.counter is not other.counter
    assert isinstance(Counted.counter, Room)


def test_handles_of_one_collection_are_equal(client):
    points = client.create_collection("points", embedding_function=None)
    assert points == client.get_collection("points") == Handle(points.engine, points.get_model())
    assert len({points, client.get_collection("points")}) == 1
    assert points != client.create_collection("others", embedding_function=None)


def test_what_is_plugged_in_binds_like_a_method(client):
    points = client.create_collection("points", embedding_function=None)
    bound, provided = inspect.signature(points.label), inspect.signature(points.__class__.label)
    assert list(bound.parameters) == list(provided.parameters)[1:]
    assert points.label.__doc__ == sockets.plug("chromalab.show", "label").__doc__
    for name in ("map", "table", "search_panel"):  # classes, which do not bind themselves
        bound, provided = getattr(points, name), sockets.plug("chromalab.show", name)
        parameters = list(inspect.signature(bound).parameters)
        assert parameters == list(inspect.signature(provided).parameters)[1:]
        shown = pydoc.plain(pydoc.render_doc(bound))
        assert f"function {name} " in shown
        assert inspect.getdoc(provided).splitlines()[0] in shown


def test_an_empty_socket_says_what_to_install():
    with pytest.raises(errors.MissingDependencyError, match="Nothing provides 'globe'"):
        sockets.plug("chromalab.show", "globe")


def test_every_method_of_a_collection_has_a_docstring():
    names = [name for name in dir(chromalab.Collection) if not name.startswith("_")]
    assert len(names) > 50
    missing = [name for name in names if not inspect.getdoc(getattr(chromalab.Collection, name))]
    assert missing == []
