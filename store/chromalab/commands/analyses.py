"""The verbs for analyses: neighbors, cluster, topics, dedupe, link, leakage, outliers, project, apply."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chromalab import Collection, analytics
from chromalab.commands.argument import DRY_RUN, YES, collections
from chromalab.commands.results import Notice
from chromalab.commands.verb import Call, Verb

__all__ = ["ANALYSES", "analyze"]


def analyze(call: Call, **options: Any) -> Any:
    """Run the analysis of the verb on a collection, or on an array or another result as an object."""
    data = call.given["collection"]
    if isinstance(data, str | Collection):
        return call.api(**options)
    return getattr(analytics, call.verb.api.rpartition(".")[2])(data, **call.options, **options)


def _apply(call: Call) -> Any:
    """Remove the duplicates that are found now or are in a result, or show what would be done."""
    found = call.given["collection"]
    if isinstance(found, str | Collection):
        options = {name: call.given[name] for name in _THROUGH if name in call.given}
        found = call.collection.dedupe(**options)
    if call.given.get("yes") and not call.given.get("dry_run"):
        return found.apply(**call.options)
    plan = found.apply(**call.options, dry_run=True)
    return Notice(f"{plan!r}\nAdd --yes to do it." if plan.groups else repr(plan))


_THROUGH = ("threshold", "keep", "where", "random_state")
_OTHER = {"kind": "collection", "offers": collections, "is_open": True}

ANALYSES = (
    Verb(
        api="collection.neighbors",
        summary="Find the nearest neighbors of every record, the graph that all analyses start from.",
        examples=("%chroma neighbors papers", "near = %chroma neighbors papers -k 10"),
        action=analyze,
    ),
    Verb(
        api="collection.cluster",
        summary="Cluster the records by their embeddings.",
        examples=("%chroma cluster papers --into topic", "%chroma cluster papers --n-clusters 12"),
        action=analyze,
    ),
    Verb(
        api="collection.topics",
        summary="Name the clusters by the words that set them apart.",
        examples=("%chroma topics papers", "%chroma topics :clusters --into topic"),
        action=analyze,
    ),
    Verb(
        api="collection.dedupe",
        summary="Find exact duplicates, near-duplicates and paraphrases; nothing is deleted.",
        examples=("%chroma dedupe papers", "twins = %chroma dedupe papers --threshold 0.95"),
        changes={"methods": {"kind": "words"}},
        action=analyze,
    ),
    Verb(
        api="collection.dedupe.apply",
        summary="Remove duplicates; without --yes, only show what would be done.",
        examples=("%chroma dedupe.apply papers", "%chroma dedupe.apply :twins --mode merge --yes"),
        through=_THROUGH,
        hides=("dry_run",),
        adds=(replace(YES, help="Do it, instead of showing what would be done."), DRY_RUN),
        action=_apply,
    ),
    Verb(
        api="collection.link",
        summary="Match the records that two collections have in common (record linkage).",
        examples=("%chroma link papers preprints", "%chroma link papers :other --threshold 0.5"),
        positional=("other",),
        changes={"other": {**_OTHER, "help": "The other collection, or :name of one."}},
        action=analyze,
    ),
    Verb(
        api="collection.leakage",
        summary="Find the records of a test set that also occur in the collection.",
        examples=("%chroma leakage train test", "%chroma leakage train :test --threshold 0.95"),
        positional=("test",),
        changes={"test": {**_OTHER, "help": "The collection of the test set, or :name of one."}},
        action=analyze,
    ),
    Verb(
        api="collection.outliers",
        summary="Find the records that are far from all others.",
        examples=("%chroma outliers papers", "%chroma outliers papers --share 0.01 --into odd"),
        action=analyze,
    ),
    Verb(
        api="collection.project",
        summary="Project the embeddings to two or three dimensions, for a map.",
        examples=("%chroma project papers", "%chroma project papers --method pca --into map"),
        action=analyze,
    ),
)
