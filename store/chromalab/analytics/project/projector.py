"""`project`: a map of a collection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph import Graph, graph_of
from chromalab.analytics.project.affinities import fuzzy_graph, joint_probabilities
from chromalab.analytics.project.alignment import SimilarityTransform, procrustes, shared_rows
from chromalab.analytics.project.initialization import interpolated, with_isolated_nodes, smoothed
from chromalab.analytics.project.layouts import (
    pacmap_epochs,
    pacmap_start,
    tsne_epochs,
    tsne_start,
    umap_epochs,
    umap_start,
)
from chromalab.analytics.project.pca import Components, principal_components, unit
from chromalab.analytics.project.projection import Projection
from chromalab.analytics.project.quality import measure
from chromalab.errors import InvalidArgumentError, near, notice, short
from chromalab.results.progress import bar
from chromalab.snapshot import Snapshot

__all__ = ["OnFrame", "Optimized", "MapOptions", "make_map", "optimize", "project"]


def project(
    data: Any,
    *,
    method: str = "umap",
    dims: int = 2,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    perplexity: float = 10.0,
    epochs: int | None = None,
    align_to: Projection | None = None,
    random_state: int = 0,
    progress: bool = False,
    on_frame: OnFrame | None = None,
) -> Projection:
    """Draw a map of records: like ones lie near each other.

    All methods but pca start from the stored neighbor graph, and from principal components. An
    interrupt (Ctrl-C, or the stop button) while they run returns the map as it is then.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        method: "umap" (McInnes, Healy & Melville 2018), "tsne" (van der Maaten & Hinton 2008; by
            openTSNE), "pacmap" (Wang et al. 2021): these need `pip install "chromalab[maps]"`.
            "pca" needs nothing more and takes no time, but mixes up what lies in more dimensions.
        dims: 2 or 3.
        n_neighbors: For umap and pacmap, how many neighbors hold a record: more show more of the
            whole and less of the detail. As in umap-learn, umap counts the record itself.
        min_dist: For umap, how close records may lie.
        perplexity: For tsne, how many neighbors count. Above 10 a wider graph is made: three
            times as many neighbors are needed.
        epochs: How long to improve the map: 100 for umap, 750 for tsne, 450 for pacmap if None.
        align_to: An earlier map, whose records are kept where they were as far as can be.
        random_state: The same seed and data give the same map, bit for bit.
        progress: Whether to show a bar with the time that is left.
        on_frame: Is called with coordinates (n, dims) that cannot be written to, how many epochs
            are done, and of how many: first before the first epoch, then twenty times. Where it
            raises KeyboardInterrupt, the map is returned as it is then.

    Raises:
        InvalidArgumentError: an argument cannot be used.
        MissingDependencyError: the package of the method is not installed.

    Example:
        >>> import numpy as np
        >>> project(np.eye(4), method="pca").neighbor_recall
        1.0
    """
    options = MapOptions(
        method=method,
        dims=dims,
        n_neighbors=n_neighbors,
        min_dist=min_dist,
        perplexity=perplexity,
        epochs=epochs,
        align_to=align_to,
        random_state=random_state,
    )
    snapshot = Snapshot.of(data)
    graph = graph_of(snapshot, k=options.k, random_state=random_state, progress=progress)
    return make_map(snapshot, graph, options, progress=progress, on_frame=on_frame)


_EPOCHS = {"umap": 100, "tsne": 750, "pacmap": 450, "pca": 0}
"""umap: measured, see umap_layout; tsne: openTSNE's 250 + 500; pacmap: its 100 + 100 + 250."""

_STORED = 30  # neighbors the graph has anyhow


