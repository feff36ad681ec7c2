"""The verbs that label records and ask for labels; the body of their cells is pairs, one a line."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from chromalab import Collection, analytics
from chromalab.analytics.classify.methods import METHODS
from chromalab.analytics.labeling.strategies import STRATEGIES
from chromalab.results.tables import one_line
from chromalab.errors import InvalidArgumentError
from chromalab_kernel.arguments import COLLECTION, FILL, JSONL, WHERE
from chromalab_kernel.results import Notice
from chromalab_kernel.verb import Argument, Verb

if TYPE_CHECKING:
    from chromalab_kernel.session import Session

__all__ = ["LABELLING"]

_METHODS = ["auto", *METHODS]


def _classify(session: Session, arguments: SimpleNamespace) -> Any:
    """Label every record; a body holds examples."""
    options = _given(arguments, "field", "labels", "method", "threshold", "random_state", "where")
    if arguments.body is not None:
        options["examples"] = [
            (text, label)
            for label, text in _pairs(arguments.body, "label", "text", last_colon=False)
        ]
    data = arguments.collection
    if isinstance(data, str | Collection):
        return session.collection(data).classify(into=arguments.into, **options)
    found = analytics.classify(_unchosen(data, options), progress=True, **options)
    return found if arguments.into is None else found.into(arguments.into)


def _label(session: Session, arguments: SimpleNamespace) -> Any:
    """Say what to label next, or write the labels of the body."""
    if arguments.field is None:
        raise InvalidArgumentError(
            "label needs the metadata key of the labels: %chroma label papers --field kind"
        )
    options = _given(arguments, "strategy", "n", "choices", "random_state", "where")
    data = arguments.collection
    if not isinstance(data, str | Collection):
        if arguments.body is not None:
            raise InvalidArgumentError("Labels are written to a collection; found an array.")
        return analytics.label_queue(
            _unchosen(data, options), arguments.field, progress=True, **options
        )
    collection = session.collection(data)
    if arguments.ui:
        if arguments.body is not None:
            raise InvalidArgumentError(
                "Labels are given in the widget of --ui: leave the body out."
            )
        return collection.label(arguments.field, **options)
    queue = collection.label_queue(arguments.field, **options)
    if arguments.body is None:
        return queue
    known = {str(label): label for label in queue.classes}
    pairs = _pairs(arguments.body, "id", "label", last_colon=True)
    written = queue.label({id: known.get(label, label) for id, label in pairs})
    return Notice(
        f"{written:,} labels written under {one_line(arguments.field)!r} of {collection.name!r}."
    )


def _given(arguments: SimpleNamespace, *names: str) -> dict[str, Any]:
    found = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _unchosen(data: Any, options: Mapping[str, Any]) -> Any:
    if "where" in options:
        raise InvalidArgumentError("--where chooses among a collection's records; leave it out.")
    return data


def _pairs(body: list[Any], first: str, second: str, *, last_colon: bool) -> list[tuple[str, str]]:
    """Read `first: second` lines, or dicts with both.

    Ids may hold colons, as addresses do: there the last one counts.
    """
    found = []
    for row in body:
        if isinstance(row, Mapping) and {first, second} <= row.keys():
            found.append((row[first], row[second]))
            continue
        if not isinstance(row, str):
            raise InvalidArgumentError(
                f'A line of --jsonl is {{"{first}": ..., "{second}": ...}}; found {one_line(repr(row))}.'
            )
        for line in filter(None, map(str.strip, row.split("\n"))):
            one, _, other = line.rpartition(":") if last_colon else line.partition(":")
            if not one.strip() or not other.strip():
                raise InvalidArgumentError(
                    f"A line of the body is {first}: {second}; found {one_line(line)!r}."
                )
            found.append((one.strip(), other.strip()))
    return found


_RANDOM_STATE = Argument("--random-state", "The seed: the same one gives the same answer.", "int")

LABELLING = (
    Verb(
        "classify",
        "Label every record: by the labels of some, by examples, or by names of labels.",
        "collection.classify(field, labels=..., examples=...)",
        (
            COLLECTION,
            Argument("--field", "The metadata key of the labels that are there.", "any"),
            Argument(
                "--labels", "Names of labels: a,b,c; or :name of a dict of descriptions.", "words"
            ),
            Argument(
                "--method",
                "How they are learned; auto compares.",
                choices=lambda _: list(_METHODS),
            ),
            Argument("--threshold", "Give no label that is less probable.", "float"),
            WHERE,
            Argument(
                "--into", "Write them to metadata, under this key; never over a person's label."
            ),
            _RANDOM_STATE,
            JSONL,
            FILL,
        ),
        (
            "%chroma classify papers --field kind --into kind",
            "%chroma classify papers --labels method,survey,dataset --threshold 0.5",
        ),
        _classify,
        body="examples, label: text a line",
    ),
    Verb(
        "label",
        "Say what to label next, or write the labels of the body.",
        "collection.label_queue(field).label({id: label})",
        (
            COLLECTION,
            Argument("--field", "The metadata key of the labels.", "any"),
            Argument("--n", "How many records.", "int", short="-n"),
            Argument(
                "--strategy",
                "By which rule they are chosen.",
                choices=lambda _: list(STRATEGIES),
            ),
            Argument("--choices", "What labels there may be: a,b,c.", "words"),
            Argument("--ui", "Label one by one in a widget.", "switch"),
            WHERE,
            _RANDOM_STATE,
            JSONL,
            FILL,
        ),
        (
            "%chroma label papers --field kind",
            "%chroma label papers --field kind --choices method,survey --ui",
        ),
        _label,
        body="labels, id: label a line",
    ),
)
"""After the analyses."""
