"""How every widget handles requests, tested with one that adds numbers, and what a browser may set."""

import re
import threading
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
import traitlets

import chromalab
import chromalab_widgets
from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError
from chromalab_widgets.core import fields
from chromalab_widgets.core.widget import Reply, Verb, Widget


class Adder(Widget):
    verbs = {
        "add": Verb("_add", n=fields.whole(1, 9), note=fields.maybe(fields.text(5))),
        "look": Verb("_look", quiet=True, buffers=True),
        "fail": Verb("_fail"),
    }
    total = traitlets.Int().tag(sync=True)

    def _add(self, n, note):
        self.total += n
        return Reply({"note": note}, [b"ab"])

    def _look(self, buffers):
        if not buffers:
            raise InvalidArgumentError("Nothing to look at.")
        return Reply({"kinds": [type(buffer).__name__ for buffer in buffers]})

    def _fail(self):
        self.total = -1
        raise OSError("disk full")


@pytest.fixture
def adder(monkeypatch):
    adder = Adder()
    adder.answers = []
    monkeypatch.setattr(
        adder, "send", lambda content, buffers=None: adder.answers.append((content, buffers))
    )
    return adder


def send(adder, buffers=(), **content):
    adder._handle_msg(
        {"content": {"data": {"method": "custom", "content": content}}, "buffers": list(buffers)}
    )


def put(widget, state, buffer_paths=(), buffers=()):
    """Deliver a message the way `model.save_changes()` sends it."""
    data = {"method": "update", "state": state, "buffer_paths": list(buffer_paths)}
    widget._handle_msg({"content": {"data": data}, "buffers": list(buffers)})


@pytest.fixture
def facts():
    with chromalab.EphemeralClient() as client:
        facts = client.create_collection("facts", embedding_function=None)
        facts.add(
            ids=["a", "b", "c"],
            embeddings=np.eye(3),
            metadatas=[{"kind": "tea"}, {"kind": "tea"}, {"kind": "rum"}],
        )
        yield facts


def test_a_request_with_a_number_gets_a_reply_with_body_and_buffers(adder):
    send(adder, verb="add", n=2, note="hi", request=5)
    assert adder.answers == [({"reply": 5, "body": {"note": "hi"}}, [b"ab"])]
    send(adder, verb="add", n=2)
    assert len(adder.answers) == 1
    assert adder.total == 4


def test_the_traits_and_the_end_of_busy_arrive_together(adder, monkeypatch):
    sent = []
    monkeypatch.setattr(adder.comm, "send", lambda data, **_: sent.append(data["state"]))
    send(adder, verb="add", n=2)
    assert sent == [{"busy": True}, {"busy": False, "total": 2}]


def test_an_error_in_a_handler_is_shown_replied_and_logged(adder, caplog):
    send(adder, verb="fail", request=1)
    assert adder.error == "OSError: disk full"
    assert adder.answers == [({"reply": 1, "problem": "OSError: disk full"}, [])]
    assert caplog.records[-1].exc_info[0] is OSError
    assert not adder.busy
    send(adder, verb="add", n=1)
    assert adder.error == ""


