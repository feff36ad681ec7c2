"""The jobs of `analytics` that run chromalab, through its public functions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from alone import Meter
from analytics_peers import WARM, WARM_MAP, among, distinct
from numpy.typing import NDArray
from scores import auroc, clustering, f1, neighbor_recall, trustworthiness
from texts import Texts, read, vectors

from chromalab.analytics import cluster, dedupe, link, outliers, project, propagate, topics
from chromalab.analytics.graph import graph_of
from chromalab.snapshot import Snapshot

Vectors = NDArray[np.float32]

WIDE = 384  # dimensions, as in MiniLM
_REPEATS = 3


def graph(meter: Meter, folder: Path, rows: int) -> dict[str, Any]:
    """Compute the neighbor graph of all records."""
    x = distinct(folder, rows)
    graph_of(Snapshot.of(x[:WARM]))
    snapshot = Snapshot.of(x)
    with meter:
        found = graph_of(snapshot, k=15)
    recall = neighbor_recall(x, found.neighbors)
    return {"recall": recall, "stated": found.recall, "exact": found.exact}


def later(meter: Meter, folder: Path, rows: int) -> dict[str, Any]:
    """Run analyses of records whose graph exists, with the minimum CPU time of three runs each."""
    whole, x = read("glosses", rows), vectors(folder, "glosses", "WordLlama", rows)
    jobs = {
        "HDBSCAN": lambda given: cluster(given, method="hdbscan"),
        "Leiden, one resolution": lambda given: cluster(given, method="leiden", resolution=10.0),
        "duplicates, semantic": lambda given: dedupe(given, methods="semantic"),
        "outliers": outliers,
        "label propagation, 20 labels": lambda given: propagate(given, _few_labels(len(given))),
    }
    small = Snapshot.of(x[:WARM], documents=whole.texts[:WARM])
    snapshot = Snapshot.of(x, documents=whole.texts)
    graph_of(snapshot)
    answer = {}
    for name, job in jobs.items():
        job(small)
        answer[name] = min(_lap(meter, lambda job=job: job(snapshot)) for _ in range(_REPEATS))
    topics(cluster(snapshot, method="leiden", resolution=2.0))  # counts the words
    other = cluster(snapshot, method="leiden", resolution=10.0)
    laps = [_lap(meter, lambda: topics(other)) for _ in range(_REPEATS)]
    answer["topic names of another clustering"] = min(laps)
    return {"cpus": answer}


def _few_labels(count: int) -> list[int | None]:
    """Give every fifth record one of 20 labels."""
    drawn = np.random.default_rng(0).integers(20, size=count).tolist()
    return [None if row % 5 else label for row, label in enumerate(drawn)]


def umap_map(meter: Meter, folder: Path, name: str, rows: int | None) -> dict[str, Any]:
    """Compute a UMAP from the existing graph."""
    x = vectors(folder, name, "MiniLM", rows)
    project(Snapshot.of(x[:WARM_MAP]), epochs=5)
    snapshot = Snapshot.of(x)
    graph_of(snapshot)
    with meter:
        found = project(snapshot)
    return {"trust": trustworthiness(x, found.coordinates)}


def clusters(meter: Meter, folder: Path, name: str, rows: int | None) -> dict[str, Any]:
    """Run `cluster` with its defaults, including the graph."""
    whole, x = read(name, rows), vectors(folder, name, "MiniLM", rows)
    cluster(x[:WARM])
    with meter:
        found = cluster(x)
    cpu = meter.lap()
    scored = {kind: clustering(found.labels, truth) for kind, truth in whole.labels.items()}
    return {"by": {kind: {**score, "cpu": cpu} for kind, score in scored.items()}}


def duplicates(
    meter: Meter, folder: Path, name: str, model: str, rows: int | None
) -> dict[str, Any]:
    """Run `dedupe` with its defaults: its pairs, and its groups as pairs with the representative."""
    whole, x = read(name, rows), vectors(folder, name, model, rows)
    dedupe(Snapshot.of(x[:WARM], documents=whole.texts[:WARM]))
    snapshot = Snapshot.of(x, documents=whole.texts)
    with meter:
        graph_of(snapshot)
    graph_cpu = meter.lap()
    with meter:
        found = dedupe(snapshot)
    held = found.pairs
    pairs = zip(found.left[held].tolist(), found.right[held].tolist(), strict=True)
    stars = [(group[0], other) for group in found.rows for other in group[1:]]
    thresholds = {"threshold": found.threshold, "lexical": found.lexical_threshold}
    return {
        "default": {**f1(pairs, whole.pairs), **thresholds},
        "groups": {**f1(stars, whole.pairs), **thresholds},
        "graph_cpu": graph_cpu,
    }


def links(meter: Meter, folder: Path, name: str, model: str) -> dict[str, Any]:
    """Run `link` with its defaults."""
    whole, x = read(name), vectors(folder, name, model)
    sides = [
        Snapshot.of(x[part], documents=whole.texts[part])
        for part in (slice(None, whole.lefts), slice(whole.lefts, None))
    ]
    with meter:
        found = link(*sides)
    held = found.linked
    right = found.right[held] + whole.lefts
    pairs = zip(found.left[held].tolist(), right.tolist(), strict=True)
    return {"default": {**f1(pairs, whole.pairs), "threshold": found.threshold}}


def foreign(meter: Meter, folder: Path, away: str, rows: int | None) -> dict[str, Any]:
    """Run `outliers` with its defaults, including the graph."""
    x, strange = among(folder, away, rows)
    outliers(x[:WARM])
    with meter:
        found = outliers(x)
    return {"auroc": auroc(strange, found.scores)}


def growth(meter: Meter, folder: Path, rows: int) -> dict[str, Any]:
    """Run all analyses except the map, one after the other, and measure CPU time and peak memory."""
    whole = read("glosses", rows)
    x = wide(vectors(folder, "glosses", "WordLlama", rows))
    _all(meter, x[:WARM], Texts(whole.texts[:WARM]))
    wall = time.perf_counter()
    answer = _all(meter, x, whole)
    return {"cpus": answer, "took": time.perf_counter() - wall}


def _all(meter: Meter, x: Vectors, whole: Texts) -> dict[str, float]:
    snapshot = Snapshot.of(x, documents=whole.texts)
    answer = {"graph": _lap(meter, lambda: graph_of(snapshot))}
    results = []
    answer["cluster()"] = _lap(meter, lambda: results.append(cluster(snapshot)))
    answer["topics()"] = _lap(meter, lambda: topics(results[0]))
    answer["dedupe()"] = _lap(meter, lambda: dedupe(snapshot))
    answer["outliers()"] = _lap(meter, lambda: outliers(snapshot))
    return answer


def _lap(meter: Meter, job: Any) -> float:
    with meter:
        job()
    return meter.lap()


def wide(x: Vectors) -> Vectors:
    """Map vectors to 384 dimensions, all of them used, with the same distances."""
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((WIDE, x.shape[1])))[0].T
    return np.ascontiguousarray(x @ rotation.astype(np.float32))
