"""`dedupe`: the records that are the same, in words or in meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chromalab.analytics.dedupe.candidates import candidates_of
from chromalab.analytics.dedupe.duplicates import Duplicates, duplicates_of
from chromalab.analytics.dedupe.groups import KEEP, Keep
from chromalab.analytics.dedupe.thresholds import FLOOR, suggested
from chromalab.analytics.graph import graph_of
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.progress import bar
from chromalab.snapshot import Snapshot

__all__ = ["METHODS", "dedupe"]

METHODS = ("exact", "near", "semantic")
"""The ways of finding duplicates."""


def dedupe(
    data: Any,
    *,
    methods: Sequence[str] = METHODS,
    threshold: float | None = None,
    jaccard: float | None = None,
    keep: Keep = "oldest",
    random_state: int = 0,
    progress: bool = False,
) -> Duplicates:
    """Find records that are the same: equal texts, near texts, and near vectors.

    Vectors do not see typos, and texts do not show a paraphrase: so a pair counts when any of the
    methods finds it, and says which.

    - "exact": the texts are equal but for case, width, spaces and punctuation.
    - "near": MinHash finds texts that share runs of three characters (Broder, "On the resemblance
      and containment of documents", 1997); their true Jaccard decides.
    - "semantic": the cosine of the vectors, of the neighbour graph's edges.

    Groups are stars: each record is linked to the one that is kept for it, not through a chain of
    others. Nothing is changed until `apply` of the result.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        methods: Which to use. Records without text are compared by their vectors only, and zero
            vectors with none.
        threshold: The least cosine; None for what the similarities themselves suggest.
        jaccard: The least Jaccard, .5 to 1; the same.
        keep: Which record of a group stays: "oldest", "longest" (text), "most_metadata", or a
            function of a list of dicts (id, document, metadata) that returns a place in it.
        random_state: The seed of MinHash and of the graph.
        progress: Whether to show a bar, after a second.

    Returns:
        The pairs with their reasons and scores, the groups, and what to keep.

    Raises:
        InvalidArgumentError: there is no such method or rule, or a threshold is out of its range.

    Example:
        >>> import numpy as np
        >>> found = dedupe(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.01]]))
        >>> found.groups(), found.duplicate_ids
        ([['0', '2']], ['2'])
    """
    methods = _methods(methods)
    if not callable(keep) and keep not in KEEP:
        raise InvalidArgumentError(
            f"keep is one of {', '.join(KEEP)}, or a function; found {short(keep)}."
        )
    if threshold is not None and (
        isinstance(threshold, bool)
        or not isinstance(threshold, int | float)
        or not 0 < threshold <= 1
    ):
        raise InvalidArgumentError(
            f"threshold is a cosine, above 0 and up to 1; found {short(threshold)}."
        )
    snapshot = Snapshot.of(data)
    graph = None
    if "semantic" in methods:
        graph = graph_of(snapshot, random_state=random_state, progress=progress)
    floor = FLOOR if threshold is None else min(FLOOR, float(threshold))
    with bar("texts", "rec", progress) as tell:
        found = candidates_of(
            snapshot, graph, methods, floor=floor, random_state=random_state, tell=tell
        )
    between = found.first[found.left] != found.first[found.right]
    parts = (found.left, found.right, found.cosine, found.jaccard)
    semantic, lexical = suggested(*(part[between] for part in parts), copies=int((~between).sum()))
    parameters = {
        "methods": list(methods),
        "threshold": semantic if threshold is None else threshold,
        "jaccard": lexical if jaccard is None else jaccard,
        "suggested": threshold is None,
        "floor": floor,
        "random_state": random_state,
    }
    recall = 1.0 if graph is None else graph.recall
    return duplicates_of(snapshot, found, parameters, keep, recall=recall)


def _methods(methods: Any) -> tuple[str, ...]:
    asked = (methods,) if isinstance(methods, str) else tuple(methods)
    for method in asked:
        if method not in METHODS:
            known = near(str(method), METHODS, what="Methods")
            raise InvalidArgumentError(f"No method {short(method)}. {known}")
    if not asked:
        raise InvalidArgumentError(f"Give at least one of the methods {', '.join(METHODS)}.")
    return tuple(method for method in METHODS if method in asked)
