"""The jobs of `analytics` that run other libraries, each as in its own documentation.

Every job warms up on a part of the data first, so that imports and compilation on the first call are
not counted. Below 4,096 records, umap-learn takes a different code path, which would leave the path for
more records uncompiled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from alone import Meter
from numpy.typing import NDArray
from scores import auroc, best_f1, clustering, f1, neighbor_recall, trustworthiness
from texts import read, vectors

K = 30
WARM, WARM_MAP = 2000, 4200
_BLOCK = 1000
_LEAST, _LEAST_ALIKE = 0.3, 0.6  # cosine; every best threshold is above this
_SEED = 0

Vectors = NDArray[np.float32]


def distinct(folder: Path, rows: int) -> Vectors:
    """Return the first distinct WordLlama vectors of all glosses, in random order."""
    whole = vectors(folder, "glosses", "WordLlama")
    first = np.sort(np.unique(whole, axis=0, return_index=True)[1])
    return np.ascontiguousarray(whole[np.random.default_rng(0).permutation(first)[:rows]])


def among(folder: Path, away: str, rows: int | None) -> tuple[Vectors, NDArray[np.bool_]]:
    """Return the vectors of banking77 followed by the foreign ones, and a mask of the latter."""
    home = vectors(folder, "banking77", "MiniLM", rows)
    x = np.concatenate([home, vectors(folder, away, "MiniLM")])
    return x, np.arange(len(x)) >= len(home)


def exact_graph(meter: Meter, folder: Path, rows: int) -> dict[str, Any]:
    """Compare all pairs, one block of rows at a time."""
    x = distinct(folder, rows)
    found = np.empty((rows, K + 1), np.int64)
    with meter:
        for start in range(0, rows, _BLOCK):
            near = x[start : start + _BLOCK] @ x.T
            best = np.argpartition(-near, K, axis=1)[:, : K + 1]
            order = np.argsort(-np.take_along_axis(near, best, axis=1), axis=1)
            found[start : start + _BLOCK] = np.take_along_axis(best, order, axis=1)
    return {"recall": neighbor_recall(x, found)}


def hnswlib_graph(meter: Meter, folder: Path, rows: int) -> dict[str, Any]:
    """Build an index, and query it with each of its own vectors."""
    import hnswlib

    x = distinct(folder, rows)
    with meter:
        index = hnswlib.Index("cosine", x.shape[1])
        index.init_index(len(x), M=16, ef_construction=100, random_seed=_SEED)
        index.add_items(x)
        index.set_ef(64)
        found, _ = index.knn_query(x, K + 1)
    return {"recall": neighbor_recall(x, found)}


def pynndescent_graph(meter: Meter, folder: Path, rows: int) -> dict[str, Any]:
    """Find the neighbors by nearest-neighbor descent."""
    from pynndescent import NNDescent

    x = distinct(folder, rows)
    NNDescent(x[:WARM], metric="cosine", n_neighbors=K, random_state=_SEED)
    with meter:
        index = NNDescent(x, metric="cosine", n_neighbors=K, random_state=_SEED)
        found, _ = index.neighbor_graph
    return {"recall": neighbor_recall(x, found)}


def umap_map(
    meter: Meter, folder: Path, name: str, rows: int | None, seed: int | None
) -> dict[str, Any]:
    """UMAP alone; without a seed on all processors, as it comes."""
    from umap import UMAP

    x = vectors(folder, name, "MiniLM", rows)
    UMAP(metric="cosine", random_state=seed, n_epochs=5).fit(x[:WARM_MAP])
    with meter:
        found = UMAP(metric="cosine", random_state=seed).fit_transform(x)
    return {"trust": trustworthiness(x, found)}


def kmeans(meter: Meter, folder: Path, name: str, rows: int | None) -> dict[str, Any]:
    """Run KMeans with the true number of classes, for each kind of labels."""
    from sklearn.cluster import KMeans

    x = vectors(folder, name, "MiniLM", rows)
    KMeans(2, n_init=1).fit(x[:WARM])
    answers = {}
    for kind, truth in read(name, rows).labels.items():
        with meter:
            found = KMeans(len(set(truth)), random_state=_SEED).fit_predict(x)
        answers[kind] = {**clustering(found, truth), "cpu": meter.lap()}
    return {"by": answers}


def evoc(meter: Meter, folder: Path, name: str, rows: int | None) -> dict[str, Any]:
    """Run EVoC with its defaults."""
    from evoc import EVoC

    x = vectors(folder, name, "MiniLM", rows)
    EVoC(random_state=_SEED).fit_predict(x[:WARM])
    with meter:
        found = EVoC(random_state=_SEED).fit_predict(x)
    return _scored(meter, found, name, rows)


def hdbscan(meter: Meter, folder: Path, name: str, rows: int | None) -> dict[str, Any]:
    """Run HDBSCAN on the raw vectors, with the best of a few settings, in this process only."""
    from hdbscan import HDBSCAN

    x = vectors(folder, name, "MiniLM", rows)
    HDBSCAN(min_cluster_size=15, min_samples=5, core_dist_n_jobs=1).fit(x[:500])
    with meter:
        found = HDBSCAN(min_cluster_size=15, min_samples=5, core_dist_n_jobs=1).fit_predict(x)
    return _scored(meter, found, name, rows)


def bertopic(meter: Meter, folder: Path, name: str, rows: int | None) -> dict[str, Any]:
    """Run BERTopic with its defaults on our vectors: UMAP to 5 dimensions, HDBSCAN, topic names."""
    from bertopic import BERTopic
    from umap import UMAP

    x = vectors(folder, name, "MiniLM", rows)
    recipe = {"n_neighbors": 15, "n_components": 5, "min_dist": 0.0, "metric": "cosine"}
    UMAP(**recipe, n_epochs=5).fit(x[:WARM_MAP])
    texts = read(name, rows).texts
    with meter:
        found, _ = BERTopic().fit_transform(texts, x)
    return _scored(meter, found, name, rows)


def semhash(meter: Meter, folder: Path, name: str, model: str, rows: int | None) -> dict[str, Any]:
    """Run SemHash within one set, with its defaults and at its best threshold."""
    from semhash import SemHash

    whole, x = read(name, rows), vectors(folder, name, model, rows)
    records = [{"text": text, "row": row} for row, text in enumerate(whole.texts)]
    SemHash.from_embeddings(x[:WARM], records[:WARM], None, ["text"]).self_deduplicate()

    def pairs(result: Any) -> list[tuple[int, int]]:
        return [(one.record["row"], one.duplicate_of["row"]) for one in result.filtered]

    with meter:
        index = SemHash.from_embeddings(x, records, None, ["text"])
        result = index.self_deduplicate()
    answer = {"default": {**f1(pairs(result), whole.pairs), "threshold": 0.9}}
    if rows is None or rows <= 20_000:
        tried = {
            threshold: f1(pairs(index.self_deduplicate(threshold)), whole.pairs)
            for threshold in np.arange(0.6, 0.99, 0.02).round(2).tolist()
        }
        best = max(tried, key=lambda threshold: tried[threshold]["f1"])
        answer["best"] = {**tried[best], "threshold": best}
    return answer


def minhash(meter: Meter, folder: Path, name: str, rows: int | None) -> dict[str, Any]:
    """Run MinHash over character trigrams, 128 values in 32 bands, at .7 and at its best threshold."""
    from rensa import RMinHash, RMinHashLSH

    whole = read(name, rows)
    with meter:
        hashes, index = [], RMinHashLSH(threshold=0.5, num_perm=128, num_bands=32)
        for row, text in enumerate(whole.texts):
            low = text.casefold()
            hashed = RMinHash(num_perm=128, seed=_SEED)
            hashed.update(sorted({low[at : at + 3] for at in range(max(1, len(low) - 2))}))
            index.insert(row, hashed)
            hashes.append(hashed)
        found = [
            (row, other, hashed.jaccard(hashes[other]))
            for row, hashed in enumerate(hashes)
            for other in index.query(hashed)
            if other > row
        ]
    left, right, score = (np.array(column) for column in zip(*found, strict=True))
    held = score >= 0.7
    pairs = zip(left[held].tolist(), right[held].tolist(), strict=True)
    return {
        "default": {**f1(pairs, whole.pairs), "threshold": 0.7},
        "best": best_f1(left, right, score, whole.pairs),
    }


def cosine(meter: Meter, folder: Path, name: str, model: str, rows: int | None) -> dict[str, Any]:
    """Compare all pairs by cosine, at the best threshold."""
    whole, x = read(name, rows), vectors(folder, name, model, rows)
    with meter:
        left, right, score = _alike(x, x, _LEAST_ALIKE)
    once = left < right
    return {"best": best_f1(left[once], right[once], score[once], whole.pairs)}


def cosine_link(meter: Meter, folder: Path, name: str, model: str) -> dict[str, Any]:
    """Compare all pairs of two tables by cosine, at the best threshold."""
    whole, x = read(name), vectors(folder, name, model)
    with meter:
        left, right, score = _alike(x[: whole.lefts], x[whole.lefts :], _LEAST)
    return {"best": best_f1(left, right + whole.lefts, score, whole.pairs)}


def semhash_link(meter: Meter, folder: Path, name: str, model: str) -> dict[str, Any]:
    """Run SemHash between two tables at its best threshold: each record with the nearest one."""
    from semhash import SemHash

    whole, x = read(name), vectors(folder, name, model)
    records = [{"text": text, "row": row} for row, text in enumerate(whole.texts)]

    with meter:
        right = records[whole.lefts :]
        index = SemHash.from_embeddings(x[whole.lefts :], right, _Known(whole.texts, x), ["text"])
        result = index.deduplicate(records[: whole.lefts], _LEAST)
    found = [(one.record["row"], one.duplicate_of["row"], one.score) for one in result.filtered]
    left, right_rows, score = (np.array(column) for column in zip(*found, strict=True))
    return {"best": best_f1(left, right_rows, score, whole.pairs)}


class _Known:
    """An encoder for SemHash that returns the precomputed vectors of texts."""

    def __init__(self, texts: list[str], x: Vectors) -> None:
        self._x = x
        self._row = {text: row for row, text in enumerate(texts)}

    def encode(self, inputs: Any, **_: Any) -> Vectors:
        return self._x[[self._row[text] for text in inputs]]


def lof(meter: Meter, folder: Path, away: str, rows: int | None) -> dict[str, Any]:
    """Run scikit-learn's local outlier factor with 20 neighbors."""
    from sklearn.neighbors import LocalOutlierFactor

    x, strange = among(folder, away, rows)
    LocalOutlierFactor(metric="cosine").fit(x[:500])
    with meter:
        score = -LocalOutlierFactor(metric="cosine").fit(x).negative_outlier_factor_
    return {"auroc": auroc(strange, score)}


