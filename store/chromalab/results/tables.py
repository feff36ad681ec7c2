"""How results are displayed: as text in a terminal, as HTML in a notebook, as a DataFrame.

All text from users is escaped. `Table` is the base of every result that is displayed as a table.
"""

from __future__ import annotations

import html
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from chromalab.errors import MissingDependencyError, printable

if TYPE_CHECKING:
    import pandas

__all__ = [
    "Table",
    "count",
    "cut",
    "data_frame",
    "html_block",
    "html_table",
    "one_line",
    "text_of",
    "text_table",
]

_STYLE = (
    "<style>.chromalab table{border-collapse:collapse;font-size:13px}"
    ".chromalab .wide{overflow-x:auto}"
    ".chromalab td,.chromalab th{text-align:left!important;vertical-align:top;padding:4px 10px 4px 0;"
    "border-bottom:1px solid var(--jp-border-color2,#8884)}"
    ".chromalab .number{text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".chromalab td.word{white-space:nowrap}"
    ".chromalab td.words{min-width:14ch;max-width:32ch;white-space:normal;overflow-wrap:anywhere}"
    ".chromalab td.text{min-width:28ch;max-width:72ch;white-space:normal;overflow-wrap:anywhere}"
    ".chromalab td.metadata{max-width:28ch;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;"
    "color:var(--jp-ui-font-color2,#777)}"
    ".chromalab p.heading,.chromalab .note{max-width:90ch;margin:0;padding:4px 0;text-align:left;"
    "color:var(--jp-ui-font-color2,#777)}</style>"
)

# MathJax 3 (JupyterLab, Notebook 7) and MathJax 2 (nbconvert) leave elements of these classes alone.
# Without them, the text between two prices in dollars is typeset as a formula.
_CLASSES = "chromalab mathjax_ignore tex2jax_ignore"
_TEXT_SHOWN = 400
_METADATA_SHOWN = 160
_METADATA_VALUE = 32
_DECIMALS = 4


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
        a   0.50
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
        # One long value must not hide the others.
        cut_short = ((key, one_line(_part(item), _METADATA_VALUE)) for key, item in value.items())
        value = ", ".join(f"{key}: {item}" for key, item in cut_short)
    text = " ".join(printable(text_of(value)[: width * 2]).split())
    return text if len(text) <= width else text[: width - 3] + "..."


def text_of(value: Any) -> str:
    """Write a value for people: of a list, only its items.

    Example:
        >>> text_of(["tea", "rye"]), text_of(2020)
        ('tea, rye', '2020')
    """
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _part(value: Any) -> Any:
    """Put brackets around a value of several parts, where other values follow it."""
    if isinstance(value, list | tuple):
        return f"[{text_of(value)}]"
    return str(value) if isinstance(value, Mapping) else value


def text_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, width: int = 72) -> str:
    """Lay rows out in columns; the floats of a column have equally many decimals.

    Example:
        >>> print(text_table(["id", "n"], [["a", 1], ["bb", 20]]))
        id  n
        a   1
        bb  20
    """
    cells = [list(columns), *_formatted(rows, width)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def html_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, caption: str = "", note: str = ""
) -> str:
    """Make an HTML table whose every cell is escaped.

    The caption is a paragraph above the table: a `<caption>` would be as narrow as a table of few columns.
    """
    shown = _formatted(rows, _TEXT_SHOWN)
    kinds = [
        _kind([row[at] for row in rows], max((len(row[at]) for row in shown), default=0))
        for at in range(len(columns))
    ]
    parts = [_STYLE]
    if caption:
        parts.append(f"<p class='heading'>{html.escape(caption)}</p>")
    if columns:
        named = f" aria-label='{html.escape(caption)}'" if caption else ""
        head = "".join(
            f"<th class='number'>{html.escape(column)}</th>"
            if kind == "number"
            else f"<th>{html.escape(column)}</th>"
            for column, kind in zip(columns, kinds, strict=True)
        )
        body = "".join(f"<tr>{''.join(map(_cell, row, kinds))}</tr>" for row in shown)
        parts.append(
            f"<div class='wide'><table{named}><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table></div>"
        )
    if note:
        parts.append(f"<div class='note'>{html.escape(note)}</div>")
    return html_block("".join(parts))


def html_block(body: str) -> str:
    """Put HTML, whose text is escaped already, into the element that all displays share.

    Notebooks do not typeset formulas in it.

    Example:
        >>> html_block("<p>from $5 to $3</p>")
        "<div class='chromalab mathjax_ignore tex2jax_ignore'><p>from $5 to $3</p></div>"
    """
    return f"<div class='{_CLASSES}'>{body}</div>"


def _formatted(rows: Sequence[Sequence[Any]], width: int) -> list[list[str]]:
    """Show every cell on one line, and the floats of a column with equally many decimals."""
    if not rows:
        return []
    columns = []
    for column in zip(*rows, strict=True):
        decimals = _decimals(column)
        columns.append(
            [
                f"{float(cell):.{decimals}f}"
                if decimals is not None and _is_finite_float(cell)
                else one_line(
                    cell, min(width, _METADATA_SHOWN) if isinstance(cell, Mapping) else width
                )
                for cell in column
            ]
        )
    return [list(row) for row in zip(*columns, strict=True)]


def _decimals(column: Sequence[Any]) -> int | None:
    """Return the number of decimals for a column of floats; None if it has other values or tiny ones."""
    floats = [float(cell) for cell in column if _is_finite_float(cell)]
    others = [cell for cell in column if cell is not None and not isinstance(cell, float)]
    if not floats or any(cell != "" for cell in others):
        return None
    shown = [f"{number:.4g}" for number in floats]
    decimals = max(0 if "e" in text else len(text.partition(".")[2]) for text in shown)
    decimals = min(decimals, _DECIMALS)
    if any(number and not float(f"{number:.{decimals}f}") for number in floats):
        return None  # it would look like zero
    return decimals


def _is_finite_float(cell: Any) -> bool:
    return isinstance(cell, float) and math.isfinite(cell)


def _kind(column: Sequence[Any], longest: int) -> str:
    """Return the class of a column's cells: texts get their width first, and metadata stays on one line."""
    there = [cell for cell in column if cell is not None and cell != ""]
    if there and all(
        isinstance(cell, numbers.Real) and not isinstance(cell, bool) for cell in there
    ):
        return "number"
    if there and all(isinstance(cell, Mapping) for cell in there):
        return "metadata"
    return "word" if longest <= 24 else "words" if longest <= 48 else "text"


def _cell(text: str, kind: str) -> str:
    shown = html.escape(text)
    title = f" title='{shown}'" if kind == "metadata" and text else ""
    return f"<td class='{kind}'{title}>{shown}</td>"
