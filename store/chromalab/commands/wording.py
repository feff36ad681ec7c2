"""`in_flags`: the message of a Python call in the words of its verb, `--text` instead of `text=...`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chromalab.commands.argument import Argument

__all__ = ["in_flags"]

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
    (r"\b(?:collection|client)\.([a-z_.]+)\((?:'[^']*'|\"[^\"]*\")?\)", r"%chroma \1 {name}"),
)


def in_flags(message: str, arguments: Iterable[Argument], name: str) -> str:
    """Replace the names of options in a message by flags.

    Args:
        message: The message of an error of the public call.
        arguments: The arguments of the verb.
        name: The collection that the command names.

    Example:
        >>> text = Argument(name="--text", help="", option="text")
        >>> in_flags("No column for the text. Pass text=... Columns: a", [text], "papers")
        'No column for the text. Pass --text ... Columns: a'
    """
    for pattern, other in _OTHER_WAYS:
        there = other.replace("{name}", name.replace("\\", r"\\"))
        message = re.sub(pattern, there, message)
    for argument in arguments:
        if not argument.option:
            continue
        option, shown = re.escape(argument.option), argument.shown
        message = re.sub(
            rf"(?<![\w.\"'`-]){option}={_VALUE}",
            lambda found, argument=argument: _given(argument, found[1] or ""),  # type: ignore[misc]
            message,
        )
        message = re.sub(rf"(?:^|(?<=\. )){option}{_VERBS_OF_A_SUBJECT}", shown, message)
        if "_" in argument.option:  # not a word of a sentence
            message = re.sub(rf"(?<![\w.\"'`-]){option}(?![\w(=])", shown, message)
    return message


def _given(argument: Argument, value: str) -> str:
    flag = argument.shown if argument.is_flag else argument.name.upper()
    if argument.kind == "switch":
        return flag
    plain = value.strip("\"'")
    if value[:1] in ("[", "(") and value[1:-1] != "...":
        plain = ",".join(item.strip(" \"'") for item in value[1:-1].split(",") if item.strip())
    elif value[:1] in ("[", "("):
        plain = "..."
    if not argument.is_flag:
        return flag
    return f"{flag} {plain}".rstrip()
