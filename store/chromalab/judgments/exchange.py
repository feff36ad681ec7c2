"""Judgments from and for elsewhere: qrels of test collections, click logs, and JSON Lines files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from chromalab.arguments.values import check_documents
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.files import write_whole
from chromalab.judgments.arguments import check_query, check_relevance, required_text
from chromalab.judgments.judgment import Judgment, read_judgment
from chromalab.results.tables import count

__all__ = [
    "CLICK_WEIGHT",
    "SKIP_WEIGHT",
    "ParsedJudgment",
    "read_clicks",
    "read_lines",
    "read_named",
    "read_pairs",
    "read_qrels",
    "write_lines",
]

CLICK_WEIGHT = 0.5
"""The weight of a click: half that of a person's judgment."""

SKIP_WEIGHT = 0.25
"""The weight of a record that was skipped on the way to a click.

In an eye-tracking study, four in five of such preferences, of the clicked record over one skipped
above it, agreed with the judgments of people who read both: Joachims et al., "Accurately interpreting
clickthrough data as implicit feedback", SIGIR 2005. A click is evidence for one record; a skip is
evidence against a record only by comparison, so it weighs half as much.
"""

_COLUMNS = (("query_id", "query-id", "qid"), ("id", "corpus-id", "doc_id"), ("relevance", "score"))


class ParsedJudgment(NamedTuple):
    """A judgment as it is read from elsewhere; the query is a text or the bytes of a vector."""

    query: str | None
    data: bytes | None
    id: str
    relevance: float
    weight: float = 1.0
    note: str | None = None


def read_qrels(
    qrels: Any, queries: Any, dimension: int | None, left_out: Counter[str]
) -> list[ParsedJudgment]:
    """Read relevance judgments and their queries; see `judgments.from_qrels`."""
    return [parsed for _, parsed in read_named(qrels, queries, dimension, left_out)]


def read_named(
    qrels: Any, queries: Any, dimension: int | None, left_out: Counter[str], what: str = "qrels"
) -> list[tuple[str, ParsedJudgment]]:
    """Read relevance judgments and return each after the id of its query.

    Args:
        qrels: The judgments; see `judgments.from_qrels`.
        queries: `{query id: text or vector}`.
        dimension: The dimension of the collection; None before it has records.
        left_out: Counts why judgments are left out.
        what: The name of the argument in error messages.
    """
    if not isinstance(queries, Mapping):
        raise InvalidArgumentError(
            f"queries must be a dict of query ids to texts or vectors; got {short(queries)}."
        )
    by_name = {str(name): query for name, query in queries.items()}
    checked: dict[str, tuple[str | None, bytes | None]] = {}
    found = []
    for at, (name, id, grade) in enumerate(_qrels(qrels, what)):
        relevance = check_relevance(grade, f"Row {at} of {what}: relevance")
        if name not in by_name:
            left_out["no query with their query id"] += 1
            continue
        if name not in checked:
            checked[name] = _query(by_name[name], dimension, f"queries[{short(name)}]")
        id = required_text(id, f"Row {at} of {what}: id")
        found.append((name, ParsedJudgment(*checked[name], id, relevance)))
    return found


def read_clicks(log: Any, dimension: int | None) -> list[ParsedJudgment]:
    """Read a log of what was shown and what was clicked; see `judgments.from_clicks`.

    Repeated evidence about one record is merged into one judgment with the sum of the weights.
    """
    counts: Counter[tuple[str | None, bytes | None, str, bool]] = Counter()
    for at, row in enumerate(_rows(log, "log")):
        where = f"Row {at} of log"
        if not isinstance(row, Mapping) or not {"query", "shown", "clicked"} <= row.keys():
            raise InvalidArgumentError(
                f"{where} must have query, shown (ids, best first) and clicked (ids); got {short(row)}."
            )
        query = _query(row["query"], dimension, where)
        shown, clicked = _ids(row["shown"], where), set(_ids(row["clicked"], where))
        rank: dict[str, int] = {}
        for place, id in enumerate(shown):
            rank.setdefault(id, place)
        unshown = sorted(clicked - rank.keys())
        if unshown:
            raise InvalidArgumentError(
                f"{where}: {short(unshown[0])} was clicked but not shown. "
                f"{near(unshown[0], rank, what='Shown')}"
            )
        last = max((rank[id] for id in clicked), default=-1)
        for id in rank:
            # Records below the last click may not have been seen, so they are no evidence.
            if id in clicked or rank[id] < last:
                counts[(*query, id, id in clicked)] += 1
    return [
        ParsedJudgment(
            query,
            data,
            id,
            1.0 if clicked else -1.0,
            times * (CLICK_WEIGHT if clicked else SKIP_WEIGHT),
            f"{'clicked' if clicked else 'skipped'} {count(times, 'time')}",
        )
        for (query, data, id, clicked), times in counts.items()
    ]


