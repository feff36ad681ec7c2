"""`execute`: read a typed command, bind its variables, convert its values and run it."""

from __future__ import annotations

import difflib
import numbers
import operator
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chromalab.arguments.where_text import parse_where_text
from chromalab.commands.argument import Argument
from chromalab.commands.body import fill_rows, read_body
from chromalab.commands.flags import sort_words
from chromalab.commands.line import Word, fill, items_of, split, take_command, variable_in
from chromalab.commands.results import Notice
from chromalab.commands.session import Session, is_data
from chromalab.commands.store import status
from chromalab.commands.verb import Call, Verb
from chromalab.commands.verbs import VERBS, find_verb, overview
from chromalab.commands.wording import as_typed
from chromalab.errors import ChromalabError, InvalidArgumentError, short, wording
from chromalab.results.tables import one_line

__all__ = ["execute", "parse"]

_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|nan)")
_COMPARISON = re.compile(r"[<>=!]=?|\w+(?:[<>]=?|==|!=).*", re.DOTALL)


def execute(
    session: Session,
    command: str | Sequence[str],
    body: str | None = None,
    *,
    local: Mapping[str, Any] | None = None,
) -> Any:
    """Run one command: `VERB [COLLECTION] [ARGS] [--flags]`, and the body of its cell.

    Args:
        session: The session in which it runs.
        command: The line as it was typed, or the words that a shell made of it.
        body: The cell below the line. If the line is empty, the command is the first line of the cell.
        local: The variables of the function in which the command is, which `:name` means first.

    Returns:
        The result of the public call; a help text for `--help`; the status for an empty line.

    Raises:
        InvalidArgumentError: The command is malformed; the message names similar verbs, flags or values.
    """
    if isinstance(command, str):
        command, body = take_command(command, body)
        words = split(command)
    else:
        words = [Word.bare(word) for word in command]
    if not words:
        return status(session)
    topic = _topic(words)
    if topic is not None:
        return Notice(find_verb(topic).help_text if topic else overview())
    verb = find_verb(words[0].text)
    given = parse(session, verb, words[1:], local=local)
    rows = None if body is None else _read_body(session, verb, given, body, local)
    if body is None and given.get("jsonl"):
        raise InvalidArgumentError(
            f"--jsonl needs a body: write the lines below %%chroma {verb.name} ... --jsonl"
        )
    collection = given.get("collection")
    name = collection if isinstance(collection, str) else "NAME"
    reworded = wording.set(lambda message: as_typed(message, verb, VERBS, name))
    try:
        return Call(verb, session, given, rows).run()
    except ChromalabError as error:
        if error.args:
            error.args = (as_typed(str(error.args[0]), verb, VERBS, name), *error.args[1:])
        raise
    finally:
        wording.reset(reworded)


def _topic(words: Sequence[Word]) -> str | None:
    """Return the verb that help was requested for, "" for all verbs, None for another command."""
    verb = words[0].text.rstrip("?")
    if len(words) == 1 and verb != words[0].text and (verb in VERBS or not verb):
        return verb
    if any(word.is_bare and not word.flag and word.text in ("--help", "-h") for word in words):
        return next((word.text for word in words if not word.is_flag), "")
    return None


