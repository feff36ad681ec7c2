"""`Argument`, one argument of a verb, and the arguments that several verbs add to their options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chromalab.commands.session import Session

__all__ = [
    "COLLECTION",
    "CONTAINS",
    "DRY_RUN",
    "FILL",
    "JSONL",
    "YES",
    "Argument",
    "collections",
]


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a verb.

    Attributes:
        name: Its name. A name that starts with "-" makes it a flag.
        help: One line.
        kind: What the typed text becomes: "text", "int", "float", "words" (a,b), "where", "switch",
            "collection" (a collection by its name), "path" (a file or folder), "any", or "texts" (one
            text, which --fill fills). "words", "where", "collection", "path", "any" and "texts" also
            accept any object, bound as `:name`;
            "object" accepts nothing else.
        short: A one-letter flag.
        many: Whether it takes all remaining words.
        required: Whether the command needs it.
        option: The option of the public call that it sets; "" if the verb itself uses it.
        value: The value that a switch sets.
        choices: The values that it accepts.
        offers: A function of the session that lists the values it accepts. They depend on what is open.
        is_open: Whether it also accepts other values, so that the choices only serve completion.
        none: Whether the word `none` means None.
        setting: The setting that gives its default.
        default: The default in the signature, for the help; None if there is nothing to show.
    """

    name: str
    help: str
    kind: str = "text"
    short: str = ""
    many: bool = False
    required: bool = False
    option: str = ""
    value: bool = True
    choices: tuple[Any, ...] = ()
    offers: Callable[[Session], list[str]] | None = None
    is_open: bool = False
    none: bool = False
    setting: str = ""
    default: Any = None

    @property
    def is_flag(self) -> bool:
        """Whether it is written with its name."""
        return self.name.startswith("-")

    @property
    def key(self) -> str:
        """Its name in the parsed command."""
        return self.name.lstrip("-").replace("-", "_")

    @property
    def shown(self) -> str:
        """Its name in messages: the short flag if there is one."""
        return self.short or self.name

    @property
    def usage(self) -> str:
        """Its place in the usage line."""
        if not self.is_flag:
            name = self.name.upper() + (" ..." if self.many else "")
            return name if self.required else f"[{name}]"
        flag = self.short or self.name
        if self.kind != "switch":
            flag = f"{flag} {':' if self.kind == 'object' else ''}{self.key.upper()}"
        return flag if self.required else f"[{flag}]"

    @property
    def help_text(self) -> str:
        """Its help, followed by its choices, its format and its default."""
        notes = [self.help]
        named = sum(str(choice) in self.help for choice in self.choices)
        if 2 * named < len(self.choices):  # otherwise the docstring lists them
            which = "Any of" if self.kind == "words" else "One of"
            notes.append(f"{which} {', '.join(map(str, self.choices))}.")
        if self.kind == "words":
            notes.append("Comma-separated.")
        if self.none:
            notes.append("Type none for None.")
        if self.setting:
            notes.append(f"[setting: {self.setting}]")
        elif self.default is not None:
            notes.append(f"[default: {self.default}]")
        return " ".join(notes)

    def values(self, session: Session) -> list[str]:
        """List the values that it accepts, as they are typed; empty if it accepts anything."""
        if self.offers is not None:
            return self.offers(session)
        return [str(choice) for choice in self.choices]


def collections(session: Session) -> list[str]:
    """List the names of the collections, without opening a store that does not exist yet."""
    return [c.name for c in session.client.list_collections()] if session.has_store else []


COLLECTION = Argument(
    name="collection",
    help="The collection, or :name of one.",
    kind="any",
    required=True,
    offers=collections,
    is_open=True,
)
CONTAINS = Argument(name="--contains", help="Only documents that contain this text.")
JSONL = Argument(name="--jsonl", help="Read each line of the body as a JSON value.", kind="switch")
FILL = Argument(
    name="--fill",
    help="Replace {{name}} in the texts with the value of that variable.",
    kind="switch",
)
YES = Argument(
    name="--yes", help="Delete, instead of showing what would be deleted.", kind="switch"
)
DRY_RUN = Argument(
    name="--dry-run", help="Show what would be done, without writing anything.", kind="switch"
)
