"""`Widget`: what every widget shares, from requests of the browser to what a saved notebook shows."""

from __future__ import annotations

import base64
import html
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import anywidget
import traitlets

from chromalab.errors import (
    ChromalabError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    near,
    short,
)
from chromalab_widgets.fields import Field, optional_names

__all__ = ["Reply", "Verb", "Widget", "cut", "sentence"]

_VALUE_SHOWN = 80
_NAME_SHOWN = 40


class Verb:
    """Something the browser may ask for.

    Args:
        handler: The name of the method that does it; it gets the fields by name, and `buffers` where
            the verb takes them. It may return a `Reply`.
        quiet: Done without the signs of work: `busy` stays, and so does an error of before.
        buffers: Whether the request brings binary buffers: the handler gets a list of bytes.
        called: What a field is called in a sentence, where its name would not do.
        fields: The fields, all of them needed unless made by `maybe`.
    """

    def __init__(
        self,
        handler: str,
        *,
        quiet: bool = False,
        buffers: bool = False,
        called: Mapping[str, str] | None = None,
        **fields: Field,
    ) -> None:
        self.handler, self.quiet, self.buffers = handler, quiet, buffers
        self.fields, self.called = fields, dict(called or {})
        self.optional = set(optional_names(fields))


@dataclass(frozen=True)
class Reply:
    """What a handler answers a request with, for those who asked alone.

    Attributes:
        body: What JSON can hold.
        buffers: Arrays and bytes, sent as they are.
    """

    body: Mapping[str, Any]
    buffers: Sequence[bytes | memoryview] = ()


class _RefusedError(InvalidArgumentError, traitlets.TraitError):
    """A value that a trait refuses: traitlets puts the old one back after errors of its own alone."""


