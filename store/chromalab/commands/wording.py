"""`as_typed`: the message of a Python call in the words of a command, `--text` instead of `text=...`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from chromalab.commands.argument import Argument

if TYPE_CHECKING:
    from chromalab.commands.verb import Verb

__all__ = ["as_typed"]

_VALUE = r"""(\.\.\.|\[[^\]]*\]|\([^)]*\)|\{[^}]*\}|"[^"]*"|'[^']*'|-?\w+(?:\.\w+)*)?"""
_VERBS_OF_A_SUBJECT = r"(?= (?:must|needs|takes|has|is|are|cannot|goes|and|or|contains)\b)"
_OTHER_WAYS = (
    # What a line cannot do as Python does, and what it does instead.
    (
        r"or pass embedding_function=\.?",
        "or pass the function: %chroma create {name} --get-or-create --model :function.",
    ),
    (
        r"Pass embeddings, or get_collection\(.*?embedding_function=\.\.\.\)\.",
        "Pass the function: %chroma create {name} --get-or-create --model :function.",
    ),
    (r"Omit embedding_function, or pass embeddings= that you computed yourself\.", "Omit --model."),
    (r"^embedding_function\b", "--model"),
    (
        r"replace them with into\((.*), overwrite=True\)",
        r"replace them: found = %chroma {verb} {name}, then found.into(\1, overwrite=True)",
    ),
)
_CALL = re.compile(r"""(?<![\w%])(\.?[\w.]*\w)\(((?:[^()"']|"[^"]*"|'[^']*'|\([^()]*\))*)\)""")
_COMMA = re.compile(r",\s*(?![^\[({]*[\])}])")


def as_typed(message: str, verb: Verb, verbs: Mapping[str, Verb], name: str) -> str:
    """Write the options in a message as flags, and its calls as commands where there is a verb.

    Args:
        message: The message of an error or a warning of the public call.
        verb: The verb that made the call.
        verbs: All verbs by name.
        name: The collection that the command names.
    """
    for pattern, other in _OTHER_WAYS:
        there = other.replace("{name}", name.replace("\\", r"\\")).replace("{verb}", verb.name)
        message = re.sub(pattern, there, message)
    parts, end = [], 0
    for found in _CALL.finditer(message):
        parts += [_in_flags(message[end : found.start()], verb), _command(found, verb, verbs, name)]
        end = found.end()
    return "".join([*parts, _in_flags(message[end:], verb)]).replace("....", "...")


def _in_flags(text: str, verb: Verb) -> str:
    for argument in verb.arguments:
        if not argument.option:
            continue
        option, shown = re.escape(argument.option), argument.shown
        text = re.sub(
            rf"(?<![\w.\"'`-]){option}={_VALUE}",
            lambda found, argument=argument: _given(argument, found[1] or ""),  # type: ignore[misc]
            text,
        )
        text = re.sub(rf"(?:^|(?<=\. )){option}{_VERBS_OF_A_SUBJECT}", shown, text)
        if "_" in argument.option:  # not a word of a sentence
            text = re.sub(rf"(?<![\w.\"'`-]){option}(?![\w(=])", shown, text)
    return text


def _command(found: re.Match[str], verb: Verb, verbs: Mapping[str, Verb], name: str) -> str:
    """Write a call such as `suggest(queries=[...])` as a command; the call itself if it has no verb."""
    path = found[1].removeprefix("collection.").removeprefix("client.")
    apis = [f"{room}.{path}" for room in (verb.api.rpartition(".")[0], "collection", "client")]
    meant = next((other for api in apis for other in verbs.values() if other.api == api), None)
    if meant is None or meant.through:
        return found[0]
    takes_collection = any(argument.key == "collection" for argument in meant.arguments)
    words = [f"%chroma {meant.name}", name if takes_collection else ""]
    options = {argument.option: argument for argument in meant.arguments if argument.option}
    for given in filter(None, map(str.strip, _COMMA.split(found[2]))):
        option, equals, value = given.partition("=")
        if equals and option not in options:
            return found[0]
        if given not in ("...", repr(name)):
            words.append(_given(options[option], value) if equals else _word(given))
    return " ".join(filter(None, words))


def _word(value: str) -> str:
    if value == "None":
        return "none"
    return value.upper() if value.isidentifier() else value.strip("\"'")


def _given(argument: Argument, value: str) -> str:
    flag = argument.shown if argument.is_flag else argument.name.upper()
    if argument.kind == "switch" or not argument.is_flag:
        return flag
    plain = value.strip("\"'")
    if value == "None":
        plain = "none"
    elif value[:1] in ("[", "("):
        items = [item.strip(" \"'") for item in value[1:-1].split(",") if item.strip()]
        plain = ",".join(items)
    return f"{flag} {plain}".rstrip()
