"""Make docs/magics.md from the table of verbs: `make docs`."""

from __future__ import annotations

from pathlib import Path

from chromalab_kernel.settings import DEFAULTS
from chromalab_kernel.verbs import VERBS

HEAD = """# The magics

<!-- Made by docs/make_verbs.py from the table of verbs; a test holds them equal. -->

`%load_ext chromalab` adds `%chroma`, for a line, and `%%chroma`, for a cell with texts in its body.

- `:name` gives the Python object of that name: a DataFrame, a list, a filter, an array of vectors, a
  collection, an embedding function. Only a plain name: for `df.abstract`, write `col = df.abstract` first.
- One text on the line stands in quotes; several go in the body of a cell, or in a list, `:texts`.
- `NAME << verb ...` on the first line of a `%%chroma` cell keeps the result in NAME; `NAME= << ...` also
  shows it. On a line, Python's own `name = %chroma ...` does that.
- The body of a cell is text, not a template. `--fill` replaces `{{name}}` by the text of that variable,
  in the texts only: on the line, in the body, and with `--jsonl` in the text column of the rows.
- `--where` takes a condition such as `year >= 2020 and venue in ("ACL", "EMNLP")`, or `:name` of a dict
  in Chroma's form. Operators: `= == != > >= < <=`, `in`, `not in`, `contains`, `not contains`, joined by
  `and`, `or` and parentheses. A value is a number, a text in quotes (`'O''Reilly'`: a quote in it is
  doubled), `true`, `false` or `:name`. A key that is not one word stands in back-quotes.
- ` #` starts a comment.
- An error is one line, and stops Run All.
"""


def page() -> str:
    """Make the page."""
    settings = "\n".join(f"    {name} = {value!r}" for name, value in DEFAULTS.items())
    verbs = "\n".join(
        f"## {verb.name}\n\n```text\n{verb.help_text}\n```\n" for verb in VERBS.values()
    )
    return (
        f"{HEAD}\n{verbs}\n## Settings\n\n"
        "A flag wins over `%config ChromaMagic.k = 20`, that over `[tool.chromalab.magic]` in the nearest\n"
        f"pyproject.toml, that over the default:\n\n{settings}\n\n"
        "`store` is a folder below that of the pyproject.toml. A pyproject.toml of another user is not used.\n"
    )


if __name__ == "__main__":
    Path(__file__).with_name("magics.md").write_text(page())
