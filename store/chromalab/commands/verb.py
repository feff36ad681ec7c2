"""`Verb`, one command with its action, and `Call`, one run of it. The help is made from the verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import chromalab
from chromalab.commands.argument import COLLECTION, Argument
from chromalab.commands.session import Session
from chromalab.commands.signature import options_of, resolve

__all__ = ["Call", "Verb"]


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One verb: a public call of the API as a command.

    Its flags are the options of that call, read from its signature. A verb states only what cannot be
    read there.

    Attributes:
        api: The path of the public call, such as `collection.feedback.add`.
        summary: One line, in the imperative.
        examples: Two commands as a user types them.
        short_name: The name of the verb, if it is shorter than the path.
        takes: Arguments before the options; most verbs take the collection.
        through: Options of the call before the last, as in `collection.label_queue(field).label`.
        positional: Options that are written without their names.
        adds: Arguments after the options, which the action uses.
        hides: Options that are not arguments, since the action sets them or they make no sense when typed.
        changes: Attributes of `Argument` that differ from the signature, by option.
        body: What the body of a `%%chroma` cell contains; "" if there is none.
        cli: Whether the command line has the verb.
        action: What the verb does, if it is more than the call.
    """

    api: str
    summary: str
    examples: tuple[str, str]
    short_name: str = ""
    takes: tuple[Argument, ...] = (COLLECTION,)
    through: tuple[str, ...] = ()
    positional: tuple[str, ...] = ()
    adds: tuple[Argument, ...] = ()
    hides: tuple[str, ...] = ()
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    body: str = ""
    cli: bool = False
    action: Callable[[Call], Any] | None = None

    @property
    def name(self) -> str:
        """The name of the verb: the path of the call without its root, or a shorter one."""
        return self.short_name or self.api.partition(".")[2]

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        """Everything that the verb takes: its own arguments, and the options of the call."""
        options = options_of(self.api, hides=self.hides, changes=self.changes)
        positional = [a for name in self.positional for a in options if a.option == name]
        flags = [argument for argument in options if argument not in positional]
        if self.through:
            outer = options_of(self.api.rpartition(".")[0])
            flags += [replace(a, option="") for a in outer if a.option in self.through]
        flags.sort(key=lambda argument: not argument.required)
        return (*self.takes, *map(_bare, positional), *flags, *self.adds)

    @property
    def usage(self) -> str:
        """The verb and its arguments in one line."""
        return " ".join([self.name, *(argument.usage for argument in self.arguments)])

    @property
    def help_text(self) -> str:
        """The text of `%chroma help VERB`, `%chroma VERB --help` and the docs page."""
        lines = [self.summary, "", f"%chroma {self.usage}"]
        if self.body:
            lines.append(f"%%chroma [NAME <<] {self.name} ...   with a body: {self.body}")
        flags = [", ".join(filter(None, [a.short, a.name])) for a in self.arguments]
        width = max(map(len, flags), default=0)
        if flags:
            lines.append("")
        for flag, argument in zip(flags, self.arguments, strict=True):
            lines.append(f"  {flag:<{width}}  {argument.help_text}")
        lines += ["", "Examples", *(f"  {example}" for example in self.examples)]
        return "\n".join([*lines, "", f"In Python: {self.call}"])

    @property
    def call(self) -> str:
        """The public call as it is written in Python."""
        if not callable(resolve(self.api)):
            return self.api
        before, _, last = self.api.rpartition(".")
        path = f"{before}(...).{last}" if self.through else self.api
        return (
            f"{path}(...)" if any(a.option for a in self.arguments) or self.hides else f"{path}()"
        )


@dataclass(frozen=True)
class Call:
    """One run of a verb.

    Attributes:
        verb: The verb.
        session: The session in which it runs.
        given: The arguments that were given, by key.
        body: The texts or JSON values in the body of the cell; None on a line.
    """

    verb: Verb
    session: Session
    given: Mapping[str, Any]
    body: list[Any] | None = None

    @cached_property
    def collection(self) -> chromalab.Collection:
        """The collection that the command names."""
        return self.session.collection(self.given["collection"])

    @property
    def options(self) -> dict[str, Any]:
        """The options of the public call that were given."""
        return {
            argument.option: self.given[argument.key]
            for argument in self.verb.arguments
            if argument.option and argument.key in self.given
        }

    def run(self) -> Any:
        """Run the action of the verb, or its public call.

        Raises:
            NotFoundError: There is no such collection. Nothing else is checked before, as the name may be
                what was left out.
        """
        if self.verb.api.startswith("collection.") and isinstance(self.given["collection"], str):
            _ = self.collection
        return self.api() if self.verb.action is None else self.verb.action(self)

    def api(self, **options: Any) -> Any:
        """Make the public call, with the options that were given and with these."""
        root, *names = self.verb.api.split(".")
        found: Any = chromalab
        if root == "collection":
            found = self.collection
        elif root == "client":
            found = self.session.client
        for name in names:
            found = getattr(found, name)
        options = {**self.options, **options}
        return found(**options) if callable(found) else found


def _bare(argument: Argument) -> Argument:
    """Return an option as an argument that is written without its name."""
    return replace(argument, name=argument.key)
