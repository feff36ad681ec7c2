"""The options of a public function as the arguments of a verb, read from its signature and docstring."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import chromalab
from chromalab.commands.argument import Argument
from chromalab.deferred import DeferredName
from chromalab.handle import Room

__all__ = ["options_of", "resolve"]

_HIDDEN = frozenset({"progress", "on_progress", "on_frame"})
"""Options that make no sense in a typed command."""

_SHORT = {"k": "-k", "n": "-n", "n_results": "-k"}
_ROOTS = {
    "collection": chromalab.Collection,
    "client": chromalab.ClientAPI,
    "chromalab": chromalab,
}
_KINDS = {int: "int", float: "float", bool: "switch", str: "text"}
_LISTS = (Sequence, Collection, Iterable, list, tuple)
_DICT_EXAMPLE = re.compile(r",? (?:e\.g\.|such as) .*")
_ENTRY = re.compile(r"\*{0,2}(\w+)(?: \([^)]*\))?: +(.*)")
_SENTENCE_END = re.compile(r"(?<![ (]e\.g\.)(?<![ (]i\.e\.)(?<=[.!?])\s+(?=[\"'`({\w])")


class _Unknown(type):
    """A type that is imported for type checkers only; it has every attribute and every parameter."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls

    def __getitem__(cls, item: Any) -> Any:
        return cls


class _AnyType(metaclass=_Unknown):
    """Stands in for a type that cannot be resolved here."""


def resolve(path: str) -> Any:
    """Return the class, function or attribute that an API path such as `collection.feedback.add` names.

    A property, a room or a method in the middle of the path resolves to what it returns.

    Example:
        >>> resolve("collection.feedback.undo").__name__
        'undo'
    """
    first, *names = path.split(".")
    found = _ROOTS[first] if first in _ROOTS else getattr(builtins, first)
    for name in names:
        found = getattr(_returned(found), name)
    return found


def options_of(
    path: str,
    *,
    hides: Iterable[str] = (),
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Argument, ...]:
    """Make an argument of each option of a public call.

    The kind comes from the annotation, the default from the signature, and the help from the first
    sentence of the option's entry in the docstring.

    Args:
        path: The API path, such as `collection.cluster`.
        hides: Options to leave out.
        changes: Attributes of `Argument` that differ for an option, by the name of the option.

    Example:
        >>> [argument.name for argument in options_of("collection.peek")]
        ['--limit']
    """
    function = resolve(path)
    if not callable(function):  # an attribute, such as collection.feedback
        return ()
    parameters = list(inspect.signature(function).parameters.values())
    if path.partition(".")[0] in ("collection", "client"):
        parameters = parameters[1:]  # self, or the collection
    typed = function if inspect.isroutine(function) else function.__init__
    hints, helps = _hints(typed), _helps(function)
    hidden = _HIDDEN | set(hides)
    return tuple(
        replace(
            _argument(parameter, hints.get(parameter.name, Any), helps.get(parameter.name, "")),
            **(changes or {}).get(parameter.name, {}),
        )
        for parameter in parameters
        if parameter.name not in hidden
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    )


def _returned(found: Any) -> Any:
    if isinstance(found, Room):
        return found.kind
    if isinstance(found, property):
        found = found.fget
    found = _hints(found)["return"] if inspect.isroutine(found) else found
    return found.load() if isinstance(found, DeferredName) else found


def _argument(parameter: inspect.Parameter, hint: Any, help: str) -> Argument:
    kind, choices, accepts_none = _kind(hint)
    if parameter.name == "where":  # `Where` is a mapping like any other
        kind = "where"
    name, default = parameter.name.replace("_", "-"), parameter.default
    if kind == "switch" and default is True:
        name = f"no-{name}"
    if kind == "where" and help:  # a docstring shows a dict; here a condition is typed
        help = f'{_DICT_EXAMPLE.sub(".", help)} For example: "year >= 2020".'
    shown = default if isinstance(default, str | float | int) else None
    return Argument(
        name=f"--{name}",
        help=help,
        kind=kind,
        short=_SHORT.get(parameter.name, ""),
        required=default is parameter.empty,
        option=parameter.name,
        value=default is not True,
        choices=choices,
        none=accepts_none and kind != "where" and default is not None,
        default=None if kind == "switch" or shown == "" else shown,
    )


def _kind(hint: Any) -> tuple[str, tuple[Any, ...], bool]:
    """Return the kind of an argument, its choices, and whether None is a value of its type."""
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    accepts_none = NoneType in parts
    choices = tuple(c for part in parts if get_origin(part) is Literal for c in get_args(part))
    others = {part for part in parts if part is not NoneType and get_origin(part) is not Literal}
    if choices:
        is_text = not others and all(isinstance(choice, str) for choice in choices)
        return ("text" if is_text else "any"), choices, accepts_none
    if others == {int, float}:
        return "float", (), accepts_none
    if len(others) == 1 and others <= _KINDS.keys():
        return _KINDS[others.pop()], (), accepts_none
    if str not in others:  # a typed "a,b" would be ambiguous if a single text were accepted, too
        for part in others:
            if _is_list_of_words(part):
                return "words", _choices_in(part), accepts_none
    return ("any" if {str, Any} & others else "object"), (), accepts_none


def _is_list_of_words(hint: Any) -> bool:
    if get_origin(hint) not in _LISTS or len(get_args(hint)) != 1:
        return False
    (item,) = get_args(hint)
    return item in (str, Any) or get_origin(item) is Literal


def _choices_in(hint: Any) -> tuple[Any, ...]:
    (item,) = get_args(hint)
    return get_args(item) if get_origin(item) is Literal else ()


def _hints(function: Any) -> dict[str, Any]:
    """Return the type hints of a function.

    `typing.get_type_hints` fails on names that are imported under `TYPE_CHECKING` only. Such a name
    resolves to a type that no kind is made for, so that its option becomes `:name` of an object.
    """
    inner = inspect.unwrap(function)
    known: dict[str, Any] = getattr(inner, "__globals__", {})
    local: dict[str, Any] = {}
    for annotation in getattr(function, "__annotations__", {}).values():
        if isinstance(annotation, str):
            for node in ast.walk(ast.parse(annotation, mode="eval")):
                name = node.id if isinstance(node, ast.Name) else ""
                if name and name not in known and not hasattr(builtins, name):
                    local.setdefault(name, _AnyType)
    return get_type_hints(function, localns=local)


def _helps(function: Callable[..., Any]) -> dict[str, str]:
    """Return the first sentence of each entry in the Args section of a docstring."""
    lines = (inspect.getdoc(function) or "").splitlines()
    if "Args:" not in lines:
        return {}
    entries: dict[str, list[str]] = {}
    entry: list[str] = []
    for line in lines[lines.index("Args:") + 1 :]:
        if line and not line.startswith(" "):
            break  # the next section
        match = _ENTRY.fullmatch(line.removeprefix("    "))
        if match and not line.startswith("     "):
            entry = entries[match[1]] = [match[2]]
        elif line.strip():
            entry.append(line.strip())
    return {name: _SENTENCE_END.split(" ".join(parts))[0] for name, parts in entries.items()}
