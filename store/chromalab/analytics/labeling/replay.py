"""Was the strategy worth it? Both it and random picking, replayed on the labels that are there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.linear import fit_linear
from chromalab.analytics.classify.model_selection import right
from chromalab.analytics.graph import graph_of
from chromalab.cores import one_thread_blas
from chromalab.analytics.labeling.strategies import density, rule_for, take
from chromalab.results.picture import picture
from chromalab.results.tables import html_table, text_table
from chromalab.snapshot import Snapshot

__all__ = ["Replay", "replayed"]

_LEAST = 100  # labels
_REPEATS = 5
_ROUNDS = 6
_HELD_OUT = 3  # one in so many


@dataclass(frozen=True, eq=False, repr=False)
class Replay:
    """Accuracy after so many labels, by a strategy and at random, on held-out labels.

    Attributes:
        strategy: Its name.
        sizes: (s,) int64, labels.
        chosen: (r, s) float64, accuracy of each repeat by the strategy.
        random: (r, s) float64, the same where labels were drawn.
        labels: How many labels there were.
    """

    strategy: str
    sizes: NDArray[np.int64]
    chosen: NDArray[np.float64]
    random: NDArray[np.float64]
    labels: int

    @property
    def gain(self) -> float:
        """The mean difference over all sizes; NaN where there are too few labels to on_progress."""
        return float((self.chosen - self.random).mean()) if self.chosen.size else float("nan")

    @property
    def error(self) -> float:
        """Its standard error over the repeats."""
        if not self.chosen.size:
            return float("nan")
        each = (self.chosen - self.random).mean(axis=1)
        return float(each.std(ddof=1) / np.sqrt(len(each)))

    def __str__(self) -> str:
        if not self.chosen.size:
            return (
                f"{self.labels:,} labels are too few to on_progress whether {self.strategy} is better than "
                f"random: it takes {_LEAST}, of two classes"
            )
        better = "better than" if self.gain > 2 * self.error else "not surely better than"
        worse = self.gain < -2 * self.error
        return (
            f"{self.strategy} is {'worse than' if worse else better} random on these {self.labels:,} labels: "
            f"{100 * self.gain:+.1f} points (± {100 * self.error:.1f}), mean of {len(self.sizes)} sizes"
        )

    def __repr__(self) -> str:
        return (
            f"{text_table(self._columns(), self._rows())}\n{self}"
            if self.chosen.size
            else str(self)
        )

    def _repr_html_(self) -> str:
        table = html_table(self._columns(), self._rows(), note=str(self))
        if not self.chosen.size:
            return table
        alt = f"Accuracy by labels: {self.strategy} and random"
        return table + picture(self._draw, alt=alt)

    def _columns(self) -> tuple[str, ...]:
        return ("labels", self.strategy, "random")

    def _rows(self) -> list[list[float]]:
        parts = (
            self.sizes.tolist(),
            self.chosen.mean(axis=0).tolist(),
            self.random.mean(axis=0).tolist(),
        )
        return [list(row) for row in zip(*parts, strict=True)] if self.chosen.size else []

    def _draw(self, axes: object) -> None:
        for values, name in ((self.chosen, self.strategy), (self.random, "random")):
            axes.plot(self.sizes, values.mean(axis=0), marker="o", label=name)  # type: ignore[attr-defined]
        axes.set_xlabel("labels")  # type: ignore[attr-defined]
        axes.set_ylabel("accuracy")  # type: ignore[attr-defined]
        axes.legend()  # type: ignore[attr-defined]


@one_thread_blas()
def replayed(
    strategy: str,
    vectors: NDArray[np.float32],
    given: NDArray[np.bool_],
    *,
    multilabel: bool,
    random_state: int,
) -> Replay:
    """Take labels away, and ask for them again: by the strategy and at random, from the same start.

    A third of the labels is held out for testing; of the rest the first half is asked for, in six rounds.

    Args:
        strategy: Its name.
        vectors: (t, dimension) of unit length, of what has labels.
        given: (t, c), these labels.
        multilabel: Whether a record may have multilabel.
        random_state: The seed.
    """
    count = len(vectors)
    nothing = np.empty((0, 0))
    if count < _LEAST or (given.sum(axis=0) > 1).sum() < 2:
        return Replay(strategy, np.empty(0, dtype=np.int64), nothing, nothing, count)
    pool = count - count // _HELD_OUT
    batch = max(2, pool // 2 // _ROUNDS)
    density = density(graph_of(Snapshot.of(vectors)))
    lines: dict[str, list[list[float]]] = {strategy: [], "random": []}
    for repeat in range(_REPEATS):
        for name, found in lines.items():
            rng = np.random.default_rng([random_state, repeat])
            order = rng.permutation(count)
            out, rest = order[:-pool], order[-pool:]
            found.append(_asked(name, vectors, density, given, out, rest, batch, multilabel, rng))
        if strategy == "random":
            lines["random"] = lines[strategy]
    sizes = batch * np.arange(1, _ROUNDS + 1)
    return Replay(strategy, sizes, np.array(lines[strategy]), np.array(lines["random"]), count)


def _asked(
    strategy: str,
    vectors: NDArray[np.float32],
    density: NDArray[np.float32],
    given: NDArray[np.bool_],
    out: NDArray[np.int64],
    rest: NDArray[np.int64],
    batch: int,
    multilabel: bool,
    rng: np.random.Generator,
) -> list[float]:
    labeled, line = np.empty(0, dtype=np.int64), []
    sure: NDArray[np.float32] | None = None
    for _ in range(_ROUNDS):
        left = np.setdiff1d(rest, labeled)
        seen = int(given[labeled].any(axis=0).sum())
        stage = rule_for(strategy, len(labeled), seen)
        if stage not in ("random", "k-center"):
            sure = _shares(_scores(vectors, given, labeled, left, multilabel), multilabel)
            sure = sure[:, given[labeled].any(axis=0)]
        places, _ = take(
            stage,
            vectors,
            labeled,
            left,
            batch,
            density=density,
            probabilities=sure,
            multilabel=multilabel,
            rng=rng,
        )
        labeled = np.concatenate([labeled, left[places]])
        said = _scores(vectors, given, labeled, out, multilabel)
        line.append(float(right(said, given[out], multilabel=multilabel).mean()))
    return line


def _scores(
    vectors: NDArray[np.float32],
    given: NDArray[np.bool_],
    rows: NDArray[np.int64],
    at: NDArray[np.int64],
    multilabel: bool,
) -> NDArray[np.float32]:
    seen = given[rows].any(axis=0)
    scores = np.full((len(at), given.shape[1]), -np.inf, dtype=np.float32)
    model = fit_linear(
        vectors[rows], given[rows][:, seen], loss="logistic" if multilabel else "softmax", C=10
    )
    scores[:, seen] = model.scores(vectors[at])
    return scores


def _shares(scores: NDArray[np.float32], multilabel: bool) -> NDArray[np.float32]:
    if multilabel:
        return (1 / (1 + np.exp(-np.clip(scores, -60, 60)))).astype(np.float32)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: NDArray[np.float32] = shares / shares.sum(axis=1, keepdims=True)
    return found
