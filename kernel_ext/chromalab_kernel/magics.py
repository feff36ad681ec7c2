"""`%chroma` and `%%chroma`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets import Int, TraitError, Unicode

from chromalab.results.tables import one_line
from chromalab.errors import ChromalabError, InvalidArgumentError
from chromalab_kernel.command import execute
from chromalab_kernel.results import Status
from chromalab_kernel.session import Session
from chromalab_kernel.settings import DEFAULTS, project_settings
from chromalab_kernel.verbs import overview
from chromalab_kernel.widget_verbs import status_panel

__all__ = ["ChromaMagic"]

_ASSIGNMENT = re.compile(r"\s*([^\W\d]\w*)[ \t]*(=?)[ \t]*<<(.*)", re.DOTALL)


@magics_class
class ChromaMagic(Magics):
    """The magics, and their settings: `%config ChromaMagic.k = 20`."""

    k = Int(DEFAULTS["k"], min=1, help="How many results a query shows.").tag(config=True)
    model = Unicode(DEFAULTS["model"], help="The embedding function of new collections.").tag(
        config=True
    )
    store = Unicode(DEFAULTS["store"], help="The folder that is opened when none is.").tag(
        config=True
    )

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.session = Session(shell.user_ns, _Settings(self))
        self._read_project_settings()

    @no_var_expand
    @line_cell_magic
    def chroma(self, line: str, cell: str | None = None) -> Any:
        """Run a verb."""
        name, shown, command = None, True, line
        assignment = _ASSIGNMENT.fullmatch(line)
        if assignment:
            name, equals, command = assignment.groups()
            shown = bool(equals)
            if cell is None:
                raise InvalidArgumentError(f"On a line write: {name} = %chroma {command.strip()}")
        result = execute(self.session, command, cell)
        if isinstance(result, Status) and getattr(self.shell, "kernel", None) is not None:
            result = status_panel(self.session, result)
        if name is not None:
            self.session.variables[name] = result
        return result if shown else None

    def _read_project_settings(self) -> None:
        used = []
        try:
            settings, file = project_settings(Path.cwd())
            for name in settings.keys() - self.config.get(type(self).__name__, {}).keys():
                setattr(self, name, settings[name])
                used.append(f"{name}={settings[name]}")
        except (ChromalabError, TraitError, OSError) as error:  # the magics work without: say it
            print(one_line(f"chromalab: {error}", 1_000))
            return
        if used:
            print(one_line(f"chromalab: settings of {file}: {', '.join(sorted(used))}", 1_000))


ChromaMagic.chroma.__doc__ = f"Work with an embedding store.\n\n{overview()}"


class _Settings(Mapping[str, Any]):
    """The settings as they are at the moment."""

    def __init__(self, magic: ChromaMagic) -> None:
        self._magic = magic

    def __getitem__(self, name: str) -> Any:
        if name not in DEFAULTS:
            raise KeyError(name)
        return getattr(self._magic, name)

    def __iter__(self) -> Iterator[str]:
        return iter(DEFAULTS)

    def __len__(self) -> int:
        return len(DEFAULTS)
