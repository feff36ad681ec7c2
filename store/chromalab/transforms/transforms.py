"""`collection.transforms`: the transforms of a collection, and which of them is live."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromalab.display import html_table, text_table
from chromalab.errors import ChromalabError, InternalError, InvalidArgumentError, printable
from chromalab.feedback.asking import fingerprint
from chromalab.feedback.keeping import (
    KIND,
    as_attachment,
    checked,
    read_file,
    read_stored,
    write_file,
)
from chromalab.feedback.live import named, why_retired
from chromalab.feedback.switching import Switching
from chromalab.feedback.transform import Transform
from chromalab.frames import data_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["Transforms"]

_COLUMNS = ("name", "live", "method", "maps", "gain", "judgements", "made", "model", "state")


class Transforms(Switching):
    """The transforms of a collection, in the order they were made; `collection.transforms` makes it.

    Args:
        collection: Whose they are.

    Example:
        >>> import chromalab, numpy as np
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 1], [3, 4]])
        >>> points.transforms.add(Transform(name="same", matrix=np.eye(2, dtype=np.float32)))
        Transform('same', infonce, of queries and records, 2 dimensions)
        >>> points.transforms.use("same")
        points: queries go through 'same'
        >>> [transform.name for transform in points.transforms]
        ['same']
    """

    def add(self, transform: Transform) -> Transform:
        """Keep a transform with the collection; it is not live before `use` says so.

        Returns:
            The transform as it is kept.

        Raises:
            InvalidArgumentError: it is none, or for another model than the collection has.
            UniqueConstraintError: the name is taken.
        """
        kept = checked(transform)
        model = self._engine.get_collection_by_id(self._id)
        if why_retired(kept, model) is not None:
            raise InvalidArgumentError(
                f"The transform {kept.name!r} is for {kept.model} ({kept.dimension:,} dimensions), and "
                f"{model.name!r} has {fingerprint(model)} ({model.dimension or 0:,}). Nothing was added."
            )
        self._engine.attach(self._id, add=[as_attachment(kept)])
        return kept

    def export(self, name: str, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write a transform to a file, which `load` reads: an npz archive of plain arrays.

        Args:
            name: Which one.
            path: The file.
            overwrite: Whether to replace one that is there.

        Returns:
            The file.

        Raises:
            NotFoundError: there is none of that name.
            InvalidArgumentError: there is a file already, or it cannot be written.
        """
        file = Path(path)
        write_file(file, self[name], overwrite=overwrite)
        return file

    def load(self, path: str | os.PathLike[str]) -> Transform:
        """Add the transform of a file that `export` wrote.

        Raises:
            InvalidArgumentError: it holds none, or one for another model.
            UniqueConstraintError: the name is taken.
        """
        return self.add(read_file(Path(path)))

    @property
    def live(self) -> Transform | None:
        """The transform that queries go through; None where they go through none."""
        return self._collection._chosen.live()

    def get(self, name: str, default: Transform | None = None) -> Transform | None:
        """Give a transform by name, or something else where there is none."""
        found = self._engine.attachment(self._id, KIND, name) if isinstance(name, str) else None
        return default if found is None else read_stored(found)

    def __getitem__(self, name: str) -> Transform:
        return named(self._engine, self._id, name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._is_there(name)

    def __len__(self) -> int:
        return len(self._engine.attachments(self._id, KIND))

    def __bool__(self) -> bool:
        return True  # it is there, also while it is empty

    def __iter__(self) -> Iterator[Transform]:
        return iter([read_stored(found) for found in self._engine.attachments(self._id, KIND)])

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a transform."""
        return data_frame(self._rows(), _COLUMNS)

    def __repr__(self) -> str:
        try:
            rows = self._rows()
        except ChromalabError as error:  # deleted, or its client closed: a repr still has to show
            return f"Transforms({error})"
        return "\n".join([self._heading(rows), *([text_table(_COLUMNS, rows)] if rows else [])])

    def _repr_html_(self) -> str:
        try:
            rows = self._rows()
        except ChromalabError as error:
            return html_table([], [], caption=f"Transforms({error})")
        return html_table(_COLUMNS, rows, caption=self._heading(rows))

    def _heading(self, rows: list[list[Any]]) -> str:
        live = next((row[0] for row in rows if row[1]), None)
        through = "through none" if live is None else f"through {live!r}"
        count = f"{len(rows):,} transform{'' if len(rows) == 1 else 's'}"
        return f"{printable(self._collection.name)}: {count}; queries go {through}"

    def _rows(self) -> list[list[Any]]:
        live = self._live_or_new().transform
        model = self._engine.get_collection_by_id(self._id)
        rows: list[list[Any]] = []
        for kept in self._engine.attachments(self._id, KIND):
            try:
                transform = read_stored(kept)
            except InternalError:
                rows.append([kept.name, "", *[None] * 6, "damaged: remove() it"])
                continue
            retired = why_retired(transform, model)
            is_live = transform.name == live and retired is None
            state = self._state(transform, live=is_live)
            rows.append(
                [
                    transform.name,
                    "*" if is_live else "",
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

    def _state(self, transform: Transform, *, live: bool) -> str:
        wish = self._wish()
        if live:
            if transform.lens is None:
                return "live"
            found = self._engine.indexing(self._id, transform.lens)
            share = found.indexed / found.total if found.total else 1.0
            return "live" if share == 1 else f"live, indexing {100 * share:.0f} %"
        if wish is None or wish.name != transform.name:
            return ""
        if wish.failure:
            return f"could not be prepared ({wish.failure})"
        return f"indexing {100 * wish.share:.0f} %"


def _gain(transform: Transform) -> str | None:
    """Say what it gained when it was evaluated."""
    gain, error, metric = (transform.evaluation.get(n) for n in ("gain", "gain_se", "metric"))
    if not isinstance(gain, float):  # not of whole numbers, which may be too large to be written so
        return None
    spread = f" ± {error:.3f}" if isinstance(error, float) else ""
    return f"{gain:+.3f}{spread} {metric or ''}".rstrip()
