"""The forms of steps in JSON: `{"mmr": {"diversity": 0.5}}`, read from and written to frozen dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, TypeVar

from chromalab.errors import (
    ChromalabError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    near,
    printable,
    short,
)
from chromalab.search.keys import Key, only_entry

__all__ = ["Form", "Forms", "called", "check_function", "listed"]

T = TypeVar("T")
_SHOWN = 200  # characters of the message of an error


class Form:
    """The base of frozen dataclasses that have a form in JSON.

    Attributes:
        form: The name there, such as "$mmr".
    """

    form: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the step as JSON, without the options that have their default.

        Raises:
            InvalidArgumentError: An option is a Python function, which JSON cannot represent.
        """
        options = {}
        for part in fields(self):  # type: ignore[arg-type]
            value = getattr(self, part.name)
            if value is part.default:
                continue
            if callable(value) and not isinstance(value, type):
                raise InvalidArgumentError(
                    f"{type(self).__name__} has a Python function, which JSON cannot represent. Build this "
                    "search in Python where it runs."
                )
            if value != part.default or isinstance(value, Key):
                options[part.name] = _plain(value)
        return {self.form: options}


class Forms:
    """The classes of one kind of step, by their names in JSON.

    Args:
        what: What they are, for messages, such as "A step of a search".
        example: One of them, such as "Mmr()".
    """

    def __init__(self, what: str, example: str) -> None:
        self._what, self._example = what, example
        self._kinds: dict[str, Callable[..., Any]] = {}

    def add(self, kind: type[T]) -> type[T]:
        """Register a class; used as a decorator."""
        self._kinds[kind.form] = kind  # type: ignore[attr-defined]
        return kind

    def read(self, value: Any, protocol: type[T]) -> T:
        """Read a step given as an object or as a dict.

        Raises:
            InvalidArgumentError: The dict names no known step, or its options are not those of the step.
        """
        if not isinstance(value, Mapping):
            if isinstance(value, type) or not isinstance(value, protocol):
                raise InvalidArgumentTypeError(
                    f"{self._what} must be an object such as {self._example}; got {short(value)}."
                )
            return value
        name, options = only_entry(value, self._what.lower())
        if name not in self._kinds:
            raise InvalidArgumentError(
                f"Unknown step {short(name)}. {near(str(name), self._kinds, what='Steps', limit=20)}"
            )
        if not isinstance(options, Mapping):
            raise InvalidArgumentTypeError(f"{name} requires a dict; got {short(options)}.")
        try:
            return self._kinds[name](**options)  # type: ignore[no-any-return]
        except TypeError as error:
            if isinstance(error, InvalidArgumentTypeError):
                raise
            raise InvalidArgumentError(
                f"{name} cannot have the options {short(dict(options))}."
            ) from error


def listed(value: Any, what: str) -> Sequence[Any]:
    """Check that a value is a list or a tuple."""
    if not isinstance(value, list | tuple):
        raise InvalidArgumentTypeError(f"{what} must be a list; got {short(value)}.")
    return value


def check_function(value: Any, what: str) -> None:
    """Check that a value is a function, which a dict from elsewhere cannot hold."""
    if not callable(value):
        raise InvalidArgumentTypeError(f"{what} must be a function; got {short(value)}.")


def called(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of the user's.

    Raises:
        InvalidArgumentError: It raised an error, which is the cause of this one.
    """
    try:
        return function(*arguments)
    except ChromalabError:
        raise
    except Exception as error:
        said = printable(str(error))[:_SHOWN]
        raise InvalidArgumentError(
            f"{what} raised {type(error).__name__}{': ' if said else ''}{said}"
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Key):
        return value.name
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return value.tolist() if hasattr(value, "tolist") else value
