"""What two texts have in common and what not, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

__all__ = ["differences"]

_PIECE = re.compile(r"\w+|\s+|[^\w\s]")


def differences(first: str, second: str) -> list[tuple[str, int]]:
    """Part `second` by what `first` has too.

    Returns:
        Pieces with 0 where both have it, 1 where only the second has it, and -1 for what it lacks.

    Example:
        >>> differences("a cup of tea", "a mug of tea")
        [('a ', 0), ('cup', -1), ('mug', 1), (' of tea', 0)]
    """
    one, two = _PIECE.findall(first), _PIECE.findall(second)
    found: list[tuple[str, int]] = []
    for what, a, b, c, d in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if what == "equal":
            found.append(("".join(two[c:d]), 0))
            continue
        if b > a:
            found.append(("".join(one[a:b]), -1))
        if d > c:
            found.append(("".join(two[c:d]), 1))
    return found
