"""Make a map from a neighbour graph: start, layout, alignment, quality."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.graph import NeighborGraph
from chromalab.analytics.project.affinities import fuzzy_graph, joint_probabilities
from chromalab.analytics.project.alignment import Move, procrustes, shared_rows
from chromalab.analytics.project.optimizing import OnFrame, optimize
from chromalab.analytics.project.options import Options
from chromalab.analytics.project.pacmap_layout import pacmap_epochs, pacmap_start
from chromalab.analytics.project.pca import Components, principal_components, unit
from chromalab.analytics.project.projection import Projection
from chromalab.analytics.project.quality import measure
from chromalab.analytics.project.starting import carried, on_the_rim, smoothed
from chromalab.analytics.project.tsne_layout import tsne_epochs, tsne_start
from chromalab.analytics.project.umap_layout import umap_epochs, umap_start
from chromalab.errors import notice
from chromalab.snapshot import Snapshot

__all__ = ["map_of"]

_FEWEST = 4  # linked nodes: with fewer there is nothing to lay out
_ALIGNED_ALPHA = 0.3  # umap's first step from an earlier map: what is well placed stays
_PACMAP_DIMENSION = 100  # pacmap's own reduction before it draws pairs


def map_of(
    snapshot: Snapshot,
    graph: NeighborGraph,
    options: Options,
    *,
    progress: bool = False,
    on_frame: OnFrame | None = None,
) -> Projection:
    """Make the map that `options` ask for; see `project`."""
    making = _Making(snapshot, graph, options)
    linear = None
    if options.method == "pca":
        linear = principal_components(snapshot.vectors, options.dims)
        at, done, interrupted = linear.place(snapshot.vectors)[graph.representative], 0, False
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
        at = on_the_rim(linked, making.linked)
    move = making.move(at)
    at = move(at)
    if linear is not None:
        linear = _moved(linear, move)
    vectors = unit(snapshot.vectors[graph.representative])
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
        recall15=quality.recalls[graph.node],
        explained=() if linear is None else linear.explained,
        axes=np.empty((0, 0), dtype=np.float32) if linear is None else linear.axes,
        offset=np.empty(0, dtype=np.float32) if linear is None else linear.offset,
        interrupted=interrupted,
    )


@dataclass(frozen=True, eq=False)
class _Making:
    """What the steps of making a map share: arrays over nodes, or over those that are linked."""

    snapshot: Snapshot
    graph: NeighborGraph
    options: Options

    @cached_property
    def linked(self) -> NDArray[np.bool_]:
        """(m,) the nodes that have a neighbour, or are one."""
        near = self.graph.neighbors
        linked = np.zeros(len(near), dtype=np.bool_)
        linked[(near >= 0).any(axis=1)] = True
        linked[near[near >= 0]] = True
        return linked

    @cached_property
    def neighbors(self) -> NDArray[np.int32]:
        """(l, k) neighbours of linked nodes, numbered among those."""
        number = np.append(np.cumsum(self.linked) - 1, -1).astype(np.int32)
        return number[self.graph.neighbors[self.linked]]

    @cached_property
    def distances(self) -> NDArray[np.float32]:
        """(l, k) their distances."""
        return self.graph.distances[self.linked]

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """(l, dimension) vectors of linked nodes, of length one."""
        return unit(self.snapshot.vectors[self.graph.representative[self.linked]])

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
        at = on_the_rim(np.asarray(linked, dtype=np.float32), self.linked)
        return self.move(at)(at)[self.graph.node]

    def move(self, at: NDArray[np.float32]) -> Move:
        """Find the move onto the earlier map, or into the middle where there is none."""
        here, there = self.shared
        if len(here) and self.options.align_to is not None:
            fixed = self.options.align_to.coordinates[there]
            return procrustes(at[self.graph.node[here]], fixed)
        dims = self.options.dims
        known = at if self.options.method != "pca" else np.zeros((0, dims))
        shift = -known.mean(axis=0, dtype=np.float64) if len(known) else np.zeros(dims)
        return Move(np.eye(dims), shift)

    def _earlier(
        self, earlier: Projection, here: NDArray[np.intp], there: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        nodes = self.graph.node[here]
        known = np.zeros((len(self.graph), self.options.dims))
        np.add.at(known, nodes, earlier.coordinates[there])
        counts = np.bincount(nodes, minlength=len(self.graph)).astype(np.float64)
        known[counts == 0] = np.nan
        known /= np.maximum(counts, 1)[:, None]
        at = carried(known[self.linked], self.neighbors)
        if self.options.method == "umap" and earlier.method != "umap":
            reach = float(np.abs(at - at.mean(axis=0)).max(initial=0.0))
            at = at * np.float32(5.0 / reach) if reach > 0 else at
        return at


def _moved(linear: Components, move: Move) -> Components:
    axes = (move.matrix.T @ linear.axes).astype(np.float32)
    return replace(linear, axes=axes, offset=move(linear.offset))


def _read_only(coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
    held = np.array(coordinates, dtype=np.float32)
    held.flags.writeable = False
    return held
