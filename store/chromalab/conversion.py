"""Values of numpy, pandas, Arrow and polars become Python's: the one place where data from outside is read.

Series, arrays and columns are read by position, never by label. A missing value (None, NaN, NaT, pandas.NA,
an Arrow null) is None. Dates and times become ISO 8601 texts. Nothing here imports one of these libraries.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence, Set
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import InvalidArgumentError, short

__all__ = [
    "array_of",
    "is_date",
    "is_missing",
    "iso_text",
    "items",
    "plain",
    "plain_where",
    "rows_of_table",
    "values_by_record",
]

_MOST_LEVELS = 60
"""Levels of a filter that are converted; deeper ones are left to the check that refuses them."""


def is_missing(value: Any) -> bool:
    """Return whether a value is missing: None, NaN, NaT, pandas.NA, an Arrow null, a masked number.

    An empty text or list is a value.

    Example:
        >>> [is_missing(value) for value in (None, float("nan"), np.datetime64("NaT"), "", 0)]
        [True, True, True, False, False]
    """
    if value is None or value is np.ma.masked:
        return True
    if isinstance(value, str | bool | int | list | tuple | Mapping):
        return False
    if getattr(value, "is_valid", None) is False:  # an Arrow scalar
        return True
    if getattr(value, "ndim", 0):  # a Series or an array, which may be of any length
        return False
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA has no truth value
        return type(value).__name__ == "NAType"
    except (ArithmeticError, ValueError):  # a signaling NaN of Decimal
        return isinstance(value, Decimal)


def is_date(value: Any) -> bool:
    """Return whether a value is a date or a time: of Python, numpy or pandas; not a missing one.

    Example:
        >>> is_date(datetime.date(2024, 6, 1)), is_date("2024-06-01")
        (True, False)
    """
    kind = isinstance(value, datetime.date | np.datetime64) or _is_period(value)
    return kind and not is_missing(value)


def iso_text(value: Any) -> str:
    """Write a date, a datetime, a Timestamp, a datetime64 or a Period (its start) in ISO 8601.

    Example:
        >>> iso_text(datetime.datetime(2024, 6, 1, 12)), iso_text(np.datetime64("2024-06"))
        ('2024-06-01T12:00:00', '2024-06-01')
    """
    if _is_period(value):
        start = value.start_time
        return str((start.date() if start == start.normalize() else start).isoformat())
    if not isinstance(value, np.datetime64):
        return str(value.isoformat())
    if np.datetime_data(value.dtype)[0] in ("Y", "M", "W", "D"):
        return str(value.astype("datetime64[D]"))
    text = str(value)
    if np.datetime_data(value.dtype)[0] in ("h", "m"):
        text = str(value.astype("datetime64[s]"))
    whole, point, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}{point}{fraction}" if fraction else whole


def plain(value: Any) -> Any:
    """Convert one value to Python's own type: a missing one to None, a date to ISO text.

    Decimals become floats and durations become seconds. Arrays, Series and lists become lists of plain
    values. What has no counterpart is returned as it is, for the caller to reject.

    Example:
        >>> plain(np.float32(0.5)), plain(np.str_("tea")), plain(np.array([1, 2]))
        (0.5, 'tea', [1, 2])
        >>> plain(datetime.timedelta(minutes=2)), plain(float("nan"))
        (120.0, None)
    """
    kind = type(value)
    if kind in (str, bool, int) or value is None:
        return value
    if kind is float:
        return None if value != value else value
    if kind is list:  # one level only: what is nested more deeply cannot be metadata
        return [item if type(item) is list else plain(item) for item in value]
    if is_missing(value):
        return None
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):  # numpy.str_, whose type JSON and comparisons of types do not know
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if is_date(value):
        return iso_text(value)
    if isinstance(value, datetime.time):
        return value.isoformat()
    return _converted(value)


def _converted(value: Any) -> Any:
    """Convert what is neither a text, a number nor a date."""
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, np.timedelta64):
        is_exact = np.datetime_data(value.dtype)[0] not in ("Y", "M", "generic")
        return float(value / np.timedelta64(1, "s")) if is_exact else value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, np.generic):
        item = value.item()
        return value if isinstance(item, np.generic) else item if item is None else plain(item)
    if hasattr(value, "as_py"):  # an Arrow scalar
        return plain(value.as_py())
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):  # an array without dimensions
        return plain(value.item())
    if isinstance(value, np.ndarray) or _is_column(value):
        return [plain(item) for item in _values(value)]
    return value


def items(value: Any, what: str = "the values") -> list[Any] | None:
    """List the items of a list, an array, a Series, an Index, an Arrow or polars column, or a generator.

    Items of numpy and Arrow become Python's; dates are left, as ids and documents are never dates.

    Returns:
        The items by position; None if the value is a single one: a text, a number, a mapping.

    Raises:
        InvalidArgumentError: The value is a table, of which one column must be chosen.

    Example:
        >>> items(np.array(["a", "b"])), items(np.array("a")), items("a")
        (['a', 'b'], None, None)
    """
    if isinstance(value, list | tuple):
        return [_scalar(item) for item in value]
    if isinstance(value, str | bytes | bytearray | Mapping):
        return None
    if hasattr(value, "columns") or hasattr(value, "column_names"):
        raise InvalidArgumentError(
            f"{what} must be a list or a single column; got a {type(value).__name__}. "
            'Choose a column, such as table["name"].'
        )
    if not isinstance(value, Iterable) or getattr(value, "ndim", None) == 0:
        return None
    return [_scalar(item) for item in _values(value)]


def values_by_record(given: Any, ids: Sequence[str], what: str) -> list[Any]:
    """List one value per record: labels, colors, names.

    A dict, or a Series whose index has ids, is read by id, and a record that it lacks has None. Anything
    else is read by position.

    Args:
        given: The values, in any of these forms; a table with a single column is that column.
        ids: The ids of the records, in order.
        what: The name of the argument, for messages.

    Raises:
        InvalidArgumentError: The values have no order, are not as many as the records, or are of other
            records.

    Example:
        >>> values_by_record({"b": 2, "a": 1}, ["a", "b"], "color")
        [1, 2]
        >>> values_by_record([2, 1], ["a", "b"], "color")
        [2, 1]
    """
    if getattr(given, "shape", ())[1:] == (1,):
        given = given.iloc[:, 0] if hasattr(given, "iloc") else np.asarray(given)[:, 0]
    keys = None
    if isinstance(given, Mapping):
        keys, given = list(given), list(given.values())
    elif hasattr(given, "iloc") and hasattr(given, "index"):
        keys = list(given.index) if set(ids).intersection(given.index) else None
    values = None if isinstance(given, Set) else items(given, what)
    if values is None:
        raise InvalidArgumentError(
            f"{what} must be a metadata field, or one value per record; got {short(given)}, of type "
            f"{type(given).__name__}."
        )
    if keys is None:
        if len(values) != len(ids):
            raise InvalidArgumentError(
                f"{what} must have one value per record; got {len(values):,} values for {len(ids):,} "
                "records."
            )
        return values
    by_id = dict(zip(keys, values, strict=True))
    if len(by_id) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidArgumentError(
            f"{what} must have one value per record; got several for {short(twice)}."
        )
    if ids and not any(id in by_id for id in ids):
        raise InvalidArgumentError(
            f"The keys of {what} must be ids of records; got {short(keys)}, of which none is."
        )
    return [by_id.get(id) for id in ids]


def _scalar(item: Any) -> Any:
    """Convert an item of numpy or Arrow; a missing one is None, and others are as they were."""
    kind = type(item)
    if kind is str:
        return item
    if is_missing(item):
        return None
    is_foreign = isinstance(item, str | np.generic) or hasattr(item, "as_py")
    is_bare = getattr(item, "ndim", None) == 0 and isinstance(item, np.ndarray)
    is_time = isinstance(item, np.datetime64 | np.timedelta64)
    return plain(item) if (is_foreign or is_bare) and not is_time else item


def _is_column(value: Any) -> bool:
    """Whether a value is a Series, an Index, or a column of Arrow or polars."""
    one = not hasattr(value, "columns") and not hasattr(value, "column_names")
    return one and any(hasattr(value, name) for name in ("to_pylist", "to_list", "to_numpy"))


def _values(column: Any) -> list[Any]:
    """List the values of a column by position."""
    if isinstance(column, np.ndarray):
        # `tolist` would turn times of nanoseconds into integers.
        return list(column) if column.dtype.kind in "mM" else list(column.tolist())
    for name in ("to_pylist", "to_list"):  # Arrow; polars and pandas
        if hasattr(column, name):
            return list(getattr(column, name)())
    return list(column)


def _is_period(value: Any) -> bool:
    return hasattr(value, "start_time") and hasattr(value, "freq") and hasattr(value, "ordinal")


def array_of(value: Any) -> NDArray[Any]:
    """Read numbers of two dimensions, of any library: arrays, lists, and columns of lists or of arrays.

    Returns:
        What numpy reads; an array of objects if the rows are not numbers of one length.

    Raises:
        ValueError: The rows differ in length.

    Example:
        >>> rows = np.empty(2, dtype=object)
        >>> rows[0], rows[1] = np.array([1, 2]), [3, 4]
        >>> array_of(rows).tolist()
        [[1, 2], [3, 4]]
    """
    if isinstance(value, np.ma.MaskedArray):
        return np.asarray(np.ma.filled(value.astype(np.float64), np.nan))
    if not isinstance(value, list | tuple) and not hasattr(value, "__array__") and _is_row(value):
        value = _values(value)
    array = np.asarray(value)
    if array.dtype != object or array.ndim == 0 or not array.size:
        return array
    if array.ndim == 2 and array.shape[1] == 1 and all(map(_is_row, array.flat)):
        array = array[:, 0]  # a table of one column
    if array.ndim == 1 and all(map(_is_row, array)):
        array = np.stack([np.asarray(row) for row in array])
    if array.dtype == object and array.ndim == 2 and all(map(_is_number, array.flat)):
        numbers = [np.nan if is_missing(item) else float(item) for item in array.flat]
        array = np.array(numbers, dtype=np.float64).reshape(array.shape)
    return array


def _is_row(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _is_number(value: Any) -> bool:
    """Whether a cell of a table with nullable or mixed columns is a number, or missing."""
    is_number = isinstance(value, int | float | np.number | Decimal) and not isinstance(value, bool)
    return is_number or is_missing(value)


def plain_where(where: Any) -> Any:
    """Convert the values in a filter, so that it can be stored as JSON; dates become ISO texts.

    Example:
        >>> plain_where({"$and": [{"year": np.int64(2020)}, {"kind": {"$in": np.array(["a"])}}]})
        {'$and': [{'year': 2020}, {'kind': {'$in': ['a']}}]}
    """
    return _plain_where(where, 0)


def _plain_where(node: Any, level: int) -> Any:
    if level > _MOST_LEVELS:
        return node
    if isinstance(node, Mapping):
        return {key: _plain_where(value, level + 1) for key, value in node.items()}
    if isinstance(node, list | tuple | set | frozenset):
        return [_plain_where(item, level + 1) for item in node]
    return plain(node)


def rows_of_table(data: Any) -> tuple[list[Any], list[Any]] | None:
    """Read the rows of a table as dicts, with the label of each row.

    A table is a DataFrame of pandas or polars, a LazyFrame, an Arrow table or record batch, a structured
    array, or a dict of columns. The named levels of a pandas index are columns, and pandas columns of
    midnights are dates.

    Returns:
        The rows and their labels: those of the index of pandas, positions otherwise; None if the data is
        not a table.

    Raises:
        InvalidArgumentError: Two columns have one name, or columns differ in length.

    Example:
        >>> rows_of_table({"id": ["a", "b"], "n": np.array([1, 2])})
        ([{'id': 'a', 'n': 1}, {'id': 'b', 'n': 2}], [0, 1])
    """
    if isinstance(data, Mapping):
        return _rows_of_columns({str(name): column for name, column in data.items()})
    if isinstance(data, np.ndarray) and data.dtype.names:
        return _rows_of_columns({name: data[name] for name in data.dtype.names})
    if type(data).__module__.partition(".")[0] == "polars" and hasattr(data, "collect"):
        data = data.collect()  # a LazyFrame
    if hasattr(data, "to_dicts"):  # polars
        rows = list(data.to_dicts())
        return rows, list(range(len(rows)))
    if hasattr(data, "to_dict") and hasattr(data, "columns"):  # pandas
        return _rows_of_pandas(data)
    if hasattr(data, "read_all"):  # a reader of Arrow record batches
        data = data.read_all()
    elif hasattr(data, "__arrow_c_stream__") and not _is_column(data):  # DuckDB, ibis
        data = _arrow_table(data)
    names = getattr(data, "column_names", None)
    if names is None and hasattr(data, "to_pylist") and hasattr(data, "schema"):
        names = data.schema.names
    if names is None:
        return None
    _unique(names)  # Arrow, and the datasets of Hugging Face
    rows = list(data.to_pylist() if hasattr(data, "to_pylist") else data)
    return rows, list(range(len(rows)))


def _arrow_table(data: Any) -> Any:
    try:
        import pyarrow
    except ImportError:
        return data
    return pyarrow.table(data)


def _rows_of_pandas(frame: Any) -> tuple[list[Any], list[Any]]:
    _unique(frame.columns)  # to_dict would drop one of two columns with one name
    days = {name: column.dt.date for name, column in frame.items() if _is_of_days(column.array)}
    if days:
        frame = frame.copy(deep=False)
        for name, column in days.items():
            frame[name] = column.astype(object)
    rows = list(frame.to_dict("records"))
    names = [str(column) for column in frame.columns]
    for level, name in enumerate(frame.index.names):
        if name is not None and str(name) not in names:
            labels = frame.index.get_level_values(level)
            values = labels.date if _is_of_days(labels.array) else labels
            for row, value in zip(rows, values, strict=True):
                row[name] = value
    return rows, list(frame.index)


def _is_of_days(column: Any) -> bool:
    """Whether a column of pandas, which has no type for dates, has times at midnight without a zone only."""
    if not hasattr(column, "normalize") or column.tz is not None:
        return False
    known = column[~column.isna()]
    return bool((known == known.normalize()).all())


def _rows_of_columns(columns: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    listed = {name: items(column) for name, column in columns.items()}
    single = [name for name, values in listed.items() if values is None]
    if single or not listed:
        raise InvalidArgumentError(
            "A dict must have one list per column, all of the same length; got "
            f"{short(dict(columns))}. To add one row, pass a list of one dict."
        )
    lengths = {len(values or ()) for values in listed.values()}
    if len(lengths) > 1:
        raise InvalidArgumentError(
            "The columns of a dict must have the same length; got "
            + ", ".join(f"{len(v or ()):,} for {short(n)}" for n, v in [*listed.items()][:5])
            + "."
        )
    rows = [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]
    return rows, list(range(len(rows)))


def _unique(columns: Iterable[Any]) -> None:
    names = [str(column) for column in columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidArgumentError(f"Two columns are named {short(twice)}. Rename one of them.")
