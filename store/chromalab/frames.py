"""The one place where results become pandas DataFrames, as pandas may not be installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chromalab.errors import MissingDependencyError

if TYPE_CHECKING:
    import pandas

__all__ = ["data_frame"]


def data_frame(rows: Sequence[Any], columns: Sequence[str] | None = None) -> pandas.DataFrame:
    """Make a pandas DataFrame of rows: lists, or dicts by column."""
    try:
        import pandas
    except ImportError as error:
        raise MissingDependencyError(
            'df() needs pandas: pip install "chromalab[pandas]"'
        ) from error
    return pandas.DataFrame(rows, columns=None if columns is None else list(columns))
