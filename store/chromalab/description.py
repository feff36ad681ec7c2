"""A step on the way: the bases of `Collection` are replaced by `Handle`."""

from __future__ import annotations

from typing import Any

from chromalab.engine import Engine
from chromalab.handle import Handle

__all__ = ["Described"]


class Described(Handle):
    """`Handle` under the names that the bases of `Collection` still use."""

    @property
    def _engine(self) -> Engine:
        return self.engine

    def _function(self) -> Any:
        return self.embedding_function()

    def _existing(self, ids: Any) -> set[str]:
        return self.existing(ids)
