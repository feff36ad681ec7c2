"""`Widget`: what all widgets share, from requests of the browser to the output in a saved notebook."""

from __future__ import annotations

import base64
import html
import sys
import threading
import uuid
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
from chromalab.results.tables import html_block
from chromalab_widgets.core.binary import decode, encode
from chromalab_widgets.core.cell_events import request_handled
from chromalab_widgets.core.fields import Field, optional_names
from chromalab_widgets.core.text import cut, sentence

__all__ = ["Reply", "Verb", "Widget", "read_request"]

_VIEW = "application/vnd.jupyter.widget-view+json"
# JupyterLab can only show an error for a widget whose kernel is gone. So a widget is two outputs: a static
# one, which is hidden while the page contains a live view, and the view, which JupyterLab shows only if it
# is live. https://github.com/jupyterlab/jupyterlab/issues/15361
_STATIC_STYLE = (
    "<style>:root:has(.{live}) .{static},"
    ":root:has(.{live}) .jp-OutputArea-child:has(.{static}),"
    ".jp-OutputArea-child:has(.{static}) + .jp-OutputArea-child:not(:has(.{live}))"
    "{{display:none}}</style>"
)
_VALUE_SHOWN = 80
_NAME_SHOWN = 40


class Verb:
    """A request that the browser may send.

    Args:
        handler: The name of the method that handles it. It gets the fields by name, and `buffers` if
            the verb takes them. It may return a `Reply`.
        quiet: Whether the request leaves `busy` alone and keeps an earlier error.
        buffers: Whether the request carries binary buffers; the handler gets them as a list of bytes.
        called: What a field is called in messages, where its name is not clear enough.
        fields: The fields, all of them required unless made with `maybe`.
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
    """A handler's answer, which goes only to the view that sent the request.

    Attributes:
        body: Values that JSON can represent.
        buffers: Arrays and bytes, sent without conversion.
    """

    body: Mapping[str, Any]
    buffers: Sequence[bytes | memoryview] = ()


_SHARED = {"state": Verb("send_state", quiet=True)}  # the verbs of all widgets


class _RefusedError(InvalidArgumentError, traitlets.TraitError):
    """A value that a trait refuses: traitlets restores the old value only after its own error class."""


class Widget(anywidget.AnyWidget):
    """The base of the widgets: state in traits, and requests as messages with a closed set of verbs.

    A request is `{"verb": ..., "request": n, ...fields}` and is handled by a method. If that raises, the
    message goes to `error`: an exception in the message loop would not be shown to anyone. A request with
    a number gets the reply `{"reply": n, "body": ...}` with buffers, or `{"reply": n, "problem": ...}`.

    Attributes:
        verbs: The requests that the browser may send; each subclass defines its own.
        writable: The traits that the browser may set directly. It changes all others only through verbs.
        text_only: Whether the page loses binary buffers, as Colab's widget manager does. Bytes are then sent as
            base64 text, and a view requests the state when it is drawn, as Colab may not have delivered
            all changes to it. Another host with such a fault needs `Widget.text_only = True`.
    """

    verbs: ClassVar[Mapping[str, Verb]] = {}
    text_only: ClassVar[bool] = "google.colab" in sys.modules
    writable: ClassVar[frozenset[str]] = frozenset()

    # Jupyter may handle requests of the browser on a different thread than cells. All widgets share one
    # lock: every widget over a selection redraws when it changes, and so do callbacks that watch it, which
    # may involve other selections. With one lock per widget, two of them could wait for each other.
    _lock: ClassVar = threading.RLock()

    error = traitlets.Unicode(help="What went wrong in the last request, or empty.").tag(sync=True)
    busy = traitlets.Bool(help="True while a request is being handled.").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._working = False
        self._displayed = False
        self._name = uuid.uuid4().hex
        # Part of the first message, as the page hides a view without this class; see `_STATIC_STYLE`.
        super().__init__(_dom_classes=(f"chromalab-live-{self._name}",), **traits)
        self.on_msg(type(self)._on_message)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Run a block exclusively, with `busy` set; exceptions are shown in `error` and raised.

        The traits that change inside the block reach the browser as one update, together with the end of
        `busy`, so that it never shows new rows under an old status. A nested call does nothing.
        """
        with self._lock:
            if self._working:
                yield
                return
            self._working, self.busy = True, True
            try:
                with self.hold_sync():
                    problem = ""
                    try:
                        yield
                    except BaseException as raised:  # an interrupt must also end `busy`
                        problem = sentence(raised)
                        raise
                    finally:
                        self.error, self.busy = problem, False
            finally:
                self._working = False

    @contextmanager
    def validating(self) -> Iterator[None]:
        """Validate a new value of a trait; if it is refused, `error` says why and the old value stays.

        A link or a callback may have set the trait, and its traceback would not be shown to anyone.
        """
        with self.working():
            try:
                yield
            except (InvalidArgumentError, InvalidArgumentTypeError) as problem:
                raise _RefusedError(str(problem)) from problem

    @contextmanager
    def updating(self) -> Iterator[None]:
        """Run a background update that no cell and no request waits for; errors go to `error`."""
        with self._lock:
            try:
                yield
            except ChromalabError as problem:
                self.error = sentence(problem)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the synced traits as they are sent."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        return {**encode(state), "text_only": True} if self.text_only else state

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Apply the `writable` traits that the browser set, and no others."""
        if not isinstance(sync_data, dict):
            self.log.warning("The state sent for %s is not an object.", type(self).__name__)
            return
        refused = sorted(sync_data.keys() - self.writable)
        if refused:  # not sent back: two traits tied together by `jslink` would then loop forever
            self.log.warning(
                "The browser may not set %s of %s.", short(refused), type(self).__name__
            )
        super().set_state({name: sync_data[name] for name in sync_data if name in self.writable})

    def _on_message(self, content: object, buffers: Sequence[Any] | None) -> None:
        """Handle a request of the browser; there is no cell for an error to appear in."""
        number = content.get("request") if isinstance(content, dict) else None
        name: object = content.get("verb") if isinstance(content, dict) else None
        verbs = {**_SHARED, **type(self).verbs}
        verb = verbs.get(name) if isinstance(name, str) else None
        try:
            with self._lock:
                if verb is not None and verb.quiet:
                    answer = self._answer(content, buffers)
                else:
                    with self.working():
                        answer = self._answer(content, buffers)
                    request_handled()
        except (Exception, KeyboardInterrupt) as problem:
            if verb is not None and verb.quiet:
                self.error = sentence(problem)
            # The widget shows the message. The traceback of an unexpected error is logged as well.
            if not isinstance(problem, ChromalabError):
                self.log.exception("The request %r of %s failed.", name, type(self).__name__)
            self._reply(number, {"problem": sentence(problem)}, ())
            return
        if answer is None:
            self._reply(number, {"body": {}}, ())
        else:
            self._reply(number, {"body": dict(answer.body)}, answer.buffers)

    def _answer(self, content: object, buffers: Sequence[Any] | None) -> Reply | None:
        sent = None
        if self.text_only and isinstance(content, dict):
            content = dict(content)
            sent = content.pop("buffers", None)
        verb, fields = read_request(content, {**_SHARED, **type(self).verbs})
        if verb.buffers:
            given = buffers or () if sent is None else decode(sent)
            fields["buffers"] = [bytes(buffer) for buffer in given]
        answer = getattr(self, verb.handler)(**fields)
        return answer if isinstance(answer, Reply) else None

    def _reply(self, number: object, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        if isinstance(number, int) and not isinstance(number, bool):
            if self.text_only:
                content, buffers = {**content, "buffers": encode(list(buffers))}, ()
            self.send({"reply": number, **content}, list(buffers))

    def _ipython_display_(self) -> None:
        """Display the static version and the view as two outputs; a live view hides the static one."""
        self._displayed = self._display_static(update=False) or self._displayed

    def _update_static(self) -> None:
        """Replace the static version where it is displayed, so that a saved notebook has the new one."""
        if self._displayed:
            self._display_static(update=True)

    def _display_static(self, *, update: bool) -> bool:
        rendered = self._repr_mimebundle_()
        if rendered is None:
            return False
        from IPython.display import display

        data, metadata = rendered
        view = {_VIEW: data[_VIEW]}
        live, static = f"chromalab-live-{self._name}", f"chromalab-static-{self._name}"
        style = _STATIC_STYLE.format(live=live, static=static)
        shown = f"{style}<div class='{static}'>{data['text/html']}</div>"
        others = {kind: value for kind, value in data.items() if kind != _VIEW}
        show: Any = display  # it has no types
        show({**others, "text/html": shown}, raw=True, display_id=static, update=update)
        if not update:
            show(view, metadata=metadata, raw=True)
        return True

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Add HTML, and for some widgets a picture, for saved notebooks without widget state."""
        rendered = super()._repr_mimebundle_(**kwargs)
        if rendered is None:
            return None
        data, metadata = rendered
        try:
            shown, picture = self._static_version()
        except ChromalabError as problem:  # for example a closed client; the widget reports it, too
            line = f"{type(self).__name__}: {sentence(problem)}"
            shown, picture = html_block(f"<p>{html.escape(line, quote=False)}</p>"), None
        data = {**data, "text/html": shown}
        if picture is not None:
            data["image/png"] = base64.b64encode(picture).decode("ascii")
        return data, metadata

    def _static_html(self) -> str:
        """Return the HTML that a saved notebook shows, with all user text escaped."""
        return html_block(f"<p>{html.escape(repr(self), quote=False)}. Run the cell to use it.</p>")

    def _static_version(self) -> tuple[str, bytes | None]:
        """Return the HTML that a saved notebook shows, and a PNG for where only pictures are allowed."""
        return self._static_html(), None


def read_request(content: object, verbs: Mapping[str, Verb]) -> tuple[Verb, dict[str, Any]]:
    """Validate a message of the browser and return its verb and its fields by name.

    Raises:
        InvalidArgumentError: The message is not a request, or does not match one of these verbs.
    """
    if not isinstance(content, dict) or not isinstance(content.get("verb"), str):
        raise InvalidArgumentTypeError(
            f"A request must be an object with a verb; got {cut(repr(content), _VALUE_SHOWN)}."
        )
    name = content["verb"]
    if name not in verbs:
        shown = cut(name, _NAME_SHOWN)
        raise InvalidArgumentError(f"No verb {shown!r}. {near(shown, verbs, what='Verbs')}")
    verb = verbs[name]
    given = content.keys() - {"verb", "request"}
    if given - verb.fields.keys() or verb.fields.keys() - verb.optional - given:
        raise InvalidArgumentError(
            f"The verb {name!r} takes {sorted(verb.fields)}; got {sorted(map(str, given))}."
        )
    return verb, {
        field: check(verb.called.get(field, f"The {field} of {name!r}"), content.get(field))
        for field, check in verb.fields.items()
    }