class Widget(anywidget.AnyWidget):
    """The base of the widgets: state in traits, requests as messages with a closed set of verbs.

    A request is `{"verb": ..., "request": n, ...fields}`. Its handler is a method; what that raises
    becomes a sentence in `error`, never an exception in a message loop that nobody reads. A request with
    a number is answered by `{"reply": n, "body": ...}` with buffers, or `{"reply": n, "problem": ...}`.

    Attributes:
        verbs: What the browser may ask for. A subclass names its own.
        writable: The traits that the browser sets by itself; all others it changes by verbs alone.
    """

    verbs: ClassVar[Mapping[str, Verb]] = {}
    writable: ClassVar[frozenset[str]] = frozenset()

    # Jupyter may run the browser's requests on another thread than the cells. One lock for all widgets: a
    # selection is drawn by every widget over it, and by whoever watches it over others. Of two with locks
    # of their own, each could wait for the other's.
    _one_at_a_time: ClassVar = threading.RLock()

    error = traitlets.Unicode(help="What went wrong in the last request, or empty.").tag(sync=True)
    busy = traitlets.Bool(help="True while a request is worked on.").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._working = False
        super().__init__(**traits)
        self.on_msg(type(self)._on_message)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Do something alone, with `busy` up; what is raised is shown, and raised.

        The traits that change inside reach the browser as one update, together with the end of `busy`,
        so that it never shows new rows under an old status. Inside itself it does nothing.
        """
        with self._one_at_a_time:
            if self._working:
                yield
                return
            self._working, self.busy = True, True
            try:
                with self.hold_sync():
                    problem = ""
                    try:
                        yield
                    except BaseException as raised:  # an interrupt too must end the wait
                        problem = sentence(raised)
                        raise
                    finally:
                        self.error, self.busy = problem, False
            finally:
                self._working = False

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Check what a trait is set to: `error` says what is refused, and the trait stays as it was.

        A link or a callback may set it, whose traceback nobody reads.
        """
        with self.working():
            try:
                yield
            except (InvalidArgumentError, InvalidArgumentTypeError) as problem:
                raise _RefusedError(str(problem)) from problem

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Do something alone that no cell and no request waits for: `error` says what goes wrong."""
        with self._one_at_a_time:
            try:
                yield
            except ChromalabError as problem:
                self.error = sentence(problem)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the browser set of `writable`, and nothing else."""
        if not isinstance(sync_data, dict):
            self.log.warning("The state of %s is no object", type(self).__name__)
            return
        refused = sorted(sync_data.keys() - self.writable)
        if refused:  # not sent back as it is here: two that `jslink` ties would do so for ever
            self.log.warning(
                "The browser does not set %s of %s", short(refused), type(self).__name__
            )
        super().set_state({name: sync_data[name] for name in sync_data if name in self.writable})

    def _on_message(self, content: object, buffers: Sequence[Any] | None) -> None:
        """Answer a request of the browser; there is no cell for an error to appear in."""
        number = content.get("request") if isinstance(content, dict) else None
        name: object = content.get("verb") if isinstance(content, dict) else None
        verb = type(self).verbs.get(name) if isinstance(name, str) else None
        try:
            with self._one_at_a_time:
                if verb is not None and verb.quiet:
                    answer = self._answer(content, buffers)
                else:
                    with self.working():
                        answer = self._answer(content, buffers)
        except (Exception, KeyboardInterrupt) as problem:
            if verb is not None and verb.quiet:
                self.error = sentence(problem)
            # The widget shows the sentence; the traceback of a stranger is worth keeping.
            if not isinstance(problem, ChromalabError):
                self.log.exception("The request %r of %s failed", name, type(self).__name__)
            self._reply(number, {"problem": sentence(problem)}, ())
            return
        if answer is None:
            self._reply(number, {"body": {}}, ())
        else:
            self._reply(number, {"body": dict(answer.body)}, answer.buffers)

    def _answer(self, content: object, buffers: Sequence[Any] | None) -> Reply | None:
        verb, fields = read_request(content, type(self).verbs)
        if verb.buffers:
            fields["buffers"] = [bytes(buffer) for buffer in buffers or ()]
        answer = getattr(self, verb.handler)(**fields)
        return answer if isinstance(answer, Reply) else None

    def _reply(self, number: object, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        if isinstance(number, int) and not isinstance(number, bool):
            self.send({"reply": number, **content}, list(buffers))

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Add HTML and perhaps a picture, for readers of a saved notebook without widget state."""
        rendered = super()._repr_mimebundle_(**kwargs)
        if rendered is None:
            return None
        data, metadata = rendered
        try:
            shown, picture = self._static_html(), self._static_png()
        except ChromalabError as problem:  # the client is closed, say: the widget says so, too
            line = f"{type(self).__name__}: {sentence(problem)}"
            shown, picture = f"<p>{html.escape(line, quote=False)}</p>", None
        data = {**data, "text/html": shown}
        if picture is not None:
            data["image/png"] = base64.b64encode(picture).decode("ascii")
        return data, metadata

    def _static_html(self) -> str:
        """What a saved notebook shows: HTML with all text of users escaped."""
        return f"<p>{html.escape(repr(self), quote=False)}: run the cell to use it</p>"

    def _static_png(self) -> bytes | None:
        """What a saved notebook shows where it takes pictures alone; None for no picture."""
        return None


def read_request(content: object, verbs: Mapping[str, Verb]) -> tuple[Verb, dict[str, Any]]:
    """Check a message of the browser; return its verb, and its fields by name.

    Raises:
        InvalidArgumentError: it is not a request, or not one of these verbs and their fields.
    """
    if not isinstance(content, dict) or not isinstance(content.get("verb"), str):
        raise InvalidArgumentTypeError(
            f"A request is an object with a verb, got {cut(repr(content), _VALUE_SHOWN)}"
        )
    name = content["verb"]
    if name not in verbs:
        shown = cut(name, _NAME_SHOWN)
        raise InvalidArgumentError(f"No verb {shown!r}. {near(shown, verbs, what='Verbs')}")
    verb = verbs[name]
    given = content.keys() - {"verb", "request"}
    if given - verb.fields.keys() or verb.fields.keys() - verb.optional - given:
        raise InvalidArgumentError(
            f"The verb {name!r} takes {sorted(verb.fields)}, got {sorted(map(str, given))}"
        )
    return verb, {
        field: check(verb.called.get(field, f"The {field} of {name!r}"), content.get(field))
        for field, check in verb.fields.items()
    }


def cut(text: str, length: int) -> str:
    """Cut a text for display, and show that it was cut."""
    return text if len(text) <= length else text[:length].rstrip() + " …"


def sentence(problem: BaseException) -> str:
    """Say an error in one line; the name of the class helps where the message is not ours."""
    if isinstance(problem, ChromalabError):
        return str(problem)
    return f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
