"""The verbs for labels: classify, propagate, label_queue, label_queue.label, label."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from chromalab.commands.analyses import analyze
from chromalab.commands.argument import FILL, JSONL
from chromalab.commands.results import Notice
from chromalab.commands.verb import Call, Verb
from chromalab.errors import InvalidArgumentError, short
from chromalab.results.tables import count, one_line

__all__ = ["LABELS"]


def _classify(call: Call) -> Any:
    if call.body is None:
        return analyze(call)
    pairs = _pairs(call.body, "label", "text", last_colon=False)
    return analyze(call, examples=[(text, label) for label, text in pairs])


def _label(call: Call) -> Any:
    """Write the labels in the body."""
    if call.body is None:
        raise InvalidArgumentError(
            "label_queue.label needs a body: below the first line of a %%chroma cell, one line per "
            "record with its id, a colon and its label."
        )
    collection, field = call.collection, call.given["field"]
    choices = call.given.get("choices")
    queue = collection.label_queue(field, choices=choices)
    known = {str(label): label for label in queue.classes}
    pairs = _pairs(call.body, "id", "label", last_colon=True)
    for pair in pairs:
        for name, value in zip(("id", "label"), pair, strict=True):
            if not isinstance(value, Hashable):  # a list or an object of JSON
                raise InvalidArgumentError(f"{name} must be a string; got {short(value)}.")
    written = queue.label({id: known.get(label, label) for id, label in pairs})
    return Notice(f"Wrote {count(written, 'label')} to {one_line(field)!r} of {collection.name!r}.")


def _pairs(body: list[Any], first: str, second: str, *, last_colon: bool) -> list[tuple[str, str]]:
    """Read `first: second` lines, or dicts with both keys.

    Ids may contain colons, as URLs do, so the last colon of a line with an id is the separator.
    """
    found = []
    for row in body:
        if isinstance(row, Mapping) and {first, second} <= row.keys():
            found.append((row[first], row[second]))
            continue
        if not isinstance(row, str):
            raise InvalidArgumentError(
                f'A line of --jsonl must be {{"{first}": ..., "{second}": ...}}; got {short(row)}.'
            )
        for line in filter(None, map(str.strip, row.split("\n"))):
            one, _, other = line.rpartition(":") if last_colon else line.partition(":")
            if not one.strip() or not other.strip():
                raise InvalidArgumentError(
                    f"A line of the body must be {first}: {second}; got {one_line(line)!r}."
                )
            found.append((one.strip(), other.strip()))
    return found


LABELS = (
    Verb(
        api="collection.classify",
        summary="Label every record, from labeled records, from examples or from label names alone.",
        examples=(
            "%chroma classify papers --field kind --into kind",
            "%chroma classify papers --labels method,survey,dataset --threshold 0.5",
        ),
        changes={"labels": {"kind": "words"}},
        adds=(JSONL, FILL),
        body='examples, one per line, as "label: text"',
        action=_classify,
    ),
    Verb(
        api="collection.propagate",
        summary="Label every record from the few that have a label, along the neighbor graph.",
        examples=(
            "%chroma propagate papers --field kind",
            "%chroma propagate papers --field kind --into kind_guess",
        ),
        action=analyze,
    ),
    Verb(
        api="collection.label_queue",
        summary="List the most informative records to label next.",
        examples=(
            "%chroma label_queue papers --field kind",
            "%chroma label_queue papers --field kind -n 10 --choices method,survey",
        ),
        action=analyze,
    ),
    Verb(
        api="collection.label_queue.label",
        summary="Write the labels in the body to the collection.",
        examples=(
            "%%chroma label_queue.label papers --field kind",
            "%%chroma label_queue.label papers --field kind --choices method,survey",
        ),
        through=("field", "choices"),
        hides=("labels",),
        body='labels, one per line, as "id: label"',
        adds=(JSONL, FILL),
        action=_label,
    ),
    Verb(
        api="collection.label",
        summary="Label records one at a time, the most informative first.",
        examples=(
            "%chroma label papers --field kind",
            "%chroma label papers --field kind --choices method,survey",
        ),
    ),
)
