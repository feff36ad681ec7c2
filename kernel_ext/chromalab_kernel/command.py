"""A typed command to a verb and its arguments: parsed by argparse, bound, converted."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, NoReturn

from chromalab.arguments.where_text import parse_where_text
from chromalab.display import one_line
from chromalab.errors import InvalidArgumentError, near
from chromalab_kernel.actions import status
from chromalab_kernel.body import fill_rows, read_body
from chromalab_kernel.line import fill, split, variable_in
from chromalab_kernel.results import Notice
from chromalab_kernel.session import Session
from chromalab_kernel.verb import Argument, Verb
from chromalab_kernel.verbs import VERBS

__all__ = ["execute"]


def execute(session: Session, command: str | list[str], body: str | None = None) -> Any:
    """Run one command: `VERB [COLLECTION] [ARGS] [--flags]`, and the body of its cell.

    Args:
        session: What it runs in.
        command: The line as it was typed, or its words.
        body: The cell below the line.

    Returns:
        What the public call returned; a help text for `--help`; the status for an empty line.

    Raises:
        InvalidArgumentError: the command cannot be read; the message names what is near.
    """
    words = split(command) if isinstance(command, str) else command
    if not words:
        return status(session)
    verb = _verb(words[0])
    if "--help" in words or "-h" in words:
        return Notice(verb.help_text)
    arguments = _parse(session, verb, words[1:])
    arguments.body = None if body is None else _read_body(session, verb, arguments, body)
    if body is None and getattr(arguments, "jsonl", False):
        raise InvalidArgumentError(
            f"--jsonl needs a body: write the lines below %%chroma {verb.name} ... --jsonl"
        )
    return verb.run(session, arguments)


def _read_body(session: Session, verb: Verb, arguments: SimpleNamespace, body: str) -> list[Any]:
    if not verb.body:
        raise InvalidArgumentError(
            f"{verb.name} takes no body; use %chroma {verb.name} on one line."
        )
    rows = read_body(body, jsonl=arguments.jsonl)
    if not arguments.fill:
        return rows
    column = getattr(arguments, "text", None)
    return fill_rows(rows, lambda text: fill(text, session.bound), column=column)


_NUMBERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "int": (int, "a whole number"),
    "float": (float, "a number"),
}


def _verb(name: str) -> Verb:
    if name not in VERBS:
        raise InvalidArgumentError(
            f"Unknown verb {name!r}. {near(name, VERBS, what='Verbs', limit=20)}"
        )
    return VERBS[name]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidArgumentError(
            f"{message[0].upper()}{message[1:]}. See %chroma help {self.prog}"
        )


def _parse(session: Session, verb: Verb, words: list[str]) -> SimpleNamespace:
    parser = _Parser(prog=verb.name, add_help=False, allow_abbrev=False)
    for argument in verb.arguments:
        parser.add_argument(*_names(argument), **_options(argument))
    known, unknown = parser.parse_known_intermixed_args(words)
    if unknown:
        flags = [a.name for a in verb.arguments if a.is_flag]
        raise InvalidArgumentError(
            f"{verb.name} does not take {unknown[0]!r}. {near(unknown[0], flags, what='Flags', limit=20)}"
        )
    filling = bool(getattr(known, "flag_fill", False))
    values = {
        a.key: _convert(session, a, getattr(known, _dest(a)), filling) for a in verb.arguments
    }
    return SimpleNamespace(**values)


def _dest(argument: Argument) -> str:
    return f"flag_{argument.key}" if argument.is_flag else argument.name


def _names(argument: Argument) -> list[str]:
    return [name for name in (argument.short, argument.name) if name]


def _options(argument: Argument) -> dict[str, Any]:
    options: dict[str, Any] = {"help": argument.help}
    if argument.is_flag:
        options["dest"] = _dest(argument)
        if argument.kind == "switch":
            return {**options, "action": "store_true"}
    elif argument.many or argument.kind == "texts":
        options["nargs"] = "*"
    elif argument.optional:
        options["nargs"] = "?"
    return options


def _convert(session: Session, argument: Argument, typed: Any, filling: bool) -> Any:
    if typed is None or typed == []:
        return session.settings[argument.setting] if argument.setting else None
    if argument.kind == "switch":
        return typed
    if isinstance(typed, list):
        filling = filling and argument.kind == "texts"
        bound = [_bound(session, word, filling=filling) for word in typed]
        if argument.kind == "texts" and len(bound) > 1:
            raise InvalidArgumentError(
                'Put the text in quotes: "Tea is a drink"; '
                "several texts go in the body of a %%chroma cell, or in a list: :texts"
            )
        return bound[0] if len(bound) == 1 else bound
    value = _bound(session, typed, filling=filling and argument.kind == "texts")
    if argument.kind in _NUMBERS:
        make, what = _NUMBERS[argument.kind]
        try:
            return make(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidArgumentError(
                f"{argument.name} is {what}; found {one_line(repr(value))}."
            ) from error
    if not isinstance(value, str):
        if argument.kind == "text" and value is not None:
            raise InvalidArgumentError(
                f"{argument.name} is a text; found a {type(value).__name__}."
            )
        return value
    if argument.kind == "words":
        return [word.strip() for word in value.split(",") if word.strip()]
    if argument.kind == "where":
        return parse_where_text(value, bound=partial(_bound, session))
    if argument.is_flag and argument.choices is not None and argument.name != "--as":
        known = argument.choices(session)
        if value not in known:
            raise InvalidArgumentError(f"{argument.name} cannot be {value!r}. {near(value, known)}")
    return value


def _bound(session: Session, word: str, *, filling: bool = False) -> Any:
    name = variable_in(word)
    if name is not None:
        return session.bound(name)
    return fill(word, session.bound) if filling else word
