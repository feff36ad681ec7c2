"""`project`: makes a map from the neighbor graph: start, layout, alignment, quality."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.analysis import analysis
from chromalab.analytics.graph import NeighborGraph, graph_of
from chromalab.analytics.project.affinities import fuzzy_graph, joint_probabilities
from chromalab.analytics.project.alignment import SimilarityTransform, procrustes, shared_rows
from chromalab.analytics.project.initialization import (
    interpolated,
    smoothed,
    with_isolated_nodes,
)
from chromalab.analytics.project.layouts import (
    pacmap_epochs,
    pacmap_start,
    tsne_epochs,
    tsne_start,
    umap_epochs,
    umap_start,
)
from chromalab.analytics.project.pca import Components, principal_components, unit_vectors
from chromalab.analytics.project.projection import Projection
from chromalab.analytics.project.quality import measure_quality
from chromalab.arguments.values import check_integer, check_number, check_random_state
from chromalab.errors import InvalidArgumentError, near, notice, short
from chromalab.results.progress import bar
from chromalab.snapshot import Snapshot
from chromalab.types import Where

__all__ = ["METHODS", "MapOptions", "Method", "OnFrame", "make_map", "project"]

Method = Literal["umap", "tsne", "pacmap", "pca"]
METHODS: tuple[Method, ...] = get_args(Method)
"""The methods of `project`."""

OnFrame = Callable[[NDArray[np.float32], int, int], object]
"""Takes (n, dims) coordinates, the number of epochs done, and the total."""

_EPOCHS = {"umap": 100, "tsne": 750, "pacmap": 450, "pca": 0}
"""For umap as measured, see layouts.py; for tsne openTSNE's 250 + 500; for pacmap its 100 + 100 + 250."""

_USED_BY: dict[str, tuple[Method, ...]] = {
    "n_neighbors": ("umap", "pacmap"),
    "min_dist": ("umap",),
    "perplexity": ("tsne",),
    "epochs": ("umap", "tsne", "pacmap"),
}
"""The options that only some methods use."""

_GRAPH_K = 30  # neighbors that the graph has in any case
_MIN_NODES = 4  # linked nodes; with fewer there is nothing to lay out
_ALIGNED_ALPHA = 0.3  # the first step of UMAP from an earlier map, so that well-placed records stay
_PACMAP_DIMENSION = 100  # PaCMAP itself reduces vectors to this dimension before it samples pairs
_FRAMES = 20  # per run


@analysis(Projection, warms_maps=False)
def project(
    data: Any,
    method: Method = "umap",
    *,
    dims: int = 2,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    perplexity: float = 10.0,
    epochs: int | None = None,
    align_to: Projection | None = None,
    on_frame: OnFrame | None = None,
    where: Where | None = None,
    into: str | None = None,
    random_state: int = 0,
    progress: bool = True,
) -> Projection:
    """Make a map of records, on which similar records lie near each other.

    All methods but PCA start from the stored neighbor graph and from principal components. If they are
    interrupted (Ctrl-C, or the stop button), the map is returned as it is then.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        method: Projection method: "umap", "tsne", "pacmap" or "pca". UMAP: McInnes, Healy & Melville
            2018. t-SNE (van der Maaten & Hinton 2008) needs `pip install openTSNE`, and PaCMAP (Wang et
            al. 2021) `pip install pacmap`. PCA takes no time, but it mixes up records that differ only in
            further dimensions.
        dims: Number of dimensions, 2 or 3.
        n_neighbors: For UMAP and PaCMAP, how many neighbors attract a record. More of them show more of
            the global structure and less detail. As in umap-learn, UMAP counts the record itself.
        min_dist: For UMAP, the smallest distance between records on the map.
        perplexity: For t-SNE, roughly how many neighbors count. Above 10, a larger graph is built, because
            three times as many neighbors are needed.
        epochs: Number of epochs; by default 100 for UMAP, 750 for t-SNE and 450 for PaCMAP.
        align_to: An earlier map whose records stay as close to their coordinates as possible.
        on_frame: A function that is called with read-only coordinates (n, dims), the number of epochs done
            and the total: before the first epoch, and then twenty times. If it raises KeyboardInterrupt,
            the map is returned as it is then. It is not called if the map is cached.
        where: Analyze only the records that match this filter.
        into: Write the coordinates to metadata fields with this prefix: `_x`, `_y`, `_z`.
        random_state: Seed. The same seed and data give the same map, bit for bit.
        progress: Show a progress bar with the remaining time.

    Returns:
        The coordinates, with measures of how far they can be trusted.

    Raises:
        InvalidArgumentError: An argument is invalid.
        MissingDependencyError: The package of the method is not installed.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b", "c"], embeddings=[[1, 0, 0], [1, 0.1, 0], [0, 1, 0]])
        >>> found = points.project("pca")
        >>> found.coordinates.shape, found.neighbor_recall
        ((3, 2), 1.0)
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
    snapshot: Snapshot = data
    graph = graph_of(snapshot, k=options.k, random_state=random_state, progress=progress)
    return make_map(snapshot, graph, options, progress=progress, on_frame=on_frame)


@dataclass(frozen=True)
class MapOptions:
    """The options of `project`, where they are described.

    Raises:
        InvalidArgumentError: One of them is invalid.

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
        if self.method not in METHODS:
            hint = near(str(self.method), METHODS, what="Methods")
            raise InvalidArgumentError(f"No method {short(self.method)}. {hint}")
        check_integer("dims", self.dims, 2, 3)
        check_integer("n_neighbors", self.n_neighbors, 2, 500)
        check_random_state(self.random_state)
        if self.epochs is not None:
            check_integer("epochs", self.epochs, 1, 1_000_000)
        check_number("min_dist", self.min_dist, 0, 0.99)
        check_number("perplexity", self.perplexity, 1, 500)
        for name, methods in _USED_BY.items():
            default = type(self).__dataclass_fields__[name].default
            if getattr(self, name) != default and self.method not in methods:
                known = " or ".join(map(repr, methods))
                raise InvalidArgumentError(
                    f"{name} needs the method {known}; got {short(self.method)}. Leave {name} out."
                )
        earlier = self.align_to
        if earlier is not None and not isinstance(earlier, Projection):
            raise InvalidArgumentError(
                f"align_to must be an earlier Projection; got {short(earlier)}."
            )
        if earlier is not None and earlier.dims != self.dims:
            raise InvalidArgumentError(
                f"align_to must have as many dimensions as the new map; got {earlier.dims} and "
                f"{self.dims}. Pass dims={earlier.dims}."
            )

    @property
    def total(self) -> int:
        """The number of epochs to run."""
        if self.method == "pca":
            return 0
        return _EPOCHS[self.method] if self.epochs is None else self.epochs

    @property
    def k(self) -> int:
        """The number of neighbors that the graph needs."""
        needed = 3 * self.perplexity if self.method == "tsne" else self.n_neighbors
        return max(_GRAPH_K, int(needed + 0.999))

    def parameters(self, epochs: int) -> dict[str, Any]:
        """Return the options that the map depends on, with the epochs that were run."""
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


