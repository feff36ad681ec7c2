"""The body of a `%%chroma` cell: texts separated by empty lines, or one JSON value per line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from chromalab.errors import InvalidArgumentError

__all__ = ["fill_rows", "read_body"]


def read_body(body: str, *, jsonl: bool) -> list[Any]:
    """Read the texts or JSON values of a body.

    Args:
        body: The cell below its first line.
        jsonl: Whether each line is a JSON value. By default, empty lines separate texts.

    Raises:
        InvalidArgumentError: The body is empty, or a line is not valid JSON.
    """
    if jsonl:
        items = [
            _json(number, line) for number, line in enumerate(body.split("\n"), 1) if line.strip()
        ]
    else:
        items = [block.strip() for block in re.split(r"\n[ \t]*\n", body) if block.strip()]
    if not items:
        raise InvalidArgumentError(
            "The body of the cell is empty. Write a text below the first line."
        )
    return items


def fill_rows(rows: list[Any], filled: Callable[[str], str], *, column: str | None) -> list[Any]:
    """Fill the placeholders in everything that will be embedded: texts, and the text column of dicts.

    Args:
        rows: The result of `read_body`.
        filled: A function that fills one text.
        column: The column of the documents; by default "document" if a row has it, otherwise "text".
    """
    if column is None:
        keys = {key for row in rows if isinstance(row, dict) for key in row}
        column = "document" if "document" in keys else "text"
    return [
        filled(row)
        if isinstance(row, str)
        else {**row, column: filled(row[column])}
        if isinstance(row, dict) and isinstance(row.get(column), str)
        else row
        for row in rows
    ]


def _json(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise InvalidArgumentError(f"Line {number} of the body is not JSON: {error}.") from error
    except RecursionError as error:
        raise InvalidArgumentError(f"Line {number} of the body is nested too deeply.") from error
