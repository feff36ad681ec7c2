"""What every result of an analysis is: values over the records of a snapshot, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from chromalab.arguments.values import check_field
from chromalab.display import one_line
from chromalab.errors import InvalidArgumentError, printable
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Result"]

_PAGE = 1000


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result:
    """The base of all results. Every other field is an array, or plain JSON: so it can be kept.

    Attributes:
        snapshot: The records it is about.
        parameters: What was asked for, with what was left to defaults; `random_state` among them.
        recall: Of the neighbour graph it was made from: the share of true neighbours in it.
    """

    reads_records: ClassVar[bool] = False
    """Whether it depends on documents or metadata, not on vectors alone."""

    snapshot: Snapshot
    parameters: Mapping[str, Any]
    recall: float = 1.0

    @property
    def ids(self) -> list[str]:
        """The ids of the records, in insertion order."""
        return list(self.snapshot.ids)

    @property
    def version(self) -> int | None:
        """The version of the collection that it saw."""
        return self.snapshot.version

    @property
    def random_state(self) -> int | None:
        """The seed."""
        return self.parameters.get("random_state")

    @property
    def is_whole(self) -> bool:
        """Whether it is what was asked for; one that was interrupted is not kept."""
        return True

    @property
    def is_stale(self) -> bool:
        """Whether the collection has changed since."""
        return self.snapshot.is_stale

    def into(self, key: str) -> Self:
        """Write it to the records' metadata, in one transaction.

        Args:
            key: The metadata key; a projection writes one of it for each dimension.

        Returns:
            The same result, of the collection as it is now; one that was stale stays so.

        Raises:
            InvalidArgumentError: it was made of an array, or the key cannot be used.
        """
        snapshot, key = self.snapshot, check_field(key, "into")
        if snapshot.origin is None:
            raise InvalidArgumentError(
                "There is no collection to write to: it was made of an array, or of two sides. df() "
                "has the values."
            )
        columns = self.columns(key)
        metadatas = [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
        ids = list(snapshot.ids)
        if hasattr(snapshot.origin, "replace_records"):
            update = {"ids": ids, "metadatas": metadatas}
            current = not snapshot.is_stale
            version = snapshot.origin.replace_records(update=update).version
            if not current or version > (snapshot.version or 0) + 1:
                return self  # other writes came before: it knows nothing of them, and stays stale
            return replace(self, snapshot=replace(snapshot, version=version))
        for at in range(0, len(ids), _PAGE):  # of another program, which takes a page at a time
            page = slice(at, at + _PAGE)
            snapshot.origin.update(ids=ids[page], metadatas=metadatas[page])
        return self

    def columns(self, key: str) -> dict[str, list[Any]]:
        """Return what `into` writes: metadata keys, and a value a record for each."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise ValueError where the parts do not fit together: it was read from a damaged file."""

    def _made(self) -> str:
        """Say in a line what it was made of, and how."""
        name = printable(self.snapshot.name) or "array"
        if self.snapshot.where is not None:
            name += f" where {one_line(self.snapshot.where, 60)}"
        seen = "" if self.version is None else f", version {self.version}"
        how = ", ".join(
            f"{k}={one_line(v, 30)}" for k, v in self.parameters.items() if v is not None
        )
        stale = "; the collection has changed since: run it again" if self.is_stale else ""
        return f"{name}: {len(self.snapshot):,} records{seen}; {how}{stale}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))