def make_map(
    snapshot: Snapshot,
    graph: NeighborGraph,
    options: MapOptions,
    *,
    progress: bool = False,
    on_frame: OnFrame | None = None,
) -> Projection:
    """Make a map with the given options; see `project`."""
    run = _Run(snapshot, graph, options)
    linear = None
    if options.method == "pca":
        linear = principal_components(snapshot.vectors, options.dims)
        at, done, interrupted = linear.project(snapshot.vectors)[graph.representative], 0, False
    else:
        start = run.start()

        def frame(linked: NDArray[np.float32], done: int) -> None:
            if on_frame is not None:
                on_frame(_read_only(run.finish(linked)), done, options.total)

        linked, done, interrupted = _run_epochs(
            run.epochs(start),
            start,
            options.total,
            what=options.method,
            progress=progress,
            frame=None if on_frame is None else frame,
        )
        at = with_isolated_nodes(linked, run.linked)
    transform = run.alignment(at)
    at = transform(at)
    if linear is not None:
        linear = _transformed(linear, transform)
    vectors = unit_vectors(snapshot.vectors[graph.representative])
    coordinates = _read_only(at[graph.node])
    if on_frame is not None and not interrupted:  # if interrupted, this frame was already shown
        on_frame(coordinates, done, options.total)
    quality = measure_quality(graph, vectors, at, random_state=options.random_state)
    return Projection(
        snapshot=snapshot,
        parameters=options.parameters(done),
        recall=graph.recall,
        method=options.method,
        coordinates=coordinates,
        trustworthiness=quality.trustworthiness,
        neighbor_recall=quality.neighbor_recall,
        sampled=quality.sampled,
        local_trustworthiness=quality.local_trustworthiness[graph.node],
        neighbor_recalls=quality.neighbor_recalls[graph.node],
        explained=() if linear is None else linear.explained,
        axes=np.empty((0, 0), dtype=np.float32) if linear is None else linear.axes,
        offset=np.empty(0, dtype=np.float32) if linear is None else linear.offset,
        interrupted=interrupted,
    )


