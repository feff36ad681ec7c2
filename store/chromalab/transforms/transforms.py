"""`Transforms`: the transforms of a collection, and the switch between them.

A switch replaces one attachment with another in a single transaction. Every query that starts later, in
any process, goes through the new transform as a whole. What a large collection needs for it, its mapped
and indexed rows, is prepared before the switch.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chromalab.engine import Attachment, Preparation, RecordTransform
from chromalab.errors import (
    ChromalabError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    StoreBusyError,
    UniqueConstraintError,
    near,
    printable,
    short,
)
from chromalab.files import as_path
from chromalab.handle import Handle
from chromalab.results.progress import bar
from chromalab.results.tables import Table, count, html_table
from chromalab.transforms.active import (
    Activation,
    ActiveTransform,
    find_transform,
    missing_transform,
    read_activation,
    why_retired,
)
from chromalab.transforms.storage import (
    ACTIVE_KIND,
    KIND,
    as_attachment,
    check_transform,
    read_attachment,
    read_file,
    write_file,
)
from chromalab.transforms.transform import Transform

if TYPE_CHECKING:
    import pandas

__all__ = ["PendingSwitch", "SwitchResult", "Transforms"]

_TRIES = (
    20  # How often another process may switch or remove a transform between our read and write.
)


@dataclass(frozen=True)
class SwitchResult:
    """The outcome of a switch.

    Attributes:
        collection: The name of the collection.
        transform: The transform that was asked for; None for none.
        before: The transform that was active before.
        ready: Whether the switch is done. If not, it happens once rows and index are prepared.

    Example:
        >>> SwitchResult("papers", "tuned", None, ready=False)
        papers: 'tuned' is being prepared in the background; until then queries go through none
    """

    collection: str
    transform: str | None
    before: str | None
    ready: bool

    def __repr__(self) -> str:
        name, before = ("none" if n is None else repr(n) for n in (self.transform, self.before))
        where = printable(self.collection)
        if self.ready:
            return f"{where}: queries go through {name}"
        return (
            f"{where}: {name} is being prepared in the background; until then queries go through "
            f"{before}"
        )


class PendingSwitch:
    """A switch whose transform is still being prepared.

    Attributes:
        name: The name of the transform.
        share: The share that is prepared, 0 to 1.
        failure: Why the preparation failed; "" if it has not.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.share = 0.0
        self.failure = ""

    def progress(self, done: int, total: int) -> None:
        """Record how far the preparation is."""
        self.share = done / max(total, 1)


_lock = threading.RLock()
_pending: dict[UUID, PendingSwitch] = {}


@dataclass(frozen=True, repr=False)
class _Listing(Table):
    """The table of a collection's transforms, read once to be displayed."""

    collection: str
    rows: list[list[Any]]

    _columns = ("name", "active", "method", "maps", "gain", "judgments", "made", "model", "state")
    _limit = sys.maxsize

    def _rows(self) -> list[list[Any]]:
        return self.rows

    def _heading(self) -> str:
        active = next((row[0] for row in self.rows if row[1]), None)
        through = "none" if active is None else repr(active)
        transforms = count(len(self.rows), "transform")
        return f"{printable(self.collection)}: {transforms}; queries go through {through}"


