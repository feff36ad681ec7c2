"""`%chroma` and `%%chroma`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)
from traitlets import Int, TraitError, Unicode

from chromalab.commands.command import execute
from chromalab.commands.line import take_command
from chromalab.commands.results import Status
from chromalab.commands.session import Session
from chromalab.commands.settings import DEFAULTS, project_settings
from chromalab.commands.verbs import overview
from chromalab.errors import ChromalabError, InvalidArgumentError
from chromalab.results.tables import one_line

__all__ = ["ChromaMagic", "status_panel"]

_ASSIGNMENT = re.compile(r"\s*([^\W\d]\w*)[ \t]*(=?)[ \t]*<<(.*)", re.DOTALL)


@magics_class
class ChromaMagic(Magics):
    """The magics and their settings: `%config ChromaMagic.k = 20`."""

    k = Int(DEFAULTS["k"], min=1, help="Number of results per query.").tag(config=True)
    model = Unicode(DEFAULTS["model"], help="Embedding function of new collections.").tag(
        config=True
    )
    store = Unicode(DEFAULTS["store"], help="Folder of the store to open if none is open.").tag(
        config=True
    )

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.session = Session(shell.user_ns, _Settings(self))
        self._read_project_settings()

    @needs_local_scope
    @no_var_expand
    @line_cell_magic
    def chroma(
        self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None
    ) -> Any:
        """Run a verb."""
        if cell is not None:
            local_ns = _variables_of_caller()  # for cells, IPython passes those of the notebook
        name, shown = None, True
        command, cell = take_command(line, cell)
        assignment = _ASSIGNMENT.fullmatch(command)
        if assignment:
            name, equals, command = assignment.groups()
            shown = bool(equals)
            if cell is None:
                raise InvalidArgumentError(f"On a line, write: {name} = %chroma {command.strip()}")
            command, cell = take_command(command, cell)
        result = execute(self.session, command, cell, local=local_ns)
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
        except (ChromalabError, TraitError, OSError) as error:  # the magics also work without them
            print(one_line(f"chromalab: {error}", 1_000))
            return
        if used:
            print(one_line(f"chromalab: settings from {file}: {', '.join(sorted(used))}", 1_000))


ChromaMagic.chroma.__doc__ = f"Work with an embedding store.\n\n{overview()}"


def _variables_of_caller() -> Mapping[str, Any]:
    """Return the variables of the code that called the magic, which may be a function."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_machinery(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return frame.f_locals


def _is_machinery(module: str) -> bool:
    return module.partition(".")[0] in ("IPython", "chromalab_kernel")


def status_panel(session: Session, status: Status) -> Any:
    """Return the panel that `%chroma` alone shows. Its text is that of the status.

    Each connection has one panel, which is shown again. ipywidgets keeps every widget alive, so new
    ones would accumulate, and each would read the store after every cell.

    Returns:
        The panel; the status itself if no store is open or the packages of widgets are not installed.
    """
    if not status.connections:
        return status
    panel = session.panels.get(session.current)
    if panel is not None and panel.comm is not None:
        panel.switch_to(session.client, heading=status.heading)
        return panel
    try:  # there is none yet, or it was closed
        panel = session.client.panel(heading=status.heading)
    except ModuleNotFoundError as missing:
        if missing.name not in ("anywidget", "ipywidgets"):
            raise
        return status
    session.panels[session.current] = panel
    return panel


class _Settings(Mapping[str, Any]):
    """The current settings of the magics."""

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
