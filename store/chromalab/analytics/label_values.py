"""Labels as values: which of them are labels, and which say that there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np

from chromalab.errors import InvalidArgumentError, short

__all__ = ["Label", "is_list", "is_listed", "plain_label", "plain_labels", "read_labels"]

Label = str | int | float | bool


def plain_label(value: Any) -> Label | None:
    """Return a label as a Python value; None for a value that is not there.

    None, NaN, NaT, pandas.NA, a masked number and blank text are no labels: an empty cell of a table
    becomes one or another of them, depending on how the table was read.

    Raises:
        InvalidArgumentError: The value is there, but is not a string, a number or a boolean.

    Example:
        >>> plain_label(np.int64(3)), plain_label("tea"), plain_label(float("nan")), plain_label(" ")
        (3, 'tea', None, None)
    """
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0:
        value = None if np.ma.is_masked(value) else value.item()
    if _is_missing(value):
        return None
    if not isinstance(value, str | int | float | bool):
        raise InvalidArgumentError(
            f"A label must be a string, a number or a boolean; got {short(value)}."
        )
    return value


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


def read_labels(field: Any, count: int) -> list[Any]:
    """Read labels that are given for records, in the order of the records.

    Args:
        field: A list, an array, or a column of a table, of any library.
        count: The number of records.

    Raises:
        InvalidArgumentError: They have no order, or are not as many as there are records.
    """
    if not is_listed(field) or isinstance(field, Mapping | Set):
        raise InvalidArgumentError(
            "field must be the metadata field of the labels, or one label or None per record; "
            f"got {short(field)}."
        )
    if hasattr(field, "to_pylist"):  # pyarrow, whose scalars are not Python values
        values: list[Any] = field.to_pylist()
    elif getattr(field, "shape", ())[1:] == (1,):  # a table with one column
        values = list(np.asarray(field, dtype=object)[:, 0])
    else:
        values = list(field)
    if len(values) != count:
        raise InvalidArgumentError(
            f"field must have one label or None per record; got {len(values):,} labels for {count:,} "
            "records."
        )
    return values


def _is_missing(value: Any) -> bool:
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    try:
        return bool(value != value)  # NaN and NaT differ from themselves
    except TypeError:  # pandas.NA has no truth value
        return True
    except ValueError:  # an array or a Series
        return False