def parse(
    session: Session,
    verb: Verb,
    words: Sequence[Word | str],
    *,
    local: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Read the words after the verb.

    Args:
        session: The session that resolves `:name`.
        verb: The verb.
        words: The words.
        local: The variables of the calling function.

    Returns:
        The value of each argument that was given or has a setting, by its key.
    """
    typed = sort_words(verb, [Word.bare(word) if isinstance(word, str) else word for word in words])
    reader = _Reader(session, local, filling="fill" in typed)
    values = {}
    for argument in verb.arguments:
        if argument.key in typed:
            values[argument.key] = reader.read(argument, typed[argument.key])
        elif argument.setting:
            values[argument.key] = session.settings[argument.setting]
    missing = [a.name for a in verb.arguments if a.required and a.key not in values]
    if missing:
        raise InvalidArgumentError(
            f"{verb.name} needs {' and '.join(missing)}. For example: {verb.examples[0]}"
        )
    return values


class _Reader:
    """Converts the words of a command to the values of its arguments."""

    def __init__(self, session: Session, local: Mapping[str, Any] | None, *, filling: bool) -> None:
        self._session = session
        self._local = local
        self._filling = filling

    def read(self, argument: Argument, words: list[Word]) -> Any:
        if argument.kind == "switch":
            return argument.value
        is_variable = len(words) == 1 and words[0].is_bare and words[0].text.startswith(":")
        if argument.kind == "words" and not (is_variable and "," not in words[0].text):
            return items_of(" ".join(word.source for word in words), argument.shown)
        values = [self._value(argument, word) for word in words]
        if len(values) == 1:
            return values[0]
        if not argument.many:
            raise InvalidArgumentError(
                'Put the text in quotes: "Tea is a drink". '
                "Several texts go in the body of a %%chroma cell, or in a list: :texts"
            )
        for word in words:
            if word.variable is not None:
                raise InvalidArgumentError(
                    f"{argument.shown} must be typed, or be one variable; got {word.text} among "
                    f"{len(words)} words."
                )
        return values

    def _bound(self, name: str) -> Any:
        return self._session.bound(name, self._local)

    def _value(self, argument: Argument, word: Word) -> Any:
        if word.several:
            raise InvalidArgumentError(
                f"{argument.shown} does not take a list; got {one_line(word.source)}. "
                + (
                    "Separate several by spaces."
                    if argument.many
                    else "Put one text in one pair of quotes; several go in the body of a %%chroma cell."
                    if argument.kind == "texts"
                    else "Put all of it in one pair of quotes."
                )
            )
        name = word.variable
        if name is not None:
            return self._object(argument, self._bound(name))
        if argument.kind == "object":
            raise InvalidArgumentError(
                f"{argument.shown} must be :name of a Python variable; got {short(word.text)}."
            )
        if argument.kind in _NUMBERS:
            return _NUMBERS[argument.kind](argument, word.text, is_typed=True)
        if argument.kind == "texts" or argument.many:
            self._check_text(argument, word)
        if argument.kind == "texts" and self._filling:
            return fill(word.text, self._bound)
        return self._typed(argument, word)

    def _object(self, argument: Argument, value: Any) -> Any:
        """Check or convert the value of a variable."""
        if argument.kind in _NUMBERS and value is not None:
            return _NUMBERS[argument.kind](argument, value, is_typed=False)
        if not isinstance(value, str):
            if argument.kind == "text" and value is not None:
                raise InvalidArgumentError(
                    f"{argument.shown} must be a string; got {short(value)}."
                )
            return value
        if argument.kind == "words":
            return [item.strip() for item in value.split(",") if item.strip()]
        return self._typed(argument, Word(value, value, quoted=True))

    def _typed(self, argument: Argument, word: Word) -> Any:
        if argument.none and word.text == "none":
            return None
        if argument.kind == "where":
            return self._condition(argument, word)
        if argument.kind == "collection":
            return self._session.collection(word.text)
        if argument.kind == "path" and word.is_bare:
            return _path(argument, word.text)
        return _chosen(self._session, argument, word.text)

    def _condition(self, argument: Argument, word: Word) -> dict[str, Any]:
        try:
            return parse_where_text(
                word.text, bound=lambda typed: self._bound(str(variable_in(typed)))
            )
        except InvalidArgumentError as error:
            if word.is_bare:
                raise InvalidArgumentError(
                    f'{error} Put the condition in quotes: {argument.shown} "year >= 2020".'
                ) from error
            raise

    def _check_text(self, argument: Argument, word: Word) -> None:
        """Refuse a word that is not meant as a text or an id."""
        if not word.is_bare:
            return
        value = self._session.namespace(self._local).get(word.text)
        if is_data(value):
            raise InvalidArgumentError(
                f"{word.text!r} is a variable of type {type(value).__name__}. "
                f'Did you mean :{word.text}? For the text itself, type "{word.text}" in quotes.'
            )
        if not argument.many:
            return
        if "," in word.text:
            apart = " ".join(filter(None, word.text.split(",")))
            raise InvalidArgumentError(
                f"{argument.shown} must be separated by spaces; got {one_line(word.text)!r}. "
                f'Type {one_line(apart)}, or "{one_line(word.text)}" in quotes if it is one id.'
            )
        if _COMPARISON.fullmatch(word.text):
            raise InvalidArgumentError(
                f"{argument.shown} must not be a condition; got {one_line(word.text)!r}. Type "
                '--where "year >= 2020"; put an id with these characters in quotes.'
            )


def _integer(argument: Argument, value: Any, *, is_typed: bool) -> int:
    """Convert to an integer as Python's calls do: neither 2.0 nor True is one."""
    try:
        if is_typed and _INTEGER.fullmatch(value):
            return int(value)
        if not is_typed and not isinstance(value, bool):
            return operator.index(value)
    except (TypeError, ValueError):  # int() refuses more than 4,300 digits
        pass
    raise InvalidArgumentError(
        f"{argument.shown} must be an integer; got {short(value)}. For example: 5"
    )


def _float(argument: Argument, value: Any, *, is_typed: bool) -> float:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    try:
        if (_FLOAT.fullmatch(value) is not None) if is_typed else is_number:
            return float(value)
    except OverflowError:
        pass
    raise InvalidArgumentError(
        f"{argument.shown} must be a number; got {short(value)}. For example: 0.5"
    )


_NUMBERS: dict[str, Callable[..., Any]] = {"int": _integer, "float": _float}


def _path(argument: Argument, text: str) -> str:
    """Expand environment variables in a path, as a shell does."""
    path = os.path.expandvars(text)
    unknown = re.search(r"\$\w+|\$\{[^}]*\}", path)
    if unknown and path == os.path.expandvars(path):
        raise InvalidArgumentError(
            f"{argument.shown} contains {one_line(unknown[0])}, which is not an environment variable. "
            f'If it is part of the name, type "{one_line(text)}" in quotes.'
        )
    return path


def _chosen(session: Session, argument: Argument, value: str) -> Any:
    """Return the choice that was typed; the text itself if there are no choices."""
    known = [] if argument.is_open else argument.values(session)
    if not known:
        return value
    if value not in known:
        close = difflib.get_close_matches(value, known, n=1)
        guess = f" Did you mean {close[0]!r}?" if close else ""
        raise InvalidArgumentError(
            f"{argument.shown} must be one of {', '.join(known)}; got {value!r}.{guess}"
        )
    return next((choice for choice in argument.choices if str(choice) == value), value)


def _read_body(
    session: Session,
    verb: Verb,
    given: dict[str, Any],
    body: str,
    local: Mapping[str, Any] | None,
) -> list[Any]:
    if not verb.body:
        raise InvalidArgumentError(
            f"{verb.name} takes no body; use %chroma {verb.name} on one line."
        )
    rows = read_body(body, jsonl=bool(given.get("jsonl")))
    if not given.get("fill"):
        return rows
    return fill_rows(
        rows,
        lambda text: fill(text, lambda name: session.bound(name, local)),
        column=given.get("text"),
    )
