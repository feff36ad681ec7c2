"""`execute`: parse a typed command with argparse, bind its variables, convert its values and run it."""

from __future__ import annotations

import argparse
import difflib
import operator
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from chromalab.arguments.where_text import parse_where_text
from chromalab.commands.argument import Argument
from chromalab.commands.body import fill_rows, read_body
from chromalab.commands.line import fill, split, variable_in
from chromalab.commands.results import Notice
from chromalab.commands.session import Session
from chromalab.commands.store import status
from chromalab.commands.verb import Call, Verb
from chromalab.commands.verbs import find_verb
from chromalab.errors import InvalidArgumentError, near
from chromalab.results.tables import one_line

__all__ = ["execute", "parse"]


def execute(session: Session, command: str | list[str], body: str | None = None) -> Any:
    """Run one command: `VERB [COLLECTION] [ARGS] [--flags]`, and the body of its cell.

    Args:
        session: The session in which it runs.
        command: The line as it was typed, or its words.
        body: The cell below the line.

    Returns:
        The result of the public call; a help text for `--help`; the status for an empty line.

    Raises:
        InvalidArgumentError: The command is malformed; the message names similar verbs, flags or values.
    """
    words = split(command) if isinstance(command, str) else command
    if not words:
        return status(session)
    verb = find_verb("help" if words[0] in ("--help", "-h") else words[0])
    if verb.name != words[0]:
        return Call(verb, session, {}).run()
    if "--help" in words or "-h" in words:
        return Notice(verb.help_text)
    given = parse(session, verb, words[1:])
    rows = None if body is None else _read_body(session, verb, given, body)
    if body is None and given.get("jsonl"):
        raise InvalidArgumentError(
            f"--jsonl needs a body: write the lines below %%chroma {verb.name} ... --jsonl"
        )
    return Call(verb, session, given, rows).run()


def parse(session: Session, verb: Verb, words: list[str]) -> dict[str, Any]:
    """Parse the words after the verb.

    Args:
        session: The session that resolves `:name`.
        verb: The verb.
        words: The words.

    Returns:
        The value of each argument that was given or has a setting, by its key.
    """
    parser = _Parser(prog=verb.name, add_help=False, allow_abbrev=False)
    for argument in verb.arguments:
        parser.add_argument(*_names(argument), **_options(argument))
    known, unknown = parser.parse_known_intermixed_args(words)
    if unknown:
        flags = [a.name for a in verb.arguments if a.is_flag]
        hint = near(unknown[0], flags, what="Flags", limit=20) if flags else f"Use: {verb.usage}"
        raise InvalidArgumentError(f"{verb.name} does not take {unknown[0]!r}. {hint}")
    filling = bool(getattr(known, "flag_fill", False))
    values = {}
    for argument in verb.arguments:
        typed = getattr(known, _dest(argument))
        if typed not in (None, [], False):
            values[argument.key] = _convert(session, argument, typed, filling)
        elif argument.setting:
            values[argument.key] = session.settings[argument.setting]
    missing = [a.name for a in verb.arguments if a.required and a.is_flag and a.key not in values]
    if missing:
        raise InvalidArgumentError(
            f"{verb.name} needs {' and '.join(missing)}. For example: {verb.examples[0]}"
        )
    return values


def _read_body(session: Session, verb: Verb, given: dict[str, Any], body: str) -> list[Any]:
    if not verb.body:
        raise InvalidArgumentError(
            f"{verb.name} takes no body; use %chroma {verb.name} on one line."
        )
    rows = read_body(body, jsonl=bool(given.get("jsonl")))
    if not given.get("fill"):
        return rows
    return fill_rows(rows, lambda text: fill(text, session.bound), column=given.get("text"))


def _integer(value: Any) -> int:
    """Convert to an integer without truncation: 2.0 is one, 2.5 is not."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) else operator.index(value)


_NUMBERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "int": (_integer, "an integer"),
    "float": (float, "a number"),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidArgumentError(
            f"{message[0].upper()}{message[1:]}. See %chroma help {self.prog}"
        )


def _dest(argument: Argument) -> str:
    return f"flag_{argument.key}" if argument.is_flag else argument.name


def _names(argument: Argument) -> list[str]:
    return [name for name in (argument.short, argument.name) if name]


def _options(argument: Argument) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if argument.is_flag:
        options["dest"] = _dest(argument)
        if argument.kind == "switch":
            return {**options, "action": "store_true"}
    elif argument.many or argument.kind == "texts":
        options["nargs"] = "*"
    elif not argument.required:
        options["nargs"] = "?"
    return options


def _convert(session: Session, argument: Argument, typed: Any, filling: bool) -> Any:
    if argument.kind == "switch":
        return argument.value
    filling = filling and argument.kind == "texts"
    if isinstance(typed, list):
        bound = [_bound(session, word, filling=filling) for word in typed]
        if argument.kind == "texts" and len(bound) > 1:
            raise InvalidArgumentError(
                'Put the text in quotes: "Tea is a drink". '
                "Several texts go in the body of a %%chroma cell, or in a list: :texts"
            )
        return bound[0] if len(bound) == 1 else bound
    if argument.kind == "object" and variable_in(typed) is None:
        raise InvalidArgumentError(
            f"{argument.name} must be :name of a Python variable; got {one_line(repr(typed))}."
        )
    value = _bound(session, typed, filling=filling)
    if argument.kind in _NUMBERS:
        convert, what = _NUMBERS[argument.kind]
        try:
            return convert(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidArgumentError(
                f"{argument.name} must be {what}; got {one_line(repr(value))}."
            ) from error
    if not isinstance(value, str):
        if argument.kind == "text" and value is not None:
            raise InvalidArgumentError(
                f"{argument.name} must be a text; got {one_line(repr(value))}."
            )
        return value
    if argument.none and value == "none":
        return None
    if argument.kind == "words":
        return [word.strip() for word in value.split(",") if word.strip()]
    if argument.kind == "where":
        return parse_where_text(value, bound=partial(_bound, session))
    if argument.kind == "collection":
        return session.collection(value)
    return _chosen(session, argument, value)


def _chosen(session: Session, argument: Argument, value: str) -> Any:
    """Return the choice that was typed; the text itself if there are no choices."""
    known = argument.values(session)
    if not known or argument.is_open:
        return value
    if value not in known:
        close = difflib.get_close_matches(value, known, n=1)
        guess = f" Did you mean {close[0]!r}?" if close else ""
        raise InvalidArgumentError(
            f"{argument.name} must be one of {', '.join(known)}; got {value!r}.{guess}"
        )
    return next((choice for choice in argument.choices if str(choice) == value), value)


def _bound(session: Session, word: str, *, filling: bool = False) -> Any:
    name = variable_in(word)
    if name is not None:
        return session.bound(name)
    return fill(word, session.bound) if filling else word