@dataclass(frozen=True, eq=False)
class _Run:
    """What the steps of making a map share: arrays over nodes, or over the nodes that are linked."""

    snapshot: Snapshot
    graph: NeighborGraph
    options: MapOptions

    @cached_property
    def linked(self) -> NDArray[np.bool_]:
        """(m,) whether each node has a neighbor, or is the neighbor of another node."""
        near = self.graph.neighbors
        linked = np.zeros(len(near), dtype=np.bool_)
        linked[(near >= 0).any(axis=1)] = True
        linked[near[near >= 0]] = True
        return linked

    @cached_property
    def neighbors(self) -> NDArray[np.int32]:
        """(l, k) neighbors of the linked nodes, numbered among the linked nodes."""
        number = np.append(np.cumsum(self.linked) - 1, -1).astype(np.int32)
        return number[self.graph.neighbors[self.linked]]

    @cached_property
    def distances(self) -> NDArray[np.float32]:
        """(l, k) distances of these neighbors."""
        return self.graph.distances[self.linked]

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """(l, dimension) vectors of the linked nodes, of unit length."""
        return unit_vectors(self.snapshot.vectors[self.graph.representative[self.linked]])

    @cached_property
    def weights(self) -> Any:
        """The weighted graph of UMAP, which counts the node itself among its n_neighbors."""
        k = self.options.n_neighbors - 1
        return fuzzy_graph(self.neighbors[:, :k], self.distances[:, :k])

    @cached_property
    def shared(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows, here and there, of the records that are on the earlier map too."""
        earlier = self.options.align_to
        if earlier is None:
            return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
        here, there = shared_rows(self.snapshot.ids, earlier.snapshot.ids)
        if not len(here):
            notice("align_to shares no record with this data: the map was made without it.")
        return here, there

    @property
    def refines(self) -> bool:
        """Whether the start is a map by the same method, which only needs to be refined."""
        earlier = self.options.align_to
        same = earlier is not None and earlier.method == self.options.method
        return same and len(self.shared[0]) > 0

    def start(self) -> NDArray[np.float32]:
        """Return (l, dims) coordinates to start from, scaled as the method expects them."""
        options = self.options
        here, there = self.shared
        if len(here) and options.align_to is not None:
            at = self._earlier_coordinates(options.align_to, here, there)
            # New nodes may have the same coordinates; a little noise lets them separate.
            noise = np.random.RandomState(options.random_state).normal(size=at.shape)
            at = (at + 1e-3 * float(at.std()) * noise).astype(np.float32)
        else:
            at = principal_components(self.vectors, options.dims).project(self.vectors)
            if options.method == "umap" and len(at) >= _MIN_NODES:
                return umap_start(smoothed(at, self.weights), options.random_state)
        return at

    def epochs(self, start: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Return the epochs of the method; none if there is nothing to lay out."""
        options = self.options
        if len(start) < _MIN_NODES:
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
            reduced = principal_components(reduced, _PACMAP_DIMENSION).project(reduced)
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
        """Turn coordinates of the linked nodes into aligned coordinates of all records."""
        at = with_isolated_nodes(np.asarray(linked, dtype=np.float32), self.linked)
        return self.alignment(at)(at)[self.graph.node]

    def alignment(self, at: NDArray[np.float32]) -> SimilarityTransform:
        """Find the transform onto the earlier map; without one, that which centers the map."""
        here, there = self.shared
        if len(here) and self.options.align_to is not None:
            fixed = self.options.align_to.coordinates[there]
            return procrustes(at[self.graph.node[here]], fixed)
        dims = self.options.dims
        known = at if self.options.method != "pca" else np.zeros((0, dims))
        shift = -known.mean(axis=0, dtype=np.float64) if len(known) else np.zeros(dims)
        return SimilarityTransform(np.eye(dims), shift)

    def _earlier_coordinates(
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


def _run_epochs(
    epochs: Iterator[NDArray[np.float32]],
    start: NDArray[np.float32],
    total: int,
    *,
    what: str,
    progress: bool,
    frame: Callable[[NDArray[np.float32], int], None] | None,
) -> tuple[NDArray[np.float32], int, bool]:
    """Run all epochs; a KeyboardInterrupt ends the run with the coordinates of that moment.

    Args:
        epochs: Yields the coordinates after each epoch.
        start: The coordinates before the first one.
        total: The expected number of epochs.
        what: The text in front of the progress bar.
        progress: Whether to show the bar.
        frame: Called with coordinates and the number of epochs done.

    Returns:
        The coordinates, the number of epochs that were run, and whether the run was interrupted.
    """
    at, done = start, 0
    every = max(1, total // _FRAMES)
    try:
        if frame is not None:
            frame(start, 0)
        with bar(what, "epoch", progress) as on_progress:
            for at in epochs:
                done += 1
                on_progress(done, total)
                if frame is not None and done % every == 0 and done < total:
                    frame(at, done)
    except KeyboardInterrupt:
        notice(
            f"Interrupted after {done:,} of {total:,} epochs: this is the map at that point. Run it again "
            f"for the complete map, or with epochs={max(done, 1)} for one that takes as long as this."
        )
        return np.array(at, dtype=np.float32), done, True
    return np.array(at, dtype=np.float32), done, False


def _transformed(linear: Components, transform: SimilarityTransform) -> Components:
    axes = (transform.matrix.T @ linear.axes).astype(np.float32)
    return replace(linear, axes=axes, offset=transform(linear.offset))


def _read_only(coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
    frozen = np.array(coordinates, dtype=np.float32)
    frozen.flags.writeable = False
    return frozen
