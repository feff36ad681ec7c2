"""Judgements that were made elsewhere: relevance files of test collections, and logs of clicks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chromalab.arguments.values import check_documents
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.feedback.arguments import check_query, check_relevance, some_text

__all__ = [
    "CLICKED",
    "SKIPPED",
    "Said",
    "read_clicks",
    "read_named",
    "read_pairs",
    "read_qrels",
]

CLICKED = 0.5
"""The weight of a click: half a person's word."""

SKIPPED = 0.25
"""The weight of a record that was passed over on the way to a click.

Where eyes were followed, four in five of such preferences, of the clicked record over one skipped
above it, agreed with what people said who read both: Joachims et al., "Accurately interpreting
clickthrough data as implicit feedback", SIGIR 2005. A click speaks for one record, a skip only
against it in comparison, so it weighs half.
"""

_COLUMNS = (("query_id", "query-id", "qid"), ("id", "corpus-id", "doc_id"), ("relevance", "score"))


class Said(NamedTuple):
    """One thing that was said: the query as a text or as the bytes of a vector, and the rest."""

    query: str | None
    data: bytes | None
    id: str
    relevance: float
    weight: float = 1.0
    note: str | None = None


def read_qrels(
    qrels: Any, queries: Any, dimension: int | None, left_out: Counter[str]
) -> list[Said]:
    """Read relevance judgements and their queries; see `Feedback.from_qrels`."""
    return [said for _, said in read_named(qrels, queries, dimension, left_out)]


def read_named(
    qrels: Any, queries: Any, dimension: int | None, left_out: Counter[str], what: str = "qrels"
) -> list[tuple[str, Said]]:
    """Read the same, with the id of the query before each; `what` is the name of the argument."""
    if not isinstance(queries, Mapping):
        raise InvalidArgumentError(
            f"queries is a dict of query ids to texts or vectors; found {short(queries)}."
        )
    asked = {str(name): query for name, query in queries.items()}
    checked: dict[str, tuple[str | None, bytes | None]] = {}
    said = []
    for at, (name, id, grade) in enumerate(_qrels(qrels, what)):
        relevance = check_relevance(grade, f"Row {at} of {what}: relevance")
        if name not in asked:
            left_out["no query with their query id"] += 1
            continue
        if name not in checked:
            with_place = f"queries[{short(name)}]"
            checked[name] = _query(asked[name], dimension, with_place)
        id = some_text(id, f"Row {at} of {what}: id")
        said.append((name, Said(*checked[name], id, relevance)))
    return said


def read_clicks(log: Any, dimension: int | None) -> list[Said]:
    """Read what was shown and what was clicked; see `Feedback.from_clicks`.

    What is said of a record twice becomes one, with the sum of the weights.
    """
    counts: Counter[tuple[str | None, bytes | None, str, bool]] = Counter()
    for at, row in enumerate(_rows(log, "log")):
        where = f"Row {at} of log"
        if not isinstance(row, Mapping) or not {"query", "shown", "clicked"} <= row.keys():
            raise InvalidArgumentError(
                f"{where} is {short(row)}; a row has query, shown (ids, best first) and clicked (ids)."
            )
        query = _query(row["query"], dimension, where)
        shown, clicked = _ids(row["shown"], where), set(_ids(row["clicked"], where))
        rank: dict[str, int] = {}
        for place, id in enumerate(shown):
            rank.setdefault(id, place)
        strange = sorted(clicked - rank.keys())
        if strange:
            raise InvalidArgumentError(
                f"{where}: {short(strange[0])} was clicked and not shown. "
                f"{near(strange[0], rank, what='Shown')}"
            )
        last = max((rank[id] for id in clicked), default=-1)
        for id in rank:
            # What lies below the last click was perhaps not seen, and says nothing.
            if id in clicked or rank[id] < last:
                counts[(*query, id, id in clicked)] += 1
    return [
        Said(
            query,
            data,
            id,
            1.0 if clicked else -1.0,
            count * (CLICKED if clicked else SKIPPED),
            f"{'clicked' if clicked else 'skipped'} {count:,} time{'' if count == 1 else 's'}",
        )
        for (query, data, id, clicked), count in counts.items()
    ]


def read_pairs(a: Any, b: Any) -> tuple[list[str], list[str]]:
    """Read the ids of records that are compared: two lists of one length, or one id and a list."""
    left, right = ([side] if isinstance(side, str) else _ids(side, "pairs") for side in (a, b))
    if len(left) == 1 or len(right) == 1:
        longest = max(len(left), len(right))
        left, right = (side * longest if len(side) == 1 else side for side in (left, right))
    if len(left) != len(right) or not left:
        raise InvalidArgumentError(
            f"pairs has {len(left):,} ids on one side and {len(right):,} on the other; give as many."
        )
    same = [id for id, other in zip(left, right, strict=True) if id == other]
    if same:
        raise InvalidArgumentError(
            f"{short(same[0])} is compared with itself; give two records of a pair."
        )
    return left, right


def _query(query: Any, dimension: int | None, where: str) -> tuple[str | None, bytes | None]:
    try:
        return check_query(query, dimension)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{where}: {error}") from error


def _qrels(qrels: Any, what: str) -> Iterator[tuple[str, str, Any]]:
    if isinstance(qrels, Mapping):
        for name, grades in qrels.items():
            if not isinstance(grades, Mapping):
                raise InvalidArgumentError(
                    f"{what}[{short(name)}] is {short(grades)}; it is a dict of ids to grades."
                )
            yield from ((str(name), str(id), grade) for id, grade in grades.items())
        return
    for at, row in enumerate(_rows(qrels, what)):
        if isinstance(row, Mapping):
            parts = [_part(row, names, f"Row {at} of {what}") for names in _COLUMNS]
        else:
            parts = list(row) if isinstance(row, Sequence) and not isinstance(row, str) else []
        if len(parts) != 3:
            raise InvalidArgumentError(
                f"Row {at} of {what} is {short(row)}; a row is (query id, id, grade)."
            )
        yield str(parts[0]), str(parts[1]), parts[2]


def _part(row: Mapping[Any, Any], names: Sequence[str], where: str) -> Any:
    for name in names:
        if name in row:
            return row[name]
    raise InvalidArgumentError(
        f"{where} has no column {names[0]}. {near(names[0], map(str, row), what='Columns')}"
    )


def _rows(data: Any, what: str) -> list[Any]:
    if hasattr(data, "to_dicts"):  # polars
        return list(data.to_dicts())
    if hasattr(data, "to_dict") and hasattr(data, "columns"):  # pandas
        return list(data.to_dict("records"))
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise InvalidArgumentError(
            f"{what} is a list of rows, or a DataFrame; found {short(data)}."
        )
    return list(data)


def _ids(ids: Any, where: str) -> list[str]:
    if isinstance(ids, str | bytes | Mapping) or not isinstance(ids, Iterable):
        raise InvalidArgumentError(f"{where}: ids are a list of texts; found {short(ids)}.")
    return [some_text(id, f"{where}: an id") for id in check_documents(list(ids), f"{where}: ids")]
