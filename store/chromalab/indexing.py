"""`IndexingStatus`: how much of a collection its index covers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chromalab.results.tables import data_frame, html_table

if TYPE_CHECKING:
    import pandas

__all__ = ["IndexingStatus"]


@dataclass(frozen=True, repr=False)
class IndexingStatus:
    """How many records the index covers. The others are scanned, so every query finds them too.

    Attributes:
        num_indexed_ops: Records in the index; all, in a collection too small to need one.
        num_unindexed_ops: Records that are to go into it.
        total_ops: All records.
        op_indexing_progress: The part that is indexed, 0.0 to 1.0; 1.0 where there is nothing.

    Example:
        >>> IndexingStatus(750, 250, 1000, 0.75)
        750 of 1,000 records indexed (75 %); the others are scanned
    """

    num_indexed_ops: int
    num_unindexed_ops: int
    total_ops: int
    op_indexing_progress: float

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame of one row."""
        return data_frame([asdict(self)], None)

    def __repr__(self) -> str:
        part = f"{self.op_indexing_progress:.0%}".replace("%", " %")
        said = f"{self.num_indexed_ops:,} of {self.total_ops:,} records indexed ({part})"
        return f"{said}; the others are scanned" if self.num_unindexed_ops else said

    def _repr_html_(self) -> str:
        values = asdict(self)
        return html_table([*values], [[*values.values()]], note=repr(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))
