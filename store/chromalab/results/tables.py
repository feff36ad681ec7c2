"""How results are displayed: as text in a terminal, as HTML in a notebook, as a DataFrame.

All text from users is escaped. `Table` is the base of every result that is displayed as a table.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from chromalab.errors import MissingDependencyError, printable

if TYPE_CHECKING:
    import pandas

__all__ = ["Table", "count", "cut", "data_frame", "html_table", "one_line", "text_table"]

_STYLE = (
    "<style>.chromalab table{border-collapse:collapse;font-size:13px}"
    ".chromalab td,.chromalab th{text-align:left!important;vertical-align:top;padding:4px 10px 4px 0;"
    "border-bottom:1px solid var(--jp-border-color2,#8884)}"
    ".chromalab td.number{text-align:right!important;font-variant-numeric:tabular-nums}"
    ".chromalab td.word{white-space:nowrap}"
    ".chromalab td.text{max-width:60ch;white-space:normal}"
    ".chromalab caption,.chromalab .note{caption-side:top;text-align:left;padding:4px 0;"
    "color:var(--jp-ui-font-color2,#777)}</style>"
)


class Table:
    """The base of results that are displayed as a table.

    A subclass gives its columns and rows; the text, the HTML and the DataFrame follow from them. It has
    no fields, so that a frozen dataclass can inherit from it.

    Example:
        >>> class Scores(Table):
        ...     _columns = ("id", "score")
        ...     def _rows(self):
        ...         return [["a", 0.5], ["b", 0.25]]
        >>> Scores()
        id  score
        a   0.5
        b   0.25
    """

    _columns: ClassVar[Sequence[str]] = ()
    _limit: ClassVar[int] = 20
    """Rows that are displayed; `df()` has all of them."""

    def _header(self) -> Sequence[str]:
        """Return the names of the columns."""
        return self._columns

    def _rows(self) -> Sequence[Sequence[Any]]:
        """Return every row, with one value per column."""
        raise NotImplementedError

    def _heading(self) -> str:
        """Return the line above the table."""
        return ""

    def _note(self) -> str:
        """Return the line below the table."""
        return cut(self._limit, len(self._rows()))

    def __repr__(self) -> str:
        rows = self._rows()[: self._limit]
        table = text_table(self._header(), rows) if rows else ""
        return "\n".join(filter(None, [self._heading(), table, self._note()]))

    def _repr_html_(self) -> str:
        rows = self._rows()[: self._limit]
        return html_table(self._header(), rows, caption=self._heading(), note=self._note())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with all rows."""
        return data_frame(self._rows(), self._header())


_NO_MATH = "tex2jax_ignore mathjax_ignore"
"""Keeps MathJax from drawing "$5 or $6" in a document as a formula; pandas names the same classes."""


def count(number: int, thing: str, plural: str = "") -> str:
    """Write a number with its noun.

    Example:
        >>> count(1, "record"), count(1200, "record"), count(2, "query", "queries")
        ('1 record', '1,200 records', '2 queries')
    """
    return f"{number:,} {thing if number == 1 else plural or f'{thing}s'}"


def cut(shown: int, total: int, things: str = "") -> str:
    """Note that only some rows are displayed; "" if all of them are.

    Example:
        >>> cut(10, 2317), cut(20, 5), cut(10, 12, "groups")
        ('10 of 2,317 shown', '', '10 of 12 groups shown')
    """
    return (
        " ".join(filter(None, [f"{shown:,} of {total:,}", things, "shown"]))
        if total > shown
        else ""
    )


def data_frame(rows: Sequence[Any], columns: Sequence[str] | None = None) -> pandas.DataFrame:
    """Make a pandas DataFrame of rows, each a sequence of values or a dict by column.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingDependencyError(
            'df() needs pandas: pip install "chromalab[pandas]".'
        ) from error
    return pandas.DataFrame(rows, columns=None if columns is None else list(columns))


def one_line(value: Any, width: int = 80) -> str:
    r"""Show a value on one line of at most `width` printable characters.

    Example:
        >>> one_line("two\nlines", width=7)
        'two ...'
    """
    if value is None:
        return ""
    if isinstance(value, float):
        value = f"{value:.4g}"
    elif isinstance(value, Mapping):
        value = ", ".join(f"{key}: {item}" for key, item in value.items())
    text = " ".join(printable(str(value)[: width * 2]).split())
    return text if len(text) <= width else text[: width - 3] + "..."


def text_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, width: int = 72) -> str:
    """Lay rows out in columns.

    Example:
        >>> print(text_table(["id", "n"], [["a", 1], ["bb", 20]]))
        id  n
        a   1
        bb  20
    """
    cells = [list(columns), *([one_line(cell, width) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def html_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, caption: str = "", note: str = ""
) -> str:
    """Make an HTML table whose every cell is escaped."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    above = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    below = f"<div class='note'>{html.escape(note)}</div>" if note else ""
    return (
        f"<div class='chromalab {_NO_MATH}'>{_STYLE}<table>{above}<thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{below}</div>"
    )


def _cell(value: Any) -> str:
    text = one_line(value, 400)
    kind = "text" if " " in text or len(text) > 40 else "word"
    if isinstance(value, int | float) and not isinstance(value, bool):
        kind = "number"
    return f"<td class='{kind}'>{html.escape(text)}</td>"