class Transforms:
    """The transforms of a collection: learned maps of queries, or of queries and records.

    They are listed in the order in which they were added; `collection.transforms` returns them.

    Args:
        collection: The collection.

    Example:
        >>> import chromalab, numpy as np
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 1], [3, 4]])
        >>> swap = np.array([[0, 1], [1, 0]], dtype=np.float32)
        >>> points.transforms.add(Transform(name="swap", matrix=swap, both=False))
        Transform('swap', infonce, of queries, 2 dimensions)
        >>> points.transforms.use("swap")
        points: queries go through 'swap'
        >>> points.query(query_embeddings=[[1, 0]], n_results=1)["ids"]
        [['a']]
        >>> [transform.name for transform in points.transforms]
        ['swap']
    """

    def __init__(self, collection: Handle) -> None:
        self._collection = collection
        self._engine = collection.engine
        self._id = collection.id

    @property
    def active(self) -> Transform | None:
        """The transform that queries go through; None if they go through none."""
        return self._collection.room(ActiveTransform).current()

    def add(self, transform: Transform) -> Transform:
        """Store a transform with the collection. It becomes active only when `use` is called.

        Args:
            transform: The transform, such as `report.candidate` of `tune`.

        Returns:
            The transform as it is stored.

        Raises:
            InvalidArgumentError: It is not a transform, or it is for another model.
            UniqueConstraintError: The name is taken.
        """
        checked = check_transform(transform)
        if why_retired(checked, self._collection.refresh()) is not None:
            raise InvalidArgumentError(
                f"The transform {checked.name!r} is for {checked.model} ({checked.dimension:,} "
                f"dimensions), and {self._described()}. Nothing was added."
            )
        self._engine.attach(self._id, add=[as_attachment(checked)])
        return checked

    def use(self, name: str | None, *, wait: bool = False, progress: bool = True) -> SwitchResult:
        """Let queries go through a transform from now on, in all handles and processes.

        A transform of queries only is active when this returns. So is one that maps records too, in a
        collection that is too small for an index. In a larger collection, all records are first mapped
        and indexed in the background, and queries go on as before until that is done. If it fails, or
        Python exits, they stay so. A later call of `use` replaces a pending switch.

        Args:
            name: The name of the transform; None for the embeddings as they are.
            wait: Wait until the transform is active.
            progress: Show a progress bar while waiting, after one second.

        Raises:
            NotFoundError: There is no transform with that name.
            InvalidArgumentError: It is for another model than the collection's.
        """
        transform = None if name is None else self._usable(name)
        return self._switch(transform, lambda found: found.to(name), wait=wait, progress=progress)

    def rollback(self, *, wait: bool = False, progress: bool = True) -> SwitchResult:
        """Return to the transform that was active before; call it again to go back further.

        Args:
            wait: Wait until the transform is active.
            progress: Show a progress bar while waiting, after one second.

        Raises:
            NotFoundError: No other transform was active before, or it was removed.
        """
        found = read_activation(self._row())
        names = {attachment.name for attachment in self._engine.attachments(self._id, KIND)}
        stored = [name for name in found.history if name is None or name in names]
        # Those in between may have been removed, so the one before may be the active one itself.
        former = [name for name in stored if name != found.transform]
        if not former:
            raise NotFoundError(
                f"No other transform of {self._collection.name!r} was active before. use(name) "
                f"chooses one. {near('', [name for name in names if name], what='Transforms')}"
            )
        name = former[-1]
        transform = None if name is None else self._usable(name)
        return self._switch(
            transform, lambda found: found.back_to(name), wait=wait, progress=progress
        )

    def remove(self, name: str) -> None:
        """Remove a transform permanently. Export it first to keep it.

        Args:
            name: The name of the transform.

        Raises:
            NotFoundError: There is no transform with that name.
            InvalidArgumentError: The transform is active.
        """
        for _ in range(_TRIES):
            stored = self._engine.attachment(self._id, KIND, name) if _is_text(name) else None
            if stored is None or stored.number is None:
                raise missing_transform(self._collection, name)
            found = self._activation()
            if found.transform == name:
                raise InvalidArgumentError(
                    f"The transform {name!r} is active. Call use(None), or use another, then remove it."
                )
            # Rewriting the record of the active transform makes a concurrent switch to this one fail.
            if self._attach(found, found, [stored.number]):
                return
        raise self._busy()

    def export(self, name: str, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write a transform to a file that `load` reads: an npz archive of plain arrays.

        Args:
            name: The name of the transform.
            path: The file.
            overwrite: Replace an existing file.

        Returns:
            The path of the file.

        Raises:
            NotFoundError: There is no transform with that name.
            InvalidArgumentError: The file exists already or cannot be written.
        """
        file = as_path(path)
        write_file(file, self[name], overwrite=overwrite)
        return file

    def load(self, path: str | os.PathLike[str]) -> Transform:
        """Add the transform of a file that `export` wrote.

        Args:
            path: The file.

        Raises:
            InvalidArgumentError: It does not hold a transform, or holds one for another model.
            UniqueConstraintError: The name is taken.
        """
        return self.add(read_file(as_path(path)))

    def get(self, name: str, default: Transform | None = None) -> Transform | None:
        """Return a transform by name, or the default if there is none with that name."""
        found = self._engine.attachment(self._id, KIND, name) if _is_text(name) else None
        return default if found is None else read_attachment(found)

    def __getitem__(self, name: str) -> Transform:
        return find_transform(self._collection, name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._is_stored(name)

    def __len__(self) -> int:
        return len(self._engine.attachments(self._id, KIND))

    def __bool__(self) -> bool:
        return True  # Also when it is empty, although it has a length.

    def __iter__(self) -> Iterator[Transform]:
        return iter([read_attachment(found) for found in self._engine.attachments(self._id, KIND)])

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per transform."""
        return self._listing().df()

    def __repr__(self) -> str:
        try:
            return repr(self._listing())
        except ChromalabError as error:  # The collection was deleted; a repr must not raise.
            return f"Transforms({error})"

    def _repr_html_(self) -> str:
        try:
            return self._listing()._repr_html_()
        except ChromalabError as error:
            return html_table([], [], caption=f"Transforms({error})")

    def _listing(self) -> _Listing:
        return _Listing(self._collection.name, self._rows())

    def _rows(self) -> list[list[Any]]:
        active = self._activation().transform
        rows: list[list[Any]] = []
        for stored in self._engine.attachments(self._id, KIND):
            try:
                transform = read_attachment(stored)
            except InternalError:
                rows.append([stored.name, "", *[None] * 6, "damaged: remove() it"])
                continue
            retired = why_retired(transform, self._collection.refresh())
            is_active = transform.name == active and retired is None
            state = self._state(transform, is_active=is_active)
            rows.append(
                [
                    transform.name,
                    "*" if is_active else "",
                    transform.method,
                    "queries, records" if transform.both else "queries",
                    _gain(transform),
                    transform.evaluation.get("judgements"),
                    transform.at,
                    transform.model,
                    state if retired is None else f"retired: {retired}",
                ]
            )
        return rows

    def _state(self, transform: Transform, *, is_active: bool) -> str:
        pending = self._pending_switch()
        if is_active:
            if transform.record_transform is None:
                return "active"
            found = self._engine.indexing(self._id, transform.record_transform)
            share = found.indexed / found.total if found.total else 1.0
            return "active" if share == 1 else f"active, indexing {100 * share:.0f} %"
        if pending is None or pending.name != transform.name:
            return ""
        if pending.failure:
            return f"could not be prepared ({pending.failure})"
        return f"indexing {100 * pending.share:.0f} %"

    def _switch(
        self,
        transform: Transform | None,
        change: Callable[[Activation], Activation],
        *,
        wait: bool,
        progress: bool,
    ) -> SwitchResult:
        name = None if transform is None else transform.name
        of_records = None if transform is None else transform.record_transform
        before = self._activation()
        pending = PendingSwitch(name)
        result = SwitchResult(self._collection.name, name, before.transform, ready=True)
        try:
            with _lock:
                _pending[self._id] = pending
            if of_records is not None and not wait and not self._is_ready(of_records):
                preparation = self._preparation(pending, change, before)
                self._engine.prepare(self._id, of_records, preparation)
                return replace(result, ready=False)
            if of_records is not None:
                with bar(f"map {self._collection.name}", "row", progress) as on_progress:
                    self._engine.build_index(self._id, on_progress, of_records)
            self._commit(pending, change)
        except BaseException:
            self._forget(pending)
            raise
        self._forget(pending)
        return result

    def _preparation(
        self,
        pending: PendingSwitch,
        change: Callable[[Activation], Activation],
        before: Activation,
    ) -> Preparation:
        def done(error: Exception | None) -> None:
            if error is not None:
                pending.failure = str(error)
                return
            try:
                self._commit(pending, change, before)
            except Exception as failure:
                pending.failure = str(failure)
                raise
            self._forget(pending)

        return Preparation(pending.progress, lambda: self._pending_switch() is pending, done)

    def _commit(
        self,
        pending: PendingSwitch,
        change: Callable[[Activation], Activation],
        before: Activation | None = None,
    ) -> None:
        """Make the switch, unless a later call has superseded it."""
        for _ in range(_TRIES):
            with _lock:
                if _pending.get(self._id) is not pending:
                    return
                found = self._activation()
                if found.transform == pending.name and found.number is not None:
                    return
                if before is not None and found.switch != before.switch:
                    return  # Another process has switched in the meantime.
                if pending.name is not None and not self._is_stored(pending.name):
                    raise NotFoundError(
                        f"The transform {pending.name!r} was removed before it was ready."
                    )
                if self._attach(found, change(found)):
                    return
        raise self._busy()

    def _attach(self, found: Activation, after: Activation, remove: Sequence[int] = ()) -> bool:
        """Replace the record of the active transform; return False if another writer was faster."""
        numbers = [*remove, *([] if found.number is None else [found.number])]
        try:
            self._engine.attach(self._id, remove=numbers, add=[after.attachment()])
        except (NotFoundError, UniqueConstraintError):
            return False
        return True

    def _activation(self) -> Activation:
        """Return the record of the active transform; a damaged one is replaced by the next switch."""
        row = self._row()
        try:
            return read_activation(row)
        except InternalError:
            return Activation(number=None if row is None else row.number, switch="damaged")

    def _usable(self, name: str) -> Transform:
        transform = find_transform(self._collection, name)
        if why_retired(transform, self._collection.refresh()) is not None:
            raise InvalidArgumentError(
                f"The transform {transform.name!r} was learned for {transform.model} "
                f"({transform.dimension:,} dimensions), and {self._described()}. Run tune() again."
            )
        return transform

    def _described(self) -> str:
        found = self._collection
        return f"{found.name!r} has {found.fingerprint()} ({found.dimension or 0:,})"

    def _is_ready(self, of_records: RecordTransform) -> bool:
        """Return whether all records are indexed through it, or are so few that no index is needed."""
        found = self._engine.indexing(self._id, of_records)
        return found.indexed == found.total

    def _is_stored(self, name: str) -> bool:
        return self._engine.attachment(self._id, KIND, name) is not None

    def _row(self) -> Attachment | None:
        return self._engine.attachment(self._id, ACTIVE_KIND, ACTIVE_KIND)

    def _forget(self, pending: PendingSwitch) -> None:
        with _lock:
            if _pending.get(self._id) is pending:
                del _pending[self._id]

    def _pending_switch(self) -> PendingSwitch | None:
        return _pending.get(self._id)

    def _busy(self) -> StoreBusyError:
        return StoreBusyError(
            f"Other processes keep switching the transforms of {short(self._collection.name)}. Try again."
        )


def _is_text(name: object) -> bool:
    return isinstance(name, str)


def _gain(transform: Transform) -> str | None:
    """Return the gain of a transform's evaluation as text."""
    gain, error, metric = (transform.evaluation.get(n) for n in ("gain", "gain_se", "metric"))
    if not isinstance(gain, float):  # Integers are excluded, as they may be too large to format.
        return None
    spread = f" ± {error:.3f}" if isinstance(error, float) else ""
    return f"{gain:+.3f}{spread} {metric or ''}".rstrip()


def _after_fork() -> None:
    global _lock
    # A thread that does not exist in the child may hold the parent's lock, and the thread that prepares
    # a pending switch does not exist there either.
    _lock = threading.RLock()
    _pending.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
