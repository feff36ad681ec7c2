"""Make docs/magics.md from the table of verbs: `make docs`."""

from __future__ import annotations

from pathlib import Path

from chromalab.commands.settings import DEFAULTS
from chromalab.commands.verbs import CHAPTERS

HEAD = """# The magics

<!-- Made by docs/make_verbs.py from the table of verbs; a test checks that it is up to date. -->

`%load_ext chromalab` adds the line magic `%chroma`, and the cell magic `%%chroma` for a cell with texts in
its body. Each verb makes one call of the Python API and has the name of that call: `%chroma cluster papers`
is `collection.cluster()`, and `%chroma feedback.undo papers` is `collection.feedback.undo()`. The flags of
a verb are the options of the call, so `n_clusters=12` becomes `--n-clusters 12`.

- `:name` passes a Python variable: a DataFrame, a list, a filter, an array of vectors, a collection, the
  result of an analysis. Only a plain name can be passed: for `df.abstract`, write `col = df.abstract` first.
  In a function, it is the local variable of that name, then that of an enclosing function, then the
  notebook's.
- Several texts go in the body of a cell, separated by empty lines, or in a list, `:texts`. A `%%chroma` line
  without a verb takes the next line of the cell as the command.
- `NAME << verb ...` on the first line of a `%%chroma` cell stores the result in NAME; `NAME= << ...` also
  shows it. On a line, use Python's own `name = %chroma ...`.
- The body of a cell is plain text, not a template. `--fill` replaces `{{name}}` with the value of that
  variable, and only in the texts: on the line, in the body and, with `--jsonl`, in the text column of the
  rows.
- `--where` takes a condition such as `year >= 2020 and venue in ("ACL", "EMNLP")`, or `:name` of a dict in
  Chroma's format. The operators are `= == != > >= < <=`, `in`, `not in`, `contains`, `not contains`,
  `between 2020 and 2024`, `is null` and `is not null`, combined with `and`, `or` and parentheses. A value is
  a number, a quoted text (double a quote inside it: `'O''Reilly'`), `true`, `false` or `:name`. Put a key
  that is not a single word in backquotes.
- A switch has no value. An option that is on by default is turned off with `--no-`, as in `--no-use`.
- A list is separated by commas, `--meta year,venue` or `--meta year, venue`; ids are separated by spaces.
- An embedding function that is not registered, `create papers --model :function`, is remembered until the
  kernel is restarted. Afterwards, `create papers --get-or-create --model :function` names it again.
- `%chroma query?`, `%chroma query --help` and `%chroma help query` explain a verb.
- An error is shown on one line, and it stops Run All. A word that could be meant in two ways is an error
  that says what to type.
- `%%chroma` must be the first line of its cell: IPython allows no comment before it.

## What is typed

```text
line   = { word } [ ";" ] [ "#" comment ]
word   = [ flag "=" ] item { "," item }
item   = text in quotes | characters other than blanks, commas and quotes
```

- Blanks separate words, so a text of several words goes in quotes: `"code search"` or `'code search'`. Curly
  quotes are quotes, too. Quotes enclose a whole word, and everything in them is text: `":five"`, `"--limit"`,
  `"#1"` and `"tea;"` are themselves.
- A quote in a text goes in quotes of the other kind, `"it's"`, or is doubled or has a backslash before it:
  `"a ""big"" tea"`, `"a \\"big\\" tea"`. A backslash means itself anywhere else, as in
  `C:\\papers`; a text in quotes that ends in a backslash is written with two, `"C:\\\\"`.
- Without quotes, `:` starts the name of a variable, `-` and a letter a flag, and `#` a comment. A value that
  starts with `--` goes in quotes, or is attached with `=`. `$HOME` and other environment variables are expanded
  in paths only.
- One `;` at the end of the line is dropped: in IPython, it hides the output.
"""


def page() -> str:
    """Return the text of the page."""
    chapters = "\n".join(
        f"## {chapter}\n\n"
        + "\n".join(f"### {verb.name}\n\n```text\n{verb.help_text}\n```\n" for verb in verbs)
        for chapter, verbs in CHAPTERS.items()
    )
    settings = "\n".join(f"    {name} = {value!r}" for name, value in DEFAULTS.items())
    return (
        f"{HEAD}\n{chapters}\n## Settings\n\n"
        "A flag overrides `%config ChromaMagic.k = 20`, which overrides `[tool.chromalab.magic]` in the\n"
        f"nearest pyproject.toml, which overrides the default:\n\n{settings}\n\n"
        "`store` must be a folder inside the folder of the pyproject.toml. A pyproject.toml that belongs to\n"
        "another user is ignored.\n"
    )


if __name__ == "__main__":
    Path(__file__).with_name("magics.md").write_text(page())