def test_a_quiet_verb_is_never_busy_and_keeps_an_earlier_error(adder):
    seen = []
    adder.observe(lambda change: seen.append(change["new"]), "busy")
    send(adder, verb="fail")
    seen.clear()
    send(adder, [memoryview(b"ab")], verb="look", request=1)
    assert adder.answers[-1] == ({"reply": 1, "body": {"kinds": ["bytes"]}}, [])
    assert (seen, adder.error) == ([], "OSError: disk full")
    send(adder, verb="look")
    assert adder.error == "Nothing to look at."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"verb": "add"}, "The verb 'add' takes ['n', 'note']; got []."),
        ({"verb": "add", "n": 1, "x": 1}, "The verb 'add' takes ['n', 'note']; got ['n', 'x']."),
        ({"verb": "add", "n": 10}, "The n of 'add' must be from 1 to 9; got 10."),
        (
            {"verb": "add", "n": 1, "note": "longer"},
            "The note of 'add' must have at most 5 characters; got 6. Shorten it.",
        ),
        ({"verb": "__init__"}, "No verb '__init__'. Verbs: add, fail, look, state."),
    ],
)
def test_an_unknown_request_is_refused(adder, content, sentence):
    send(adder, **content)
    assert adder.error == sentence
    assert adder.total == 0


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (fields.text(), "a", [" ", 1, None]),
        (fields.text(blank=True), "", [None]),
        (fields.texts(2), ["a", ""], ["a", [1], ["a", "b", "c"]]),
        (fields.whole(0, 5), 5, [6, -1, True, 1.0, "1"]),
        (fields.number(0, 1), 0.5, [2, float("nan"), True, "1"]),
        (fields.number(), 7, [float("inf"), 10**400]),
        (fields.flag(), True, [1, None]),
        (fields.choice("a", "b"), "b", ["c", 1, ["a"]]),
        (fields.maybe(fields.flag()), None, [1]),
    ],
)
def test_a_field_accepts_only_valid_values(field, good, bad):
    assert field("x", good) == good
    for value in bad:
        with pytest.raises((InvalidArgumentError, InvalidArgumentTypeError)):
            field("x", value)


