"""The verbs about what people say of results, and what each does: one public call of the API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from chromalab.errors import InvalidArgumentError, near, short
from chromalab_kernel.arguments import COLLECTION, FILL, JSONL
from chromalab_kernel.verb import Argument, Verb

if TYPE_CHECKING:
    from chromalab import Collection
    from chromalab_kernel.session import Session

__all__ = ["FEEDBACK"]

_GRADE = re.compile(r":[ \t]*([+-]?(?:\d+\.?\d*|\.\d+))(?=[ \t]|$)")
"""Where a line may be split: behind it stands the note."""

_Line = tuple[str, Any, str | None]
"""The id, the relevance and the note."""


def _feedback(session: Session, arguments: SimpleNamespace) -> Any:
    collection = session.collection(arguments.collection)
    feedback = collection.feedback
    doing = [name for name in ("undo", "export", "load", "disagreements") if vars(arguments)[name]]
    if arguments.query is not None or arguments.body is not None:
        if doing:
            raise InvalidArgumentError(
                f"--{doing[0]} stands alone: leave --query and the body out."
            )
        return _add(collection, arguments)
    if len(doing) > 1:
        raise InvalidArgumentError(f"Give --{doing[0]} or --{doing[1]}: one of them.")
    if arguments.by is not None:
        raise InvalidArgumentError("--by says who judges: give it with --query and a body.")
    if not doing:
        return feedback
    given = [vars(arguments)[name] for name in doing if name in ("export", "load")]
    return getattr(feedback, doing[0])(*given)


def _add(collection: Collection, arguments: SimpleNamespace) -> Any:
    if arguments.query is None or arguments.body is None:
        raise InvalidArgumentError(
            'feedback takes what was asked, --query "hot drinks", and below the first line of a '
            "%%chroma cell a line for each record: its id, a colon and +1, -1 or a grade."
        )
    if arguments.jsonl:
        lines = [_object(number, row) for number, row in enumerate(arguments.body, 1)]
    else:
        lines = _lines(collection, "\n".join(arguments.body).split("\n"))
    return collection.feedback.add(
        arguments.query,
        [id for id, _, _ in lines],
        [relevance for _, relevance, _ in lines],
        note=[note for _, _, note in lines],
        by=arguments.by,
    )


def _lines(collection: Collection, lines: list[str]) -> list[_Line]:
    """Read `id: +1` and `id: 0.5 a note`.

    An id may hold what looks like a grade, and so may a note: of the places where a line may be
    split, the last one counts that leaves the id of a record.
    """
    splits = [_splits(line) for line in lines if line.strip()]
    ids = list({id for ways in splits for id, _, _ in ways})
    there = set(collection.get(ids=ids, include=[])["ids"]) if ids else set()
    return [next((way for way in ways if way[0] in there), ways[-1]) for ways in splits]


def _splits(line: str) -> list[_Line]:
    """The ways to read a line, those with longer ids first."""
    ways = [
        (line[: found.start()].strip(), found[1], line[found.end() :].strip() or None)
        for found in _GRADE.finditer(line)
    ]
    ways = [way for way in ways if way[0]]
    if not ways:
        raise InvalidArgumentError(
            f"{short(line)} is no judgement: write the id of a record, a colon and +1, -1 or a grade. "
            "Ids that cannot be written so go in with --jsonl."
        )
    return ways[::-1]


def _object(number: int, row: Any) -> _Line:
    if not isinstance(row, Mapping) or not {"id", "relevance"} <= row.keys():
        raise InvalidArgumentError(
            f'Line {number} of feedback --jsonl is {{"id": "...", "relevance": 1, "note": "..."}}; '
            f"found {short(row)}."
        )
    names = ("id", "relevance", "note")
    unknown = [name for name in row if name not in names]
    if unknown:
        raise InvalidArgumentError(
            f"Line {number} has the key {short(unknown[0])}. {near(unknown[0], names, what='Keys')}"
        )
    return row["id"], row["relevance"], row.get("note")


FEEDBACK = (
    Verb(
        "feedback",
        "Say which records are answers to a query; show, keep or take back what was said.",
        "collection.feedback.add(query, ids, relevance)",
        (
            COLLECTION,
            Argument("--query", "What was asked, or :name of a text or a vector.", "texts"),
            Argument("--by", "Who judges; the user of this machine, unless said."),
            Argument("--undo", "Take back the judgements of the last call.", "switch"),
            Argument(
                "--disagreements", "Show the records of which the opposite was said.", "switch"
            ),
            Argument("--export", "Write all judgements to this file of JSON Lines."),
            Argument("--load", "Add the judgements of such a file."),
            JSONL,
            FILL,
        ),
        ("%chroma feedback papers", '%%chroma feedback papers --query "code search"'),
        _feedback,
        body='a line a record, such as "p1: +1", "p2: -1" or "p3: 0.5 only half of it"',
    ),
)
"""In the order in which they are used."""
