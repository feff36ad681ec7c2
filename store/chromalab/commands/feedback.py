"""The verbs about what people say of results, and what each does: one public call of the API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from chromalab.errors import InvalidArgumentError, near, short
from chromalab.feedback.gate import GATES
from chromalab.feedback.methods import METHODS
from chromalab.feedback.tuning import SIDES
from chromalab_kernel.arguments import COLLECTION, FILL, JSONL, WHERE
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
    if arguments.suggest is not None:
        return _suggest(collection, arguments, doing)
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


def _suggest(collection: Collection, arguments: SimpleNamespace, doing: list[str]) -> Any:
    if doing or arguments.body is not None or arguments.by is not None:
        raise InvalidArgumentError(
            "--suggest says what to judge next: beside it there may be --query, and nothing else."
        )
    return collection.feedback.suggest(arguments.suggest, queries=arguments.query)


def _tune(session: Session, arguments: SimpleNamespace) -> Any:
    return session.collection(arguments.collection).tune(
        use=not arguments.no_use,
        **_given(arguments, "method", "sides", "gate", "name", "random_state"),
    )


def _transforms(session: Session, arguments: SimpleNamespace) -> Any:
    """List the transforms, or switch, or remove one."""
    transforms = session.collection(arguments.collection).transforms
    doing = [name for name in ("use", "off", "remove", "rollback") if vars(arguments)[name]]
    if len(doing) > 1:
        raise InvalidArgumentError(f"Give --{doing[0]} or --{doing[1]}: one of them.")
    if not doing:
        return transforms
    if doing == ["rollback"]:
        return transforms.rollback()
    if doing == ["remove"]:
        transforms.remove(arguments.remove)
        return transforms
    return transforms.use(arguments.use)


def _evaluate(session: Session, arguments: SimpleNamespace) -> Any:
    for name in ("queries", "relevance"):
        if vars(arguments)[name] is None:
            raise InvalidArgumentError(
                "evaluate needs queries and their answers: %chroma evaluate papers --queries :queries "
                "--relevance :qrels"
            )
    options = _given(arguments, "k", "where", "random_state")
    for name in ("transform", "baseline"):
        value = vars(arguments)[name]
        if value is not None:
            options[name] = None if isinstance(value, str) and value == "none" else value
    return session.collection(arguments.collection).evaluate(
        arguments.queries, arguments.relevance, replace=arguments.replace, **options
    )


def _given(arguments: SimpleNamespace, *names: str) -> dict[str, Any]:
    found = {name: vars(arguments)[name] for name in names}
    return {name: value for name, value in found.items() if value is not None}


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


_RANDOM_STATE = Argument("--random-state", "The seed: the same one gives the same answer.", "int")

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
            Argument("--suggest", "Say which so many to collect next, of --query or all.", "int"),
            JSONL,
            FILL,
        ),
        ("%chroma feedback papers", '%%chroma feedback papers --query "code search"'),
        _feedback,
        body='a line a record, such as "p1: +1", "p2: -1" or "p3: 0.5 only half of it"',
    ),
    Verb(
        "tune",
        "Learn from the judgements how queries and records are compared; nothing worse is let through.",
        "collection.tune(method=...)",
        (
            COLLECTION,
            Argument("--method", "How it is learned.", choices=lambda _: list(METHODS)),
            Argument(
                "--sides",
                "What is mapped; queries leaves the index.",
                choices=lambda _: list(SIDES),
            ),
            Argument("--gate", "What is let through.", choices=lambda _: list(GATES)),
            Argument("--name", "Of the transform; tuned-1, tuned-2 ..., unless said."),
            _RANDOM_STATE,
            Argument("--no-use", "Keep it, and let queries go as they went.", "switch"),
        ),
        ("%chroma tune papers", "report = %chroma tune papers --sides queries --no-use"),
        _tune,
    ),
    Verb(
        "transforms",
        "List what was learned, and choose what queries go through.",
        "collection.transforms.use(name)",
        (
            COLLECTION,
            Argument("--use", "Let queries go through this one."),
            Argument("--off", "Let them go through none.", "switch"),
            Argument("--remove", "Remove this one."),
            Argument("--rollback", "Go back to what was live before.", "switch"),
        ),
        ("%chroma transforms papers", "%chroma transforms papers --use tuned-1"),
        _transforms,
    ),
    Verb(
        "evaluate",
        "Ask queries whose answers are known, and compare with the first time they were asked.",
        "collection.evaluate(queries, relevance, ...)",
        (
            COLLECTION,
            Argument("--queries", ":name of a dict of texts or vectors by query id.", "any"),
            Argument("--relevance", ":name of {query id: {id: grade}}, or a DataFrame.", "any"),
            Argument("--k", "How far down each list is looked.", "int", short="-k"),
            WHERE,
            Argument("--transform", "What queries go through; none for nothing.", "any"),
            Argument("--baseline", "The name of the set; none keeps nothing.", "any"),
            Argument("--replace", "Let this one take the place of the baseline.", "switch"),
            _RANDOM_STATE,
        ),
        (
            "%chroma evaluate papers --queries :questions --relevance :qrels",
            "%chroma evaluate papers --queries :questions --relevance :qrels --transform none",
        ),
        _evaluate,
    ),
)
"""In the order in which they are used."""