def glosh(meter: Meter, folder: Path, away: str, rows: int | None) -> dict[str, Any]:
    """Run GLOSH of HDBSCAN on 50 principal components."""
    from hdbscan import HDBSCAN
    from sklearn.decomposition import PCA

    x, strange = among(folder, away, rows)
    HDBSCAN(core_dist_n_jobs=1).fit(PCA(50, random_state=_SEED).fit_transform(x[:500]))
    with meter:
        reduced = PCA(50, random_state=_SEED).fit_transform(x)
        score = HDBSCAN(min_cluster_size=15, core_dist_n_jobs=1).fit(reduced).outlier_scores_
    return {"auroc": auroc(strange, np.nan_to_num(score))}


def isolation_forest(meter: Meter, folder: Path, away: str, rows: int | None) -> dict[str, Any]:
    """Run scikit-learn's IsolationForest on 50 principal components."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest

    x, strange = among(folder, away, rows)
    IsolationForest(random_state=_SEED).fit(PCA(50, random_state=_SEED).fit_transform(x[:500]))
    with meter:
        reduced = PCA(50, random_state=_SEED).fit_transform(x)
        score = -IsolationForest(random_state=_SEED).fit(reduced).score_samples(reduced)
    return {"auroc": auroc(strange, score)}


def _scored(meter: Meter, found: Any, name: str, rows: int | None) -> dict[str, Any]:
    cpu = meter.lap()
    kinds = read(name, rows).labels.items()
    return {"by": {kind: {**clustering(found, truth), "cpu": cpu} for kind, truth in kinds}}


def _alike(left: Vectors, right: Vectors, least: float) -> tuple[Any, Any, Any]:
    parts = []
    for start in range(0, len(left), _BLOCK):
        near = left[start : start + _BLOCK] @ right.T
        rows, others = np.nonzero(near >= least)
        parts.append((rows + start, others, near[rows, others]))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))
