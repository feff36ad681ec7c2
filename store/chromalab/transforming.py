"""The part of `Collection` whose queries go through a transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from chromalab.description import Described
from chromalab.engine.values import Vectors
from chromalab.engine.record_transform import RecordTransform
from chromalab.feedback.live import Chosen
from chromalab.feedback.transform import Transform
from chromalab.feedback.transforms import Transforms

if TYPE_CHECKING:
    from chromalab.collection import Collection

__all__ = ["Transformed"]


class Transformed(Described):
    """`transforms`, and what a query does with the live one."""

    @property
    def transforms(self) -> Transforms:
        """The transforms of the collection: learned maps of queries, or of queries and records.

        Example:
            >>> import chromalab
            >>> from chromalab.feedback import Transform
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 1], [3, 4]])
            >>> import numpy as np
            >>> swap = np.array([[0, 1], [1, 0]], dtype=np.float32)
            >>> _ = points.transforms.add(Transform(name="swap", matrix=swap, both=False))
            >>> points.transforms.use("swap")
            points: queries go through 'swap'
            >>> points.query(query_embeddings=[[1, 0]], n_results=1)["ids"]
            [['a']]
        """
        return Transforms(cast("Collection", self))

    def _through(self, queries: Vectors, asked: Any) -> tuple[Vectors, RecordTransform | None]:
        """Map queries as a call asks for; give what the records are to be seen through."""
        transform = self._chosen.of(asked)
        if transform is None:
            return queries, None
        return transform.queries(queries), transform.lens

    def _live_lens(self) -> RecordTransform | None:
        transform = self._live_transform()
        return None if transform is None else transform.lens

    def _live_transform(self) -> Transform | None:
        return self._chosen.live()

    @property
    def _chosen(self) -> Chosen:
        known: Chosen | None = self.__dict__.get("_choosing")
        if known is None:
            known = self.__dict__["_choosing"] = Chosen(self._engine, self.id)
        return known
