"""Labels as values: which of them are labels, and which say that there is none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from chromalab.conversion import plain
from chromalab.errors import InvalidArgumentError, short

__all__ = ["Label", "is_list", "is_listed", "plain_label", "plain_labels"]

Label = str | int | float | bool


def plain_label(value: Any) -> Label | None:
    """Return a label as a Python value; None for a value that is not there.

    None, NaN, NaT, pandas.NA, a masked number and blank text are no labels: an empty cell of a table
    becomes one or another of them, depending on how the table was read. Dates become ISO texts, as in metadata.

    Raises:
        InvalidArgumentError: The value is there, but is not a string, a number or a boolean.

    Example:
        >>> plain_label(np.int64(3)), plain_label("tea"), plain_label(float("nan")), plain_label(" ")
        (3, 'tea', None, None)
    """
    label = plain(value)
    if label is None or (isinstance(label, str) and not label.strip()):
        return None
    if not isinstance(label, str | int | float | bool):
        raise InvalidArgumentError(
            f"A label must be a string, a number or a boolean; got {short(value)}."
        )
    return label


def plain_labels(value: Any) -> list[Label]:
    """Return the labels of a record as Python values: none, one, or those of a list.

    Example:
        >>> plain_labels(["tea", None]), plain_labels("")
        (['tea'], [])
    """
    parts = map(plain_label, value if is_list(value) else [value])
    return [part for part in parts if part is not None]


def is_list(value: Any) -> bool:
    """Return whether the value of one record is a list of labels."""
    return isinstance(value, list | tuple | set) or (
        isinstance(value, np.ndarray) and value.ndim > 0
    )


def is_listed(value: Any) -> bool:
    """Return whether a value has several values: any iterable but text."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)
