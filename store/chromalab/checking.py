"""`client.check()`: whether every file of a store is what was written, and what to do if not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chromalab.engine.findings import Checked, Problem
from chromalab.engine.interface import Engine
from chromalab.results.progress import bar
from chromalab.results.tables import data_frame, html_table

if TYPE_CHECKING:
    import pandas

__all__ = ["Report", "check"]

_COLUMNS = ("collection", "file", "what", "do")


@dataclass(frozen=True)
class Report:
    """What `client.check()` found: a sequence of problems, empty when all is well.

    Like a list, it is False when it is empty: `if client.check(): ...` runs when something is wrong.

    Attributes:
        found: The problems, and what was read to find them.
    """

    found: Checked

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong: each has `collection`, `file`, `what`, `do`, and `ids` of its records."""
        return self.found.problems

    @property
    def leftovers(self) -> tuple[str, ...]:
        """Files that a crash left and nothing names.

        They do no harm, and go with the next `compact` or `delete_collection`.
        """
        return self.found.leftovers

    def __len__(self) -> int:
        return len(self.problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    def __getitem__(self, at: int) -> Problem:
        return self.problems[at]

    def __repr__(self) -> str:
        if not self:
            return self._summary()
        return "\n".join(
            [
                *(f"{p.collection or 'store'}: {p.file}: {p.what}. {p.do}" for p in self.problems),
                self._summary(),
            ]
        )

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, self._rows(), note=self._summary())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a problem."""
        return data_frame(self._rows(), _COLUMNS)

    def _rows(self) -> list[list[str]]:
        return [[p.collection, p.file, p.what, p.do] for p in self.problems]

    def _summary(self) -> str:
        found, problems = self.found, len(self.problems)
        said = [
            f"{_count(problems, 'problem')} in " if problems else "All is well: ",
            f"{_count(found.collections, 'collection')}, {_count(found.records, 'record')}, ",
            f"{found.bytes / 1e6:,.1f} MB of vectors read.",
        ]
        if found.unverified:
            said.append(
                f" {_count(found.unverified, 'record')} of an earlier release without checksums."
            )
        if found.leftovers:
            said.append(f" {_count(len(found.leftovers), 'file')} left by a crash, harmless.")
        return "".join(said)


def check(engine: Engine, progress: bool) -> Report:
    """Verify every file of a store; see `ClientAPI.check`."""
    with bar("check", "row", progress) as tell:
        return Report(engine.check(tell))


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
