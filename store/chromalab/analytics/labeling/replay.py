"""`Replay`: a strategy against random selection, replayed on the labels that there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.linear import fit_linear
from chromalab.analytics.classify.model_selection import correctness
from chromalab.analytics.graph import graph_of
from chromalab.analytics.labeling.strategies import density, rule_for, select
from chromalab.cores import one_thread_blas
from chromalab.results.picture import picture
from chromalab.results.tables import Table
from chromalab.snapshot import Snapshot

__all__ = ["Replay", "replay_labels"]

_MIN_LABELS = 100
_REPEATS = 5
_ROUNDS = 6
_HELD_OUT = 3  # one label in three is held out


@dataclass(frozen=True, eq=False, repr=False)
class Replay(Table):
    """Accuracy on held-out labels by the number of labels, for a strategy and for random selection.

    Attributes:
        strategy: The name of the strategy.
        sizes: (s,) int64, the numbers of labels.
        chosen: (r, s) float64, the accuracy of each repeat with the strategy.
        random: (r, s) float64, the accuracy of each repeat with random selection.
        labels: The number of labels that were replayed.
    """

    strategy: str
    sizes: NDArray[np.int64]
    chosen: NDArray[np.float64]
    random: NDArray[np.float64]
    labels: int

    @property
    def gain(self) -> float:
        """The mean difference over all sizes; NaN if there are too few labels."""
        return float((self.chosen - self.random).mean()) if self.chosen.size else float("nan")

    @property
    def error(self) -> float:
        """The standard error of the gain over the repeats."""
        if not self.chosen.size:
            return float("nan")
        each = (self.chosen - self.random).mean(axis=1)
        return float(each.std(ddof=1) / np.sqrt(len(each)))

    def __str__(self) -> str:
        if not self.chosen.size:
            return (
                f"{self.labels:,} labels are too few to compare {self.strategy} with random selection: at "
                f"least {_MIN_LABELS}, of two classes, are needed"
            )
        verdict = "not significantly better than"
        if abs(self.gain) > 2 * self.error:
            verdict = "better than" if self.gain > 0 else "worse than"
        return (
            f"{self.strategy} is {verdict} random selection on these {self.labels:,} labels: "
            f"{100 * self.gain:+.1f} points (± {100 * self.error:.1f}), the mean of {len(self.sizes)} sizes"
        )

    def _header(self) -> tuple[str, ...]:
        return ("labels", self.strategy, "random")

    def _rows(self) -> list[list[float]]:
        if not self.chosen.size:
            return []
        parts = (
            self.sizes.tolist(),
            self.chosen.mean(axis=0).tolist(),
            self.random.mean(axis=0).tolist(),
        )
        return [list(row) for row in zip(*parts, strict=True)]

    def _note(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        table = super()._repr_html_()
        if not self.chosen.size:
            return table
        return table + picture(
            self._draw, alt=f"Accuracy by number of labels: {self.strategy} and random"
        )

    def _draw(self, axes: Any) -> None:
        for values, name in ((self.chosen, self.strategy), (self.random, "random")):
            axes.plot(self.sizes, values.mean(axis=0), marker="o", label=name)
        axes.set_xlabel("labels")
        axes.set_ylabel("accuracy")
        axes.legend()


@one_thread_blas()
def replay_labels(
    strategy: str,
    vectors: NDArray[np.float32],
    given: NDArray[np.bool_],
    *,
    multilabel: bool,
    random_state: int,
) -> Replay:
    """Hide the labels and request them again, by the strategy and at random, from the same start.

    A third of the labels is held out for testing. Half of the others are requested, in six rounds.

    Args:
        strategy: The name of the strategy.
        vectors: (t, dimension) of unit length, of the labeled records.
        given: (t, c), their labels.
        multilabel: Whether a record may have more than one label.
        random_state: The seed.
    """
    count = len(vectors)
    nothing = np.empty((0, 0))
    if count < _MIN_LABELS or (given.sum(axis=0) > 1).sum() < 2:
        return Replay(strategy, np.empty(0, dtype=np.int64), nothing, nothing, count)
    pool = count - count // _HELD_OUT
    batch = max(2, pool // 2 // _ROUNDS)
    densities = density(graph_of(Snapshot.of(vectors)))
    curves: dict[str, list[list[float]]] = {strategy: [], "random": []}
    for repeat in range(_REPEATS):
        for name, curve in curves.items():
            rng = np.random.default_rng([random_state, repeat])
            order = rng.permutation(count)
            out, rest = order[:-pool], order[-pool:]
            curve.append(
                _replay_once(name, vectors, densities, given, out, rest, batch, multilabel, rng)
            )
        if strategy == "random":
            curves["random"] = curves[strategy]
    sizes = batch * np.arange(1, _ROUNDS + 1)
    return Replay(strategy, sizes, np.array(curves[strategy]), np.array(curves["random"]), count)


def _replay_once(
    strategy: str,
    vectors: NDArray[np.float32],
    densities: NDArray[np.float32],
    given: NDArray[np.bool_],
    out: NDArray[np.int64],
    rest: NDArray[np.int64],
    batch: int,
    multilabel: bool,
    rng: np.random.Generator,
) -> list[float]:
    """Return the accuracy after each round of one repeat."""
    labeled, accuracies = np.empty(0, dtype=np.int64), []
    probabilities: NDArray[np.float32] | None = None
    for _ in range(_ROUNDS):
        unlabeled = np.setdiff1d(rest, labeled)
        seen = given[labeled].any(axis=0)
        rule = rule_for(strategy, len(labeled), int(seen.sum()))
        if rule not in ("random", "k-center"):
            scores = _scores(vectors, given, labeled, unlabeled, multilabel)
            probabilities = _probabilities(scores, multilabel)[:, seen]
        selected, _ = select(
            rule,
            vectors,
            labeled,
            unlabeled,
            batch,
            density=densities,
            probabilities=probabilities,
            multilabel=multilabel,
            rng=rng,
        )
        labeled = np.concatenate([labeled, unlabeled[selected]])
        scores = _scores(vectors, given, labeled, out, multilabel)
        accuracies.append(float(correctness(scores, given[out], multilabel=multilabel).mean()))
    return accuracies


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


def _probabilities(scores: NDArray[np.float32], multilabel: bool) -> NDArray[np.float32]:
    if multilabel:
        return (1 / (1 + np.exp(-np.clip(scores, -60, 60)))).astype(np.float32)
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    softmax: NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return softmax