def read_pairs(a: Any, b: Any) -> tuple[list[str], list[str]]:
    """Read the ids of compared records: two lists of the same length, or one id and a list."""
    left, right = ([side] if isinstance(side, str) else _ids(side, "pairs") for side in (a, b))
    if len(left) == 1 or len(right) == 1:
        longest = max(len(left), len(right))
        left, right = (side * longest if len(side) == 1 else side for side in (left, right))
    if len(left) != len(right) or not left:
        raise InvalidArgumentError(
            f"pairs must have as many ids on one side as on the other; got {len(left):,} and "
            f"{len(right):,}."
        )
    same = [id for id, other in zip(left, right, strict=True) if id == other]
    if same:
        raise InvalidArgumentError(
            f"{short(same[0])} is compared with itself. Give two different records."
        )
    return left, right


def write_lines(path: Path, judgments: Iterable[Judgment], *, overwrite: bool) -> None:
    """Write judgments to a JSON Lines file, one per line, atomically.

    Raises:
        InvalidArgumentError: The file exists already or cannot be written.
    """
    text = "".join(f"{judgment.line()}\n" for judgment in judgments)
    write_whole(path, text.encode(), overwrite=overwrite)


def read_lines(path: Path) -> list[Judgment]:
    """Read a JSON Lines file and validate each line.

    Raises:
        InvalidArgumentError: There is no such file, or a line is invalid; the message says which.
    """
    try:
        text = path.read_text(
            encoding="utf-8-sig"
        )  # Some editors begin a file with a byte-order mark.
    except OSError as error:
        raise InvalidArgumentError(f"'{path}' cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(
            f"'{path}' is not UTF-8 text (byte {error.start:,}). export() writes such files."
        ) from error
    except ValueError as error:  # The path holds a null character.
        raise InvalidArgumentError(f"{short(str(path))} cannot be read: {error}.") from error
    found = []
    for number, line in enumerate(text.split("\n"), 1):  # Texts may contain other line separators.
        if not line.strip():
            continue
        try:
            found.append(_judgment(json.loads(line)))
        except InvalidArgumentError as error:
            raise InvalidArgumentError(
                f"Line {number} of '{path}': {error} Nothing was written."
            ) from error
        except (ValueError, RecursionError) as error:
            raise InvalidArgumentError(
                f"Line {number} of '{path}' is not JSON. Nothing was written."
            ) from error
    return found


def _judgment(values: Any) -> Judgment:
    if not isinstance(values, dict):
        raise InvalidArgumentError(f"A judgment must be a JSON object; got {short(values)}.")
    vector = values.pop("vector", None)
    data = None
    if vector is not None:
        if not isinstance(vector, list):
            raise InvalidArgumentError(f"vector must be a list of numbers; got {short(vector)}.")
        _, data = check_query(vector, None)
    return read_judgment(values, data)


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
                    f"{what}[{short(name)}] must be a dict of ids to grades; got {short(grades)}."
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
                f"Row {at} of {what} must be (query id, id, grade); got {short(row)}."
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
            f"{what} must be a list of rows or a DataFrame; got {short(data)}."
        )
    return list(data)


def _ids(ids: Any, where: str) -> list[str]:
    if isinstance(ids, str | bytes | Mapping) or not isinstance(ids, Iterable):
        raise InvalidArgumentError(f"{where}: ids must be a list of texts; got {short(ids)}.")
    return [
        required_text(id, f"{where}: an id") for id in check_documents(list(ids), f"{where}: ids")
    ]
