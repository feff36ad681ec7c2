"""`Result`, the base of all results: values about the records of a snapshot, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from chromalab.arguments.values import check_field
from chromalab.engine.values import Attachment
from chromalab.errors import InvalidArgumentError, UniqueConstraintError, printable, short
from chromalab.results.tables import Table, count, cut, html_table, one_line, text_table
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["WRITTEN", "Result", "written_fields"]

_PAGE = 1000
WRITTEN = "field written by analysis"
"""The kind of the attachments that name the metadata fields which analyses have written."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result(Table):
    """The base of all results. Every other field is an array or plain JSON, so that it can be cached.

    Attributes:
        snapshot: The records that it is about.
        parameters: The options of the analysis, with the values chosen for defaults; includes
            `random_state`.
        recall: The recall of the neighbor graph: the share of true neighbors that it contains.
    """

    reads_records: ClassVar[bool] = False
    """Whether it depends on documents or metadata, and not on vectors alone."""

    _width: ClassVar[int] = 72
    """Characters per cell in the text form."""

    snapshot: Snapshot
    parameters: Mapping[str, Any]
    recall: float = 1.0

    @property
    def ids(self) -> list[str]:
        """The ids of the records, in insertion order."""
        return list(self.snapshot.ids)

    @property
    def version(self) -> int | None:
        """The version of the collection that was analyzed."""
        return self.snapshot.version

    @property
    def random_state(self) -> int | None:
        """The seed."""
        return self.parameters.get("random_state")

    @property
    def is_whole(self) -> bool:
        """Whether the analysis ran to its end; the result of an interrupted one is not cached."""
        return True

    @property
    def is_stale(self) -> bool:
        """Whether the collection has changed since."""
        return self.snapshot.is_stale

    def into(self, field: str, *, overwrite: bool = False) -> Self:
        """Write the result to the records' metadata, in one transaction.

        Args:
            field: Metadata field to write to. A projection writes one field per dimension.
            overwrite: Whether to replace values that no analysis wrote, such as labels by people;
                `collection.undo()` restores them.

        Returns:
            The same result, of the current version of the collection. A stale result stays stale.

        Raises:
            InvalidArgumentError: The result is of an array, the field name is invalid, or values that no
                analysis wrote would change.
        """
        snapshot, field = self.snapshot, check_field(field, "into")
        if snapshot.origin is None:
            raise InvalidArgumentError(
                "There is no collection to write to: the result is of an array, or of two collections. "
                "df() has the values."
            )
        columns = self.columns(field)
        written = written_fields(snapshot.origin)
        others = [] if written is None else [name for name in columns if name not in written]
        if not overwrite:
            for name in others:
                _check_unchanged(name, _current(snapshot, name), columns[name])
        metadatas = [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
        ids = list(snapshot.ids)
        if hasattr(snapshot.origin, "replace_records"):
            update = {"ids": ids, "metadatas": metadatas}
            current = not snapshot.is_stale
            what = f"{type(self).__name__.lower()} into {short(field)}"
            try:
                version = snapshot.origin.replace_records(
                    update=update,
                    operation=what if overwrite and others else None,
                    attachments=[Attachment(WRITTEN, {}, name) for name in others],
                ).version
            except UniqueConstraintError:  # another process has written the field just now
                return self.into(field, overwrite=overwrite)
            if not current or version > (snapshot.version or 0) + 1:
                return self  # there were other writes that it has not seen: it stays stale
            # Its own write does not make a result stale, whichever of the two names it is shown by.
            object.__setattr__(self, "snapshot", replace(snapshot, version=version))
            return self
        for at in range(0, len(ids), _PAGE):  # another client, which takes one page at a time
            page = slice(at, at + _PAGE)
            snapshot.origin.update(ids=ids[page], metadatas=metadatas[page])
        return self

    def columns(self, field: str) -> dict[str, list[Any]]:
        """Return what `into` writes: one value per record for each metadata field."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise ValueError if the fields are inconsistent, as they were read from a damaged file."""

    def _summary(self) -> str:
        """Return the line about the rows."""
        return cut(self._limit, len(self._rows()))

    def _note(self) -> str:
        return "\n".join(filter(None, [self._summary(), self._made()]))

    def _chart(self) -> str:
        """Return a chart as HTML; "" for none."""
        return ""

    def __repr__(self) -> str:
        rows = self._rows()[: self._limit]
        table = text_table(self._header(), rows, width=self._width) if rows else ""
        return "\n".join(filter(None, [self._heading(), table, self._note()]))

    def _repr_html_(self) -> str:
        rows, note = self._rows()[: self._limit], self._note().replace("\n", "; ")
        return html_table(self._header(), rows, caption=self._heading(), note=note) + self._chart()

    def _made(self) -> str:
        """Describe in one line which records were analyzed, and how."""
        name = printable(self.snapshot.name) or "array"
        if self.snapshot.where is not None:
            name += f" where {one_line(self.snapshot.where, 60)}"
        records = count(len(self.snapshot), "record")
        version = "" if self.version is None else f", version {self.version}"
        options = ", ".join(
            f"{name}={one_line(str(value) if isinstance(value, list | tuple) else value, 30)}"
            for name, value in self.parameters.items()
            if value is not None
        )
        stale = "; the collection has changed since, run it again" if self.is_stale else ""
        return f"{name}: {records}{version}; {options}{stale}"


def written_fields(origin: Any) -> set[str] | None:
    """Return the metadata fields that analyses have written; None where that is not recorded."""
    if not hasattr(origin, "engine"):  # a collection of another client
        return None
    stored = origin.engine.attachments(origin.id, WRITTEN)
    return {attachment.name for attachment in stored if attachment.name is not None}


def _current(snapshot: Snapshot, field: str) -> list[Any]:
    """Return the values that the records of a snapshot have now; None for deleted records."""
    if not snapshot.is_stale:
        return snapshot.column(field)
    now = Snapshot.of(snapshot.origin)
    values = dict(zip(now.ids, now.column(field), strict=True))
    return [values.get(id) for id in snapshot.ids]


def _check_unchanged(field: str, before: Sequence[Any], after: Sequence[Any]) -> None:
    """Raise InvalidArgumentError if a result would change values that no analysis wrote."""
    changed = sum(old is not None and old != new for old, new in zip(before, after, strict=True))
    if changed:
        raise InvalidArgumentError(
            f"{short(field)} has values that no analysis wrote, and {changed:,} of them would change. "
            f"Choose another field, or replace them with into({short(field)}, overwrite=True)."
        )
