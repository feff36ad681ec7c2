"""What every widget does with a request, shown on one that adds numbers."""

import threading

import pytest
import traitlets

from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError
from chromalab_widgets import fields
from chromalab_widgets.base import Reply, Verb, Widget


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


def test_a_request_with_a_number_is_answered_with_body_and_buffers(adder):
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


def test_what_a_handler_raises_is_a_sentence_an_answer_and_a_line_in_the_log(adder, caplog):
    send(adder, verb="fail", request=1)
    assert adder.error == "OSError: disk full"
    assert adder.answers == [({"reply": 1, "problem": "OSError: disk full"}, [])]
    assert caplog.records[-1].exc_info[0] is OSError
    assert not adder.busy
    send(adder, verb="add", n=1)
    assert adder.error == ""


def test_a_quiet_verb_is_never_busy_and_leaves_an_error_that_is_there(adder):
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
        ({"verb": "add"}, "The verb 'add' takes ['n', 'note'], got []"),
        ({"verb": "add", "n": 1, "x": 1}, "The verb 'add' takes ['n', 'note'], got ['n', 'x']"),
        ({"verb": "add", "n": 10}, "The n of 'add' is 10: it goes from 1 to 9"),
        (
            {"verb": "add", "n": 1, "note": "longer"},
            "The note of 'add' has 6 characters: shorten it to 5",
        ),
        ({"verb": "__init__"}, "No verb '__init__'. Verbs: add, fail, look"),
    ],
)
def test_a_request_that_is_not_in_the_table_is_refused(adder, content, sentence):
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
def test_a_field_takes_what_it_is_and_nothing_else(field, good, bad):
    assert field("x", good) == good
    for value in bad:
        with pytest.raises((InvalidArgumentError, InvalidArgumentTypeError)):
            field("x", value)


def test_requests_of_several_threads_are_done_one_after_the_other(adder):
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
    assert data["text/html"] == "<p>&lt;b&gt;Adder&lt;/b&gt;: run the cell to use it</p>"
    assert "image/png" not in data


def test_a_widget_that_cannot_read_its_store_is_displayed_with_the_sentence(adder, monkeypatch):
    def unreadable(self):
        raise InvalidArgumentError("<b>closed</b>")

    monkeypatch.setattr(Adder, "_static_html", unreadable)
    data, _ = adder._repr_mimebundle_()
    assert data["text/html"] == "<p>Adder: &lt;b&gt;closed&lt;/b&gt;</p>"
