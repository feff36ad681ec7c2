"""The verbs for judgments and what is learned from them: feedback, tune, transforms, evaluate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chromalab.commands.argument import FILL, JSONL
from chromalab.commands.verb import Call, Verb
from chromalab.errors import InvalidArgumentError, near, short

if TYPE_CHECKING:
    from chromalab import Collection

__all__ = ["FEEDBACK"]

_GRADE = re.compile(r":[ \t]*([+-]?(?:\d+\.?\d*|\.\d+))(?=[ \t]|$)")
"""The places where a line may be split. The rest of the line is the note."""

_Line = tuple[str, Any, str | None]
"""An id, a relevance and a note."""


def _add(call: Call) -> Any:
    if call.body is None:
        raise InvalidArgumentError(
            "feedback.add needs a body: below the first line of a %%chroma cell, one line per record "
            "with its id, a colon and +1, -1 or a grade."
        )
    if call.given.get("jsonl"):
        lines = [_object(number, row) for number, row in enumerate(call.body, 1)]
    else:
        lines = _lines(call.collection, "\n".join(call.body).split("\n"))
    return call.api(
        id=[id for id, _, _ in lines],
        relevance=[relevance for _, relevance, _ in lines],
        note=[note for _, _, note in lines],
    )


def _remove(call: Call) -> Any:
    call.api()
    return call.collection.transforms


def _lines(collection: Collection, lines: list[str]) -> list[_Line]:
    """Read lines such as `id: +1` and `id: 0.5 a note`.

    Both an id and a note may contain what looks like a grade. Of the places where a line may be split,
    the last one that leaves the id of a record is used.
    """
    splits = [_splits(line) for line in lines if line.strip()]
    ids = list({id for ways in splits for id, _, _ in ways})
    there = set(collection.get(ids=ids, include=[])["ids"]) if ids else set()
    return [next((way for way in ways if way[0] in there), ways[-1]) for ways in splits]


def _splits(line: str) -> list[_Line]:
    """Return the ways to read a line, those with longer ids first."""
    ways = [
        (line[: found.start()].strip(), found[1], line[found.end() :].strip() or None)
        for found in _GRADE.finditer(line)
    ]
    ways = [way for way in ways if way[0]]
    if not ways:
        raise InvalidArgumentError(
            "A judgment must be the id of a record, a colon and +1, -1 or a grade; "
            f"got {short(line)}. For ids that cannot be written this way, use --jsonl."
        )
    return ways[::-1]


def _object(number: int, row: Any) -> _Line:
    if not isinstance(row, Mapping) or not {"id", "relevance"} <= row.keys():
        raise InvalidArgumentError(
            f"Line {number} of feedback.add --jsonl must be "
            f'{{"id": "...", "relevance": 1, "note": "..."}}; got {short(row)}.'
        )
    names = ("id", "relevance", "note")
    unknown = [name for name in row if name not in names]
    if unknown:
        raise InvalidArgumentError(
            f"Line {number} has the unknown key {short(unknown[0])}. "
            f"{near(unknown[0], names, what='Keys')}"
        )
    return row["id"], row["relevance"], row.get("note")


FEEDBACK = (
    Verb(
        api="collection.feedback",
        summary="Show the judgments of the collection.",
        examples=("%chroma feedback papers", "judgments = %chroma feedback papers"),
    ),
    Verb(
        api="collection.feedback.add",
        summary="Judge which records are relevant to a query.",
        examples=(
            '%%chroma feedback.add papers --query "code search"',
            "%%chroma feedback.add papers --query :vector --by ada",
        ),
        hides=("id", "relevance", "note"),
        changes={
            "query": {"kind": "texts"},
            "shown": {"help": "The records were not in the results, but should have been."},
        },
        adds=(JSONL, FILL),
        body='judgments, one per line, such as "p1: +1", "p2: -1" or "p3: 0.5 only half of it"',
        action=_add,
    ),
    Verb(
        api="collection.feedback.undo",
        summary="Undo the last call that added judgments.",
        examples=("%chroma feedback.undo papers", "undone = %chroma feedback.undo papers"),
    ),
    Verb(
        api="collection.feedback.disagreements",
        summary="List the records with contradictory judgments.",
        examples=(
            "%chroma feedback.disagreements papers",
            "found = %chroma feedback.disagreements papers",
        ),
    ),
    Verb(
        api="collection.feedback.suggest",
        summary="Suggest which records to judge next.",
        examples=(
            "%chroma feedback.suggest papers -n 5",
            '%chroma feedback.suggest papers --queries "code search"',
        ),
        changes={"queries": {"kind": "texts"}},
        adds=(FILL,),
    ),
    Verb(
        api="collection.feedback.export",
        summary="Write all judgments to a JSON Lines file.",
        examples=(
            "%chroma feedback.export papers judgments.jsonl",
            "%chroma feedback.export papers judgments.jsonl --overwrite",
        ),
        positional=("path",),
        changes={"path": {"kind": "path"}},
    ),
    Verb(
        api="collection.feedback.load",
        summary="Add the judgments of a JSON Lines file.",
        examples=(
            "%chroma feedback.load papers judgments.jsonl",
            "added = %chroma feedback.load papers judgments.jsonl",
        ),
        positional=("path",),
        changes={"path": {"kind": "path"}},
    ),
    Verb(
        api="collection.tune",
        summary="Learn a transform from the judgments; it becomes active only if it helps.",
        examples=(
            "%chroma tune papers",
            "report = %chroma tune papers --sides queries --no-use",
        ),
        changes={"use": {"help": "Store the transform without making it active."}},
    ),
    Verb(
        api="collection.transforms",
        summary="List the transforms and show which one is active.",
        examples=("%chroma transforms papers", "transforms = %chroma transforms papers"),
    ),
    Verb(
        api="collection.transforms.use",
        summary="Make a transform active, or none of them.",
        examples=(
            "%chroma transforms.use papers tuned-1",
            "%chroma transforms.use papers none",
        ),
        positional=("name",),
    ),
    Verb(
        api="collection.transforms.rollback",
        summary="Go back to the transform that was active before.",
        examples=(
            "%chroma transforms.rollback papers",
            "switch = %chroma transforms.rollback papers",
        ),
    ),
    Verb(
        api="collection.transforms.remove",
        summary="Remove a transform that is not active.",
        examples=(
            "%chroma transforms.remove papers tuned-1",
            "left = %chroma transforms.remove papers tuned-1",
        ),
        positional=("name",),
        action=_remove,
    ),
    Verb(
        api="collection.evaluate",
        summary="Measure search quality on queries with known answers, against a baseline.",
        examples=(
            "%chroma evaluate papers --queries :questions --relevance :qrels",
            "%chroma evaluate papers --queries :questions --relevance :qrels --transform none",
        ),
    ),
)
