"""Judgements as a file of JSON Lines: one a line, vectors as lists of numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chromalab.errors import InvalidArgumentError, short
from chromalab.feedback.arguments import check_query
from chromalab.feedback.files import write_whole
from chromalab.feedback.judgement import Judgement, read_judgement

__all__ = ["read_lines", "write_lines"]


def write_lines(path: Path, judgements: Iterable[Judgement], *, overwrite: bool) -> None:
    """Write a file, whole or not at all.

    Raises:
        InvalidArgumentError: there is a file already, or it cannot be written.
    """
    text = "".join(f"{judgement.line()}\n" for judgement in judgements)
    write_whole(path, text.encode(), overwrite=overwrite)


def read_lines(path: Path) -> list[Judgement]:
    """Read a file, and check each line.

    Raises:
        InvalidArgumentError: there is no such file, or a line is wrong; the message says which.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors write a mark first
    except OSError as error:
        raise InvalidArgumentError(f"'{path}' cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(
            f"'{path}' is no UTF-8 text (byte {error.start:,}). export() writes such files."
        ) from error
    except ValueError as error:  # a null character in the path
        raise InvalidArgumentError(f"{short(str(path))} cannot be read: {error}.") from error
    found = []
    for number, line in enumerate(text.split("\n"), 1):  # a text may hold other ends of lines
        if not line.strip():
            continue
        try:
            found.append(_judgement(json.loads(line)))
        except InvalidArgumentError as error:
            raise InvalidArgumentError(
                f"Line {number} of '{path}': {error} Nothing was written."
            ) from error
        except (ValueError, RecursionError) as error:
            raise InvalidArgumentError(
                f"Line {number} of '{path}' is not JSON. Nothing was written."
            ) from error
    return found


def _judgement(values: Any) -> Judgement:
    if not isinstance(values, dict):
        raise InvalidArgumentError(f"{short(values)} is no judgement, which is a JSON object.")
    vector = values.pop("vector", None)
    data = None
    if vector is not None:
        if not isinstance(vector, list):
            raise InvalidArgumentError(f"vector is {short(vector)}; it is a list of numbers.")
        _, data = check_query(vector, None)
    return read_judgement(values, data)
