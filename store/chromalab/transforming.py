"""A step on the way: `Collection` takes these from the rooms itself."""

from __future__ import annotations

from typing import Any

from chromalab.description import Described
from chromalab.engine.interface import Vectors
from chromalab.engine.lens import Lens
from chromalab.handle import Room
from chromalab.transforms import ActiveTransform, Transform, Transforms

__all__ = ["Transformed"]


class Transformed(Described):
    """`transforms`, and what a query does with the active one."""

    transforms = Room(Transforms)

    def _through(self, queries: Vectors, asked: Any) -> tuple[Vectors, Lens | None]:
        transform = self._chosen.of(asked)
        if transform is None:
            return queries, None
        return transform.queries(queries), transform.record_transform

    def _live_lens(self) -> Lens | None:
        transform = self._live_transform()
        return None if transform is None else transform.record_transform

    def _live_transform(self) -> Transform | None:
        return self._chosen.current()

    @property
    def _chosen(self) -> ActiveTransform:
        return self.room(ActiveTransform)
