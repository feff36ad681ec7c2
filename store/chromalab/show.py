"""`collection.review`: the widget for reviewing the findings of an analysis one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from chromalab.analytics import cluster, dedupe, outliers
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.handle import Handle

__all__ = ["review"]


def review(
    collection: Handle,
    what: Literal["duplicates", "clusters", "outliers"] = "duplicates",
    *,
    into: str | None = None,
    show: Sequence[str] | str | None = None,
) -> Any:
    """Review duplicates, clusters or outliers one by one: keep, merge, name, delete, undo.

    Args:
        collection: The collection to review.
        what: What to look for: duplicates, clusters or outliers.
        into: Metadata key for the names of clusters or the marks of outliers.
        show: The metadata keys to show, or "all"; by default, the most useful ones.

    Returns:
        The widget; the last line of a cell displays it.

    Example:
        In a notebook::

            papers.review("duplicates")
    """
    analyses: dict[str, Callable[..., Any]] = {
        "duplicates": dedupe,
        "clusters": cluster,
        "outliers": outliers,
    }
    if what not in analyses:
        hint = near(str(what), analyses, what="Reviews")
        raise InvalidArgumentError(
            f"what must be one of {', '.join(analyses)}; got {short(what)}. {hint}"
        )
    options = {"show": show, **({} if into is None else {"into": into})}
    return analyses[what](collection).review(**options)
