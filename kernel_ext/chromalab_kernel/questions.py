"""`QuestionLine`: a `%chroma` line that ends in "?" is a command, such as `%chroma query?`.

IPython takes the last word of any such line for a Python name, so `%chroma map?` would explain Python's
`map`, and `%chroma query papers tea?` would look for a variable named `tea`.
"""

from __future__ import annotations

import re
import tokenize
from typing import Any

from IPython.core.inputtransformer2 import TokenTransformBase

__all__ = ["QuestionLine"]

_LINE = re.compile(r"((?:[^\W\d]\w*\s*=\s*)?)%chroma\s+(.*?)\s*$", re.DOTALL)


class QuestionLine(TokenTransformBase):
    """Turns such a line into a call of the magic; `%chroma?` alone is left to IPython."""

    priority = 4  # before IPython's help, which has 5

    @classmethod
    def find(cls, tokens_by_line: list[list[tokenize.TokenInfo]]) -> QuestionLine | None:
        """Find the first such line."""
        for line in tokens_by_line:
            tokens = [t for t in line if t.type not in (tokenize.INDENT, tokenize.DEDENT)]
            texts = [token.string for token in tokens]
            start = 2 if texts[1:2] == ["="] else 0
            is_ours = texts[start : start + 2] == ["%", "chroma"] and len(texts) > start + 4
            if is_ours and texts[-2] == "?":
                return cls(tokens[0].start)
        return None

    def transform(self, lines: list[str]) -> list[str]:
        """Replace the line."""
        at = self.start_line
        indent, rest = lines[at][: self.start_col], lines[at][self.start_col :]
        found: Any = _LINE.match(rest)
        if found is None:
            raise SyntaxError(rest)  # IPython then tries the next transformer
        call = f"{found[1]}get_ipython().run_line_magic('chroma', {found[2]!r})\n"
        return [*lines[:at], indent + call, *lines[at + 1 :]]