def test_requests_from_several_threads_are_handled_one_at_a_time(adder):
    threads = [
        threading.Thread(target=send, args=(adder,), kwargs={"verb": "add", "n": 1})
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert adder.total == 8


def test_a_saved_notebook_shows_a_line_of_escaped_text(adder, monkeypatch):
    monkeypatch.setattr(Adder, "__repr__", lambda self: "<b>Adder</b>")
    data, _ = adder._repr_mimebundle_()
    assert "<p>&lt;b&gt;Adder&lt;/b&gt;. Run the cell to use it.</p>" in data["text/html"]
    assert "image/png" not in data


def test_a_notebook_gets_the_static_version_and_the_view_which_hides_it(adder, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    adder._ipython_display_()
    static, view = shown
    assert list(view) == ["application/vnd.jupyter.widget-view+json"]
    assert not view.keys() & static.keys()
    (live,) = adder._dom_classes
    assert f"<style>:root:has(.{live}) " in static["text/html"]
    assert "Run the cell to use it." in static["text/html"]


def test_a_view_has_the_class_that_shows_it_from_the_first_message_on():
    opened = []

    class Opening(Adder):
        def open(self):
            opened.append(self._dom_classes)
            super().open()

    assert opened == [Opening()._dom_classes]
    assert opened[0][0].startswith("chromalab-live-")


def test_a_widget_that_cannot_read_its_store_displays_the_error(adder, monkeypatch):
    def unreadable(self):
        raise InvalidArgumentError("<b>closed</b>")

    monkeypatch.setattr(Adder, "_static_html", unreadable)
    data, _ = adder._repr_mimebundle_()
    assert "<p>Adder: &lt;b&gt;closed&lt;/b&gt;</p>" in data["text/html"]


def test_the_browser_cannot_set_traits_of_the_kernel(facts, caplog):
    search_panel = facts.search_panel()
    search_panel.read_facets()
    before = search_panel.get_state()
    put(search_panel, {"chosen": {"kind": [9]}, "rows": [{}], "error": "x", "where_text": "?"})
    put(search_panel, {"_esm": "alert(1)", "n_results": 1, "collection": None})
    assert search_panel.get_state() == before
    assert search_panel._where() is None
    warning = "The browser may not set ['_esm', 'collection', 'n_results'] of SearchPanel."
    assert caplog.records[-1].getMessage() == warning


@pytest.mark.parametrize("state", [[1], "selected", None, 3])
def test_a_state_that_is_not_an_object_is_refused(facts, caplog, state):
    search_panel = facts.search_panel()
    put(search_panel, state)
    assert [record.getMessage() for record in caplog.records] == [
        "The state sent for SearchPanel is not an object."
    ]


def test_made_up_names_from_the_browser_do_not_fill_the_log(facts, caplog):
    put(facts.search_panel(), {f"name {number}": 1 for number in range(10_000)})
    assert len(caplog.records[-1].getMessage()) < 200


def test_a_map_accepts_its_writable_traits_and_nothing_sent_with_them(facts, caplog):
    map = facts.map(np.eye(3, 2))
    points = map.points
    put(map, {"density": True, "hidden": [1]})
    assert (map.density, map.hidden, caplog.records) == (True, [1], [])
    rows = memoryview(np.array([2], dtype=np.uint32).tobytes())
    put(map, {"points": None}, [["selected"]], [rows])
    assert (facts.selection.ids, map.selected, map.points) == ([], b"", points)


def test_links_in_the_kernel_can_set_every_trait(facts):
    one, two = facts.map(np.eye(3, 2)), facts.map(np.eye(3, 2))
    slider = ipywidgets.IntSlider(520, max=900)
    ipywidgets.link((one, "hidden"), (two, "hidden"))
    ipywidgets.link((slider, "value"), (one, "height"))
    put(one, {"hidden": [0]})
    put(slider, {"value": 600})
    assert (two.hidden, one.height) == ([0], 600)


def test_writable_traits_are_those_that_the_typescript_sets():
    source = Path(__file__).parents[2] / "widgets" / "src"
    shared = (source / "core" / "selection.ts").read_text()
    for name in chromalab_widgets.__all__:
        folder = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        files = (source / folder).glob("*.ts")
        text = "".join(file.read_text() for file in files if ".test." not in file.name)
        setters = re.findall(r"function set\(name: ([^,]*),", text)
        assert text.count("model.set(") == len(setters)
        names = set(re.findall(r'"(\w+)"', " ".join(setters)))
        if "echoChanges(" in text or "new SelectionBar(" in text:
            names |= set(re.findall(r'model\.set\("(\w+)"', shared))
        assert names == getattr(chromalab_widgets, name).writable


class Sampler(Widget):
    verbs = {"turn": Verb("_turn", quiet=True, buffers=True)}
    points = traitlets.Bytes(b"\x01\x02").tag(sync=True)
    lines = traitlets.List([{"at": b"\x03"}]).tag(sync=True)

    def _turn(self, buffers):
        return Reply({}, [buffer[::-1] for buffer in buffers])


@pytest.fixture
def sampler(monkeypatch):
    """A widget in a page that loses binary buffers; `messages` is what reaches it."""
    monkeypatch.setattr(Widget, "text_only", True)
    sampler = Sampler()
    sampler.messages = []

    def deliver(data, buffers=None, **_):
        assert not buffers
        sampler.messages.append(data)

    monkeypatch.setattr(sampler.comm, "send", deliver)
    return sampler


def test_a_page_that_loses_binary_buffers_gets_bytes_as_text(sampler):
    sampler.points = b"\xff"
    update = sampler.messages[-1]
    assert update["state"]["points"] == {"$binary": "/w=="}
    assert not update.get("buffer_paths")
    assert sampler.get_state()["lines"] == [{"at": {"$binary": "Aw=="}}]


def test_such_a_page_sends_and_receives_buffers_as_text(sampler):
    sampler._on_message({"verb": "turn", "request": 1, "buffers": [{"$binary": "AQI="}]}, [])
    reply = {"reply": 1, "body": {}, "buffers": [{"$binary": "AgE="}]}
    assert sampler.messages[-1]["content"] == reply
    for wrong in ([{"$binary": "?"}], [{"$binary": 1}], ["AQI="], [{}], 5):
        sampler._on_message({"verb": "turn", "request": 2, "buffers": wrong}, [])
        assert "must be a list" in sampler.messages[-1]["content"]["problem"]


def test_such_a_page_can_request_the_state_again(sampler):
    send(sampler, verb="state")
    state = sampler.messages[-1]["state"]
    assert state["text_only"] is True
    assert state["points"] == {"$binary": "AQI="}
    assert state["error"] == ""


def test_other_pages_get_bytes_and_no_mark(adder):
    assert "text_only" not in adder.get_state()
    assert Sampler().get_state("points") == {"points": b"\x01\x02"}
