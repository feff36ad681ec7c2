"""How results show: as text in a terminal, as HTML in a notebook. All text of users is escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from chromalab.errors import printable

__all__ = ["html_table", "one_line", "text_table"]

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
        f"<div class='chromalab'>{_STYLE}<table>{above}<thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{below}</div>"
    )


def _cell(value: Any) -> str:
    text = one_line(value, 400)
    kind = "text" if " " in text or len(text) > 40 else "word"
    if isinstance(value, int | float) and not isinstance(value, bool):
        kind = "number"
    return f"<td class='{kind}'>{html.escape(text)}</td>"
