"""Unicode's compatibility form, in a time that grows with the length of the text alone."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

__all__ = ["nfkc"]

_JOINER = "\u034f"  # combining grapheme joiner: is not seen, and marks are not sorted across it


def nfkc(text: str) -> str:
    """Return a text in NFKC.

    Python sorts a run of combining marks in quadratic time: 100,000 of them would take seconds. So
    after every 30 in a row a joiner is put, as the Stream-Safe Text Format has it
    (https://unicode.org/reports/tr15/#Stream_Safe_Text_Format).

    Example:
        >>> nfkc("ﬁne")
        'fine'
    """
    return unicodedata.normalize("NFKC", _crowd().sub(rf"\g<0>{_JOINER}", text))


@cache
def _crowd() -> re.Pattern[str]:
    ranges: list[list[int]] = []
    for code in range(0x300, 0x20000):  # beyond are no marks that are sorted
        if unicodedata.combining(chr(code)):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    marks = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)
    return re.compile(f"[{marks}]{{30}}")
