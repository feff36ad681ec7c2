"""`project`: a map of a collection."""

from __future__ import annotations

from typing import Any

from chromalab.analytics.project.mapping import map_of
from chromalab.analytics.project.optimizing import OnFrame
from chromalab.analytics.project.options import Options
from chromalab.analytics.project.projection import Projection
from chromalab.snapshot import Snapshot

__all__ = ["project"]


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

    All methods but pca start from the stored neighbour graph, and from principal components. An
    interrupt (Ctrl-C, or the stop button) while they run returns the map as it is then.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        method: "umap" (McInnes, Healy & Melville 2018), "tsne" (van der Maaten & Hinton 2008; by
            openTSNE), "pacmap" (Wang et al. 2021): these need `pip install "chromalab[maps]"`.
            "pca" needs nothing more and takes no time, but mixes up what lies in more dimensions.
        dims: 2 or 3.
        n_neighbors: For umap and pacmap, how many neighbours hold a record: more show more of the
            whole and less of the detail. As in umap-learn, umap counts the record itself.
        min_dist: For umap, how close records may lie.
        perplexity: For tsne, how many neighbours count. Above 10 a wider graph is made: three
            times as many neighbours are needed.
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
    options = Options(
        method=method,
        dims=dims,
        n_neighbors=n_neighbors,
        min_dist=min_dist,
        perplexity=perplexity,
        epochs=epochs,
        align_to=align_to,
        random_state=random_state,
    )
    from chromalab.analytics.graph import graph_of

    snapshot = Snapshot.of(data)
    graph = graph_of(snapshot, k=options.k, random_state=random_state, progress=progress)
    return map_of(snapshot, graph, options, progress=progress, on_frame=on_frame)
