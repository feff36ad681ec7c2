"""The command line, `chromalab VERB ...`, for the verbs that make sense outside a notebook."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from chromalab import __version__
from chromalab.commands.command import execute
from chromalab.commands.session import Session
from chromalab.commands.settings import DEFAULTS
from chromalab.commands.verbs import VERBS
from chromalab.errors import ChromalabError, InvalidArgumentError, near
from chromalab.results.tables import one_line

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    """Run a command. Return 0, or 1 after an error, which is printed as one red line."""
    words = list(sys.argv[1:] if words is None else words)
    verbs = {name: verb for name, verb in VERBS.items() if verb.cli}
    if words in ([], ["help"], ["--help"], ["-h"]):
        print("chromalab VERB [ARGS] [--flags]\n")
        print("\n".join(f"  {verb.usage:<32} {verb.summary}" for verb in verbs.values()))
        print("\nAll other verbs run in a notebook: %load_ext chromalab, then %chroma help")
        return 0
    if words == ["--version"]:
        print(f"chromalab {__version__}")
        return 0
    try:
        if words[0] in VERBS and words[0] not in verbs:
            raise InvalidArgumentError(
                f"{words[0]} runs in a notebook: %load_ext chromalab, then %chroma {words[0]}"
            )
        if words[0] not in verbs:
            raise InvalidArgumentError(f"Unknown command {words[0]!r}. {near(words[0], verbs)}")
        print(repr(execute(Session({}, DEFAULTS), words)))
    except ChromalabError as error:
        red = "\x1b[31m{}\x1b[0m" if sys.stderr.isatty() else "{}"
        print(red.format(one_line(f"Error: {error}", 2_000)), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
