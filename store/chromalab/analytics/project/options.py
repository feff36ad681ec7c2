"""What may be asked of a map, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chromalab.analytics.project.projection import Projection
from chromalab.errors import InvalidArgumentError, near, short

__all__ = ["Options"]

_EPOCHS = {"umap": 100, "tsne": 750, "pacmap": 450, "pca": 0}
"""umap: measured, see umap_layout; tsne: openTSNE's 250 + 500; pacmap: its 100 + 100 + 250."""

_STORED = 30  # neighbours the graph has anyhow


@dataclass(frozen=True)
class Options:
    """The arguments of `project`, as it describes them.

    Raises:
        InvalidArgumentError: one of them cannot be used.

    Example:
        >>> Options(method="umap").total
        100
    """

    method: str = "umap"
    dims: int = 2
    n_neighbors: int = 15
    min_dist: float = 0.1
    perplexity: float = 10.0
    epochs: int | None = None
    align_to: Projection | None = None
    random_state: int = 0

    def __post_init__(self) -> None:
        if self.method not in list(_EPOCHS):  # a list is no key, and no method
            known = near(str(self.method), _EPOCHS, what="Methods")
            raise InvalidArgumentError(f"No method {short(self.method)}. {known}")
        _whole("dims", self.dims, 2, 3)
        _whole("n_neighbors", self.n_neighbors, 2, 500)
        _whole("random_state", self.random_state, 0, 2**32 - 1)
        if self.epochs is not None:
            _whole("epochs", self.epochs, 1, 1_000_000)
        _number("min_dist", self.min_dist, 0.0, 0.99)
        _number("perplexity", self.perplexity, 1.0, 500.0)
        if self.align_to is not None and not isinstance(self.align_to, Projection):
            raise InvalidArgumentError(
                f"align_to takes an earlier Projection; found {short(self.align_to)}."
            )
        if self.align_to is not None and self.align_to.dims != self.dims:
            raise InvalidArgumentError(
                f"align_to has {self.align_to.dims} dimensions: pass dims={self.align_to.dims}."
            )

    @property
    def total(self) -> int:
        """How many epochs are to be run."""
        if self.method == "pca":
            return 0
        return _EPOCHS[self.method] if self.epochs is None else self.epochs

    @property
    def k(self) -> int:
        """How many neighbours the graph must have."""
        needed = 3 * self.perplexity if self.method == "tsne" else self.n_neighbors
        return max(_STORED, int(needed + 0.999))

    def parameters(self, epochs: int) -> dict[str, Any]:
        """Return those that made the map, with the epochs that were run."""
        earlier = self.align_to
        by_method: dict[str, dict[str, Any]] = {
            "umap": {"n_neighbors": self.n_neighbors, "min_dist": self.min_dist},
            "tsne": {"perplexity": self.perplexity},
            "pacmap": {"n_neighbors": self.n_neighbors},
        }
        ran = {} if self.method == "pca" else {"epochs": epochs}
        aligned = {} if earlier is None else {"aligned_to": earlier.version or earlier.method}
        return {
            "method": self.method,
            "dims": self.dims,
            **by_method.get(self.method, {}),
            **ran,
            **aligned,
            "random_state": self.random_state,
        }


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidArgumentError(
            f"{name} takes a whole number from {low:,} to {high:,}; found {short(value)}."
        )


def _number(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidArgumentError(
            f"{name} takes a number from {low:g} to {high:g}; found {short(value)}."
        )
