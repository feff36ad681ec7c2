"""The verbs that analyse a collection, and what each does: one public call of the API."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from chromalab import Collection, analytics
from chromalab.errors import InvalidArgumentError
from chromalab_kernel.arguments import COLLECTION, WHERE
from chromalab_kernel.verb import Argument, Verb

if TYPE_CHECKING:
    from chromalab_kernel.session import Session

__all__ = ["ANALYSES"]

_INTO = Argument("--into", "Write it to metadata, under this key.")
_RANDOM_STATE = Argument("--random-state", "The seed: the same one gives the same answer.", "int")


def _one_of(*names: str) -> Any:
    return lambda _: list(names)


def _options(arguments: SimpleNamespace) -> dict[str, Any]:
    """The arguments that were given, by the names of the API."""
    given = vars(arguments).items()
    return {name: value for name, value in given if name != "collection" and value is not None}


def _run(verb: str) -> Callable[[Session, SimpleNamespace], Any]:
    """Make what a verb does: the collection's method, or for other data the function of the name."""

    def run(session: Session, arguments: SimpleNamespace) -> Any:
        data, options = arguments.collection, _options(arguments)
        if isinstance(data, str | Collection):
            return getattr(session.collection(data), verb)(**options)
        if "where" in options:
            raise InvalidArgumentError(
                "--where chooses among a collection's records; leave it out."
            )
        key = options.pop("into", None)
        if verb != "topics":  # they are made in no time
            options["progress"] = True
        found = getattr(analytics, verb)(data, **options)
        return found if key is None else found.into(key)

    return run


ANALYSES = (
    Verb(
        "neighbors",
        "Find the nearest records of every record: the graph that all analyses start from.",
        "collection.neighbors(k=15)",
        (COLLECTION, Argument("--k", "How many of each.", "int", short="-k"), WHERE),
        ("%chroma neighbors papers", "near = %chroma neighbors papers -k 10"),
        _run("neighbors"),
    ),
    Verb(
        "cluster",
        "Group the records by their embeddings.",
        "collection.cluster(method=...)",
        (
            COLLECTION,
            Argument(
                "--method",
                "How: auto, leiden, hdbscan or kmeans.",
                choices=_one_of("auto", "leiden", "hdbscan", "kmeans"),
            ),
            Argument("--n-clusters", "How many, where that is known.", "int"),
            Argument("--resolution", "Larger finds smaller clusters (leiden).", "float"),
            Argument("--min-cluster-size", "Smaller ones are noise.", "int"),
            Argument("--noise", "The least share of neighbours in its cluster.", "float"),
            WHERE,
            _INTO,
            _RANDOM_STATE,
        ),
        ("%chroma cluster papers --into topic", "%chroma cluster papers --n-clusters 12"),
        _run("cluster"),
    ),
    Verb(
        "topics",
        "Name the clusters by the words that set them apart.",
        "clusters.topics()",
        (
            Argument("collection", "The collection, or :name of one or of clusters.", "any"),
            Argument("--n-words", "Words a topic.", "int"),
            _INTO,
        ),
        ("%chroma topics papers", "%chroma topics :clusters --into topic"),
        _run("topics"),
    ),
    Verb(
        "dedupe",
        "Find records that say the same, exactly, nearly or by meaning; deletes nothing.",
        "collection.dedupe(...)",
        (
            COLLECTION,
            Argument("--methods", "Of exact,near,semantic.", "words"),
            Argument("--threshold", "The least cosine of a pair by meaning.", "float"),
            Argument("--jaccard", "The least Jaccard similarity of a near pair.", "float"),
            Argument(
                "--keep",
                "Which of a group stays: oldest, longest or most_metadata.",
                choices=_one_of("oldest", "longest", "most_metadata"),
            ),
            WHERE,
            _INTO,
        ),
        ("%chroma dedupe papers", "twins = %chroma dedupe papers --threshold 0.95"),
        _run("dedupe"),
    ),
    Verb(
        "outliers",
        "Find the records that are far from all others.",
        "collection.outliers(...)",
        (
            COLLECTION,
            Argument(
                "--method",
                "How they are scored.",
                choices=_one_of("distance", "lof", "glosh", "centroid", "isolation"),
            ),
            Argument("--k", "Neighbours that are looked at.", "int", short="-k"),
            Argument("--share", "Call this share of the records outliers.", "float"),
            Argument("--threshold", "Call those with a larger score outliers.", "float"),
            WHERE,
            _INTO,
        ),
        ("%chroma outliers papers", "%chroma outliers papers --share 0.01 --into odd"),
        _run("outliers"),
    ),
    Verb(
        "project",
        "Lay the records out on a map.",
        "collection.project(method=...)",
        (
            COLLECTION,
            Argument(
                "--method",
                "How: umap, tsne, pca or pacmap.",
                choices=_one_of("umap", "tsne", "pca", "pacmap"),
            ),
            Argument("--dims", "2 or 3.", "int"),
            Argument("--n-neighbors", "More show more of the whole (umap, pacmap).", "int"),
            Argument("--min-dist", "How close records may lie (umap).", "float"),
            Argument("--perplexity", "How many neighbours count (tsne).", "float"),
            Argument("--epochs", "How long the map is improved.", "int"),
            WHERE,
            _INTO,
            _RANDOM_STATE,
        ),
        ("%chroma project papers", "%chroma project papers --method pca --into map"),
        _run("project"),
    ),
)
"""In the order in which they are used."""