@dataclass(frozen=True)
class MapOptions:
    """The arguments of `project`, as it describes them.

    Raises:
        InvalidArgumentError: one of them cannot be used.

    Example:
        >>> MapOptions(method="umap").total
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
                f"align_to takes an earlier Projection; got {short(self.align_to)}."
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
        """How many neighbors the graph must have."""
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
            f"{name} takes a whole number from {low:,} to {high:,}; got {short(value)}."
        )


def _number(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidArgumentError(
            f"{name} takes a number from {low:g} to {high:g}; got {short(value)}."
        )


_FEWEST = 4  # linked nodes: with fewer there is nothing to lay out
_ALIGNED_ALPHA = 0.3  # umap's first step from an earlier map: what is well placed stays
_PACMAP_DIMENSION = 100  # pacmap's own reduction before it draws pairs


def make_map(
    snapshot: Snapshot,
    graph: Graph,
    options: MapOptions,
    *,
    progress: bool = False,
    on_frame: OnFrame | None = None,
) -> Projection:
    """Make the map that `options` ask for; see `project`."""
    making = _Making(snapshot, graph, options)
    linear = None
    if options.method == "pca":
        linear = principal_components(snapshot.vectors, options.dims)
        at, done, interrupted = linear.place(snapshot.vectors)[graph.first], 0, False
    else:
        start = making.start()
        if on_frame is not None:
            on_frame(_read_only(making.finish(start)), 0, options.total)

        def frame(linked: NDArray[np.float32], done: int) -> None:
            if on_frame is not None:
                on_frame(_read_only(making.finish(linked)), done, options.total)

        linked, done, interrupted = optimize(
            making.steps(start),
            start,
            options.total,
            what=options.method,
            progress=progress,
            frame=None if on_frame is None else frame,
        )
        at = with_isolated_nodes(linked, making.linked)
    move = making.move(at)
    at = move(at)
    if linear is not None:
        linear = _moved(linear, move)
    vectors = unit(snapshot.vectors[graph.first])
    coordinates = _read_only(at[graph.node])
    if on_frame is not None and not interrupted:  # who stopped it has seen it, and would again
        on_frame(coordinates, done, options.total)
    quality = measure(graph, vectors, at, random_state=options.random_state)
    return Projection(
        snapshot=snapshot,
        parameters=options.parameters(done),
        recall=graph.recall,
        method=options.method,
        coordinates=coordinates,
        trustworthiness=quality.trustworthiness,
        neighbor_recall=quality.recall,
        sampled=quality.sampled,
        trust=quality.trusts[graph.node],
        neighbor_recalls=quality.recalls[graph.node],
        explained=() if linear is None else linear.explained,
        axes=np.empty((0, 0), dtype=np.float32) if linear is None else linear.axes,
        offset=np.empty(0, dtype=np.float32) if linear is None else linear.offset,
        interrupted=interrupted,
    )


@dataclass(frozen=True, eq=False)
class _Making:
    """What the steps of making a map share: arrays over nodes, or over those that are linked."""

    snapshot: Snapshot
    graph: Graph
    options: MapOptions

    @cached_property
    def linked(self) -> NDArray[np.bool_]:
        """(m,) the nodes that have a neighbor, or are one."""
        near = self.graph.neighbors
        linked = np.zeros(len(near), dtype=np.bool_)
        linked[(near >= 0).any(axis=1)] = True
        linked[near[near >= 0]] = True
        return linked

    @cached_property
    def neighbors(self) -> NDArray[np.int32]:
        """(l, k) neighbors of linked nodes, numbered among those."""
        number = np.append(np.cumsum(self.linked) - 1, -1).astype(np.int32)
        return number[self.graph.neighbors[self.linked]]

    @cached_property
    def distances(self) -> NDArray[np.float32]:
        """(l, k) their distances."""
        return self.graph.distances[self.linked]

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """(l, dimension) vectors of linked nodes, of length one."""
        return unit(self.snapshot.vectors[self.graph.first[self.linked]])

    @cached_property
    def weights(self) -> object:
        """UMAP's weights: it counts the node itself among its n_neighbors."""
        k = self.options.n_neighbors - 1
        return fuzzy_graph(self.neighbors[:, :k], self.distances[:, :k])

    @cached_property
    def shared(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows of the records that are on the earlier map too, here and there."""
        earlier = self.options.align_to
        if earlier is None:
            return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
        here, there = shared_rows(self.snapshot.ids, earlier.snapshot.ids)
        if not len(here):
            notice("align_to shares no record with this data: the map was made without it.")
        return here, there

    @property
    def refines(self) -> bool:
        """Whether it starts from a map by the same method, which is only to be made better."""
        earlier = self.options.align_to
        same = earlier is not None and earlier.method == self.options.method
        return same and len(self.shared[0]) > 0

    def start(self) -> NDArray[np.float32]:
        """Return (l, dims) coordinates to start from, as the method wants them scaled."""
        options = self.options
        here, there = self.shared
        if len(here) and options.align_to is not None:
            at = self._earlier(options.align_to, here, there)
            # new ones may have been sent to the same place: apart, they can part
            draw = np.random.RandomState(options.random_state).normal(size=at.shape)
            at = (at + 1e-3 * float(at.std()) * draw).astype(np.float32)
        else:
            at = principal_components(self.vectors, options.dims).place(self.vectors)
            if options.method == "umap" and len(at) >= _FEWEST:
                return umap_start(smoothed(at, self.weights), options.random_state)
        return at

    def steps(self, start: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Return the method's steps; none where there is nothing to lay out."""
        options = self.options
        if len(start) < _FEWEST:
            return iter(())
        if options.method == "umap":
            return umap_epochs(
                self.weights,
                start,
                epochs=options.total,
                min_dist=options.min_dist,
                random_state=options.random_state,
                alpha=_ALIGNED_ALPHA if self.refines else 1.0,
            )
        if options.method == "tsne":
            joint = joint_probabilities(self.neighbors, self.distances, options.perplexity)
            return tsne_epochs(
                joint,
                start if self.refines else tsne_start(start, options.random_state),
                epochs=options.total,
                refines=self.refines,
            )
        reduced = self.vectors
        if reduced.shape[1] > _PACMAP_DIMENSION:
            reduced = principal_components(reduced, _PACMAP_DIMENSION).place(reduced)
        return pacmap_epochs(
            reduced,
            self.neighbors,
            self.distances,
            start if self.refines else pacmap_start(start),
            refines=self.refines,
            near=options.n_neighbors,
            epochs=options.total,
            random_state=options.random_state,
        )

    def finish(self, linked: NDArray[np.float32]) -> NDArray[np.float32]:
        """Make coordinates of all records of those of the linked nodes."""
        at = with_isolated_nodes(np.asarray(linked, dtype=np.float32), self.linked)
        return self.move(at)(at)[self.graph.node]

    def move(self, at: NDArray[np.float32]) -> SimilarityTransform:
        """Find the move onto the earlier map, or into the middle where there is none."""
        here, there = self.shared
        if len(here) and self.options.align_to is not None:
            fixed = self.options.align_to.coordinates[there]
            return procrustes(at[self.graph.node[here]], fixed)
        dims = self.options.dims
        known = at if self.options.method != "pca" else np.zeros((0, dims))
        shift = -known.mean(axis=0, dtype=np.float64) if len(known) else np.zeros(dims)
        return SimilarityTransform(np.eye(dims), shift)

    def _earlier(
        self, earlier: Projection, here: NDArray[np.intp], there: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        nodes = self.graph.node[here]
        known = np.zeros((len(self.graph), self.options.dims))
        np.add.at(known, nodes, earlier.coordinates[there])
        counts = np.bincount(nodes, minlength=len(self.graph)).astype(np.float64)
        known[counts == 0] = np.nan
        known /= np.maximum(counts, 1)[:, None]
        at = interpolated(known[self.linked], self.neighbors)
        if self.options.method == "umap" and earlier.method != "umap":
            reach = float(np.abs(at - at.mean(axis=0)).max(initial=0.0))
            at = at * np.float32(5.0 / reach) if reach > 0 else at
        return at


def _moved(linear: Components, move: SimilarityTransform) -> Components:
    axes = (move.matrix.T @ linear.axes).astype(np.float32)
    return replace(linear, axes=axes, offset=move(linear.offset))


def _read_only(coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
    held = np.array(coordinates, dtype=np.float32)
    held.flags.writeable = False
    return held


OnFrame = Callable[[NDArray[np.float32], int, int], object]
"""Takes (n, dims) coordinates, how many epochs are done, and of how many."""

_FRAMES = 20  # of a whole run

Optimized = tuple[NDArray[np.float32], int, bool]
"""The coordinates, how many epochs were run, whether it was interrupted."""


def optimize(
    steps: Iterator[NDArray[np.float32]],
    start: NDArray[np.float32],
    total: int,
    *,
    what: str,
    progress: bool,
    frame: Callable[[NDArray[np.float32], int], None] | None,
) -> Optimized:
    """Take all steps; a KeyboardInterrupt ends it with what there is.

    Args:
        steps: Gives the coordinates after each step.
        start: What there is before the first.
        total: How many steps are expected.
        what: Stands before the bar.
        progress: Whether to show it.
        frame: Shows coordinates, with how many steps were taken.
    """
    at, done = start, 0
    every = max(1, total // _FRAMES)
    try:
        with bar(what, "epoch", progress) as on_progress:
            for at in steps:
                done += 1
                on_progress(done, total)
                if frame is not None and done % every == 0 and done < total:
                    frame(at, done)
    except KeyboardInterrupt:
        notice(
            f"Interrupted after {done:,} of {total:,} epochs: this is the map as it was then. "
            f"Run it again for the whole, or with epochs={max(done, 1)} for a map this quick."
        )
        return np.array(at, dtype=np.float32), done, True
    return np.array(at, dtype=np.float32), done, False
