"""What a verb is, and its arguments; help and docs are made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from chromalab_kernel.session import Session

__all__ = ["Argument", "Verb"]


@dataclass(frozen=True)
class Argument:
    """One argument of a verb.

    Attributes:
        name: Its name; a flag where it starts with "-".
        help: One line.
        kind: What it becomes: "text", "int", "float", "words" (a,b), "where", "switch"; "any", which may also
            be any object, bound as `:name`; or "texts", one text or any object, filled by --fill.
        short: A one-letter flag.
        many: Whether it takes all that is left.
        optional: Whether it may be left out (flags always may).
        choices: A function of the session that says what it may be; for completion and errors.
        setting: The setting that gives its default.
    """

    name: str
    help: str
    kind: str = "text"
    short: str = ""
    many: bool = False
    optional: bool = False
    choices: Callable[[Session], list[str]] | None = None
    setting: str = ""

    @property
    def is_flag(self) -> bool:
        """Whether it is written with its name."""
        return self.name.startswith("-")

    @property
    def key(self) -> str:
        """Its name in the parsed command."""
        return self.name.lstrip("-").replace("-", "_")

    @property
    def usage(self) -> str:
        """How it is written."""
        if self.is_flag:
            flag = self.short or self.name
            return f"[{flag}]" if self.kind == "switch" else f"[{flag} {self.key.upper()}]"
        name = self.name.upper() + (" ..." if self.many else "")
        return f"[{name}]" if self.optional else name


@dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes:
        name: The verb, the same in API, magic, CLI and docs.
        summary: One line, starting with a verb.
        api: The public call it stands for.
        arguments: What it takes.
        examples: Two commands as a user types them.
        run: Does it: (session, arguments) -> result.
        body: What the body of a `%%chroma` cell is to it; "" where it takes none.
        cli: Whether the command line has it.
    """

    name: str
    summary: str
    api: str
    arguments: tuple[Argument, ...]
    examples: tuple[str, ...]
    run: Callable[[Session, SimpleNamespace], Any]
    body: str = ""
    cli: bool = False

    @property
    def usage(self) -> str:
        """How it is written, in one line."""
        return " ".join([self.name, *(argument.usage for argument in self.arguments)])

    @property
    def help_text(self) -> str:
        """What `%chroma help VERB`, `%chroma VERB --help` and the docs say."""
        lines = [self.summary, "", f"%chroma {self.usage}"]
        if self.body:
            lines.append(f"%%chroma [NAME <<] {self.name} ...   with a body: {self.body}")
        lines.append("")
        for argument in self.arguments:
            flags = ", ".join(filter(None, [argument.short, argument.name]))
            lines.append(f"  {flags:<18} {argument.help}")
        lines += ["", "Examples", *(f"  {example}" for example in self.examples)]
        return "\n".join([*lines, "", f"In Python: {self.api}"])
