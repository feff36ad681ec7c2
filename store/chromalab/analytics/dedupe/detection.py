"""`dedupe`: duplicate detection by text and by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from chromalab.analytics.analysis import analysis
from chromalab.analytics.dedupe.candidates import find_candidates
from chromalab.analytics.dedupe.duplicates import Duplicates, duplicates_of
from chromalab.analytics.dedupe.groups import KEEP, Keep
from chromalab.analytics.dedupe.thresholds import FLOOR, suggest_thresholds
from chromalab.analytics.graph import graph_of
from chromalab.arguments.values import is_number
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.results.progress import bar
from chromalab.snapshot import Snapshot
from chromalab.types import Where

__all__ = ["METHODS", "Method", "dedupe"]

Method = Literal["exact", "near", "semantic"]
METHODS: tuple[Method, ...] = get_args(Method)
"""The methods of `dedupe`."""


@analysis(Duplicates)
def dedupe(
    data: Any,
    *,
    methods: Sequence[Method] = METHODS,
    threshold: float | None = None,
    jaccard: float | None = None,
    keep: Keep = "oldest",
    where: Where | None = None,
    into: str | None = None,
    random_state: int = 0,
    progress: bool = True,
) -> Duplicates:
    """Find duplicate records: equal texts, near-duplicate texts, and near vectors.

    Vectors miss typos, and texts miss paraphrases. So a pair counts as a duplicate if any of the methods
    finds it, and the result says which ones did.

    - "exact": the texts are equal apart from case, width, spaces and punctuation.
    - "near": MinHash finds texts that share three-character substrings (Broder, "On the resemblance and
      containment of documents", 1997), and their exact Jaccard similarity decides.
    - "semantic": the cosine of the vectors, for the edges of the neighbor graph.

    Groups are stars: each record is linked directly to its representative, not through a chain of other
    records. Nothing in the collection changes until `apply` of the result.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        methods: Methods to use. Records without text are compared by their vectors only, and a zero
            vector is compared with nothing.
        threshold: Lowest cosine of a semantic duplicate. By default it is chosen from the similarities
            of the data.
        jaccard: Lowest Jaccard of a near-duplicate text, .5 to 1. By default it is chosen from the
            similarities of the data.
        keep: How the representative of a group is chosen: "oldest", "longest" (text), "most_metadata",
            or a function that takes a list of dicts (id, document, metadata) and returns an index.
        where: Analyze only the records that match this filter.
        into: Write the id of the representative to this metadata field of each duplicate.
        random_state: Seed of MinHash and of the neighbor graph.
        progress: Show a progress bar after one second.

    Returns:
        The pairs with their reasons and scores, the groups, and the representatives.

    Raises:
        InvalidArgumentError: A method or rule is unknown, or a threshold is out of its range.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes")
        >>> notes.add(ids=["a", "b", "c"], documents=["Tea is hot.", "tea is  hot", "Chalk is soft."])
        >>> found = notes.dedupe()
        >>> found.groups()
        [['a', 'b']]
        >>> done = found.apply()
        >>> notes.count()
        2
        >>> done.undo()
        notes: 1 restored
        >>> notes.count()
        3
    """
    methods = _check_methods(methods)
    if not callable(keep) and keep not in KEEP:
        raise InvalidArgumentError(
            f"keep must be one of {', '.join(KEEP)}, or a function; got {short(keep)}."
        )
    if threshold is not None and not (is_number(threshold) and 0 < threshold <= 1):
        raise InvalidArgumentError(
            f"threshold must be a cosine above 0 and up to 1; got {short(threshold)}."
        )
    for name, value, method in (("threshold", threshold, "semantic"), ("jaccard", jaccard, "near")):
        if value is not None and method not in methods:
            raise InvalidArgumentError(
                f"{name} needs the method {method!r}; got methods {', '.join(methods)}. Leave {name} out."
            )
    snapshot: Snapshot = data
    graph = None
    if "semantic" in methods:
        graph = graph_of(snapshot, random_state=random_state, progress=progress)
    floor = FLOOR if threshold is None else min(FLOOR, float(threshold))
    with bar("texts", "rec", progress) as on_progress:
        found = find_candidates(
            snapshot,
            graph,
            methods,
            floor=floor,
            random_state=random_state,
            on_progress=on_progress,
        )
    between = found.first_occurrence[found.left] != found.first_occurrence[found.right]
    semantic, lexical = suggest_thresholds(
        found.left[between],
        found.right[between],
        found.cosine[between],
        found.jaccard[between],
        certain=int((~between).sum()),
    )
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


def _check_methods(methods: Any) -> tuple[Method, ...]:
    given = (methods,) if isinstance(methods, str) else tuple(methods)
    for method in given:
        if method not in METHODS:
            hint = near(str(method), METHODS, what="Methods")
            raise InvalidArgumentError(f"No method {short(method)}. {hint}")
    if not given:
        raise InvalidArgumentError(
            f"methods must have at least one of {', '.join(METHODS)}; got none."
        )
    return tuple(method for method in METHODS if method in given)
