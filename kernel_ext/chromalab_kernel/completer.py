"""Completion of `%chroma` lines: verbs, collections, flags, their values and `:variables`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from chromalab.commands.argument import Argument
from chromalab.commands.session import Session
from chromalab.commands.verb import Verb
from chromalab.commands.verbs import VERBS
from chromalab.errors import ChromalabError

__all__ = ["make_matcher"]

_LINE = re.compile(r"(?:^|=)\s*%{1,2}chroma\s(?:\s*[^\W\d]\w*=?\s*<<)?(.*)$")
_NOTHING = {"completions": [], "suppress": False}


def make_matcher(session: Session) -> Callable[[CompletionContext], dict[str, Any]]:
    """Make a matcher for `ip.Completer.custom_matchers`."""

    @context_matcher(identifier="chroma")  # type: ignore[untyped-decorator]
    def matcher(context: CompletionContext) -> dict[str, Any]:
        line = context.line_with_cursor[: context.cursor_position]
        match = _LINE.search(line.split("\n")[-1])
        if match is None:
            return _NOTHING
        *before, typed = re.split(r"\s+", match[1].lstrip()) or [""]
        try:
            offered = _offered(session, before, typed)
        except ChromalabError:  # the store cannot be read, so it has no names to offer
            return _NOTHING
        return {
            "completions": [
                SimpleCompletion(text, type="chroma")
                for text in offered
                if text.startswith(typed) and _is_one_word(text)
            ],
            "matched_fragment": typed,
            "suppress": True,
        }

    return matcher  # type: ignore[no-any-return]


def _offered(session: Session, before: list[str], typed: str) -> Iterable[str]:
    if not before:
        return VERBS
    verb = VERBS.get(before[0])
    if verb is None:
        return []
    if typed.startswith(":"):
        return [f":{name}" for name in session.variables if not name.startswith("_")]
    flag, equals, _ = typed.partition("=")
    if equals and flag.startswith("--"):
        argument = _expected(verb, [*before[1:], flag])
        return [f"{flag}={value}" for value in _values(session, argument, typed[len(flag) + 1 :])]
    if typed.startswith("-"):
        return [argument.name for argument in verb.arguments if argument.is_flag]
    return _values(session, _expected(verb, before[1:]), typed)


def _values(session: Session, argument: Argument | None, typed: str) -> list[str]:
    if argument is None:
        return []
    before, comma, _ = typed.rpartition(",") if argument.kind == "words" else ("", "", typed)
    return [f"{before}{comma}{value}" for value in argument.values(session)]


def _is_one_word(text: str) -> bool:
    """Whether a text is safe to insert: a name in an untrusted store could contain a line of code."""
    return text.isprintable() and not any(character.isspace() for character in text)


def _expected(verb: Verb, words: list[str]) -> Argument | None:
    """Return the argument that comes next."""
    flags = {name: a for a in verb.arguments for name in (a.name, a.short) if a.is_flag and name}
    positional = [argument for argument in verb.arguments if not argument.is_flag]
    taken = 0
    waiting: Argument | None = None
    for word in words:
        if waiting is not None:
            waiting = None
        elif word in flags:
            waiting = flags[word] if flags[word].kind != "switch" else None
        else:
            taken += 1
    if waiting is not None:
        return waiting
    return positional[taken] if taken < len(positional) else None
