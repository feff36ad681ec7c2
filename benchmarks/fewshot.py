"""Classification from a few labels, and the number of labels needed when the queue picks them.

The data is banking77 (77 intents; at most 20 labels per class from the training part, and 6 per class from
the test part) and TREC (6 kinds of questions), embedded with MiniLM. Everything uses the public functions
with `method="auto"`. The skewed sets are samples of 1,000 records, embedded with WordLlama.

    python benchmarks/fewshot.py                                  # all of it, three seeds
    python benchmarks/fewshot.py --only shots --seeds 10          # few-shot accuracy
    python benchmarks/fewshot.py --write                          # into README.md
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tables import write
from texts import SHARED, Absent, embedded, read

from chromalab.analytics import classify, label_queue
from chromalab.analytics.classify.calibration import expected_calibration_error
from chromalab.analytics.classify.methods import FITS, METHODS
from chromalab.analytics.classify.points import Points
from chromalab.cache import cache_folder
from chromalab.cores import one_thread_blas
from chromalab.embed import MiniLM, shows_progress
from chromalab.snapshot import Snapshot

SHOTS = {"banking77": (1, 2, 3, 5, 10, 20), "trec": (1, 5, 20, None)}
AT_LEAST = {
    ("banking77", 1): 57,
    ("banking77", 5): 78,
    ("banking77", 20): 89,
    ("trec", 20): 65,
    ("trec", None): 91,
}
MOST_LABELS = 560  # labels of banking77, until 95 % of the accuracy with all labels
BATCH = 38
STRATEGIES = ("random", "k-center", "margin", "margin + diverse", "entropy", "auto")

SKEWED: dict[str, tuple[str, tuple[str, ...]]] = {
    "bank areas": ("banking77", ()),
    "trec": ("trec", ()),
    "bank intents": (
        "banking77",
        (
            "activate_my_card",
            "balance_not_updated_after_bank_transfer",
            "card_about_to_expire",
            "card_swallowed",
            "edit_personal_details",
            "failed_transfer",
            "pending_top_up",
            "terminate_account",
            "transfer_timing",
        ),
    ),
    "verbs": (
        "wordnet",
        (
            "verb.change",
            "verb.motion",
            "verb.communication",
            "verb.emotion",
            "verb.consumption",
            "verb.body",
        ),
    ),
    "passages": ("chunks", ()),
}
HELD_OUT = ("bank intents", "verbs", "passages")  # from choosing rules and constants
SKEWS = ((19, 6, 4, 2, 1), (40, 12, 8, 5, 3))

Task = tuple[Snapshot, list[str], int]
"""Records, their true labels, and the size of the pool, which comes first; the rest is the test set."""


class Data:
    """Texts with their labels and vectors; vectors are cached by the hash of the texts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts: dict[str, tuple[list[str], list[str], NDArray[np.float32]]] = {}

    def task(self, name: str, seed: int) -> Task:
        """Make the records of a set for one seed."""
        rng = np.random.default_rng(seed)
        train, test = self._part(name), self._part(f"{name} test")
        pool, held = np.arange(len(train[0])), np.arange(len(test[0]))
        if name == "banking77":
            pool, held = drawn(train[1], 20, rng), drawn(test[1], 6, rng)
        texts = [*(train[0][row] for row in pool), *(test[0][row] for row in held)]
        labels = [*(train[1][row] for row in pool), *(test[1][row] for row in held)]
        vectors = np.vstack([train[2][pool], test[2][held]])
        return Snapshot.of(vectors, documents=texts), labels, len(pool)

    def _part(self, name: str) -> tuple[list[str], list[str], NDArray[np.float32]]:
        if name not in self._parts:
            texts, labels = _texts(name)
            self._parts[name] = texts, labels, embedded(self.folder, texts, "MiniLM")
        return self._parts[name]


def _texts(name: str) -> tuple[list[str], list[str]]:
    found = read(name)
    return found.texts, found.labels["intent" if "intent" in found.labels else "coarse"]


def drawn(labels: Sequence[str], each: int | None, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the rows of at most `each` records per label, or of all records."""
    array = np.asarray(labels)
    parts = []
    for label in sorted(set(labels)):
        rows = np.flatnonzero(array == label)
        parts.append(rng.permutation(rows)[: len(rows) if each is None else each])
    return np.concatenate(parts)


def accuracy(predicted: Sequence[Any], true: Sequence[str]) -> float:
    """Return the accuracy in percent."""
    return 100 * float(np.mean([one == other for one, other in zip(predicted, true, strict=True)]))


def shots(data: Data, seeds: int) -> list[str]:
    """Measure the accuracy by labels per class."""
    lines = [
        "| set | labels per class | accuracy % | per seed | methods chosen | ECE | at least | reached |"
    ]
    lines.append("|---|---|---:|---|---|---:|---:|---|")
    for name, counts in SHOTS.items():
        for each in counts:
            found, errors, methods = [], [], Counter[str]()
            for seed in range(seeds):
                snapshot, labels, pool = data.task(name, seed)
                rows = drawn(labels[:pool], each, np.random.default_rng([seed, each or 0]))
                given: list[str | None] = [None] * len(labels)
                for row in rows.tolist():
                    given[row] = labels[row]
                result = classify(snapshot, given, random_state=seed)
                said = result.predicted[pool:]
                found.append(accuracy(said, labels[pool:]))
                right = [one == other for one, other in zip(said, labels[pool:], strict=True)]
                errors.append(expected_calibration_error(result.confidence[pool:], np.array(right)))
                methods[result.method] += 1
                _say(f"{name} {each}: seed {seed}, {found[-1]:.1f} by {result.method}")
            least = AT_LEAST.get((name, each))
            mean = float(np.mean(found))
            cells = [
                name,
                "all" if each is None else str(each),
                f"{mean:.1f}",
                ", ".join(f"{one:.1f}" for one in found),
                ", ".join(f"{method} {count}" for method, count in methods.most_common()),
                f"{np.mean(errors):.3f}",
                "" if least is None else str(least),
                "" if least is None else "yes" if mean >= least else "no",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def asked(data: Data, seeds: int) -> list[str]:
    """Count the labels of banking77 until 95 % of the full accuracy is reached twice in a row."""
    lines = [
        "| strategy | labels to 95 % | per seed | accuracy % at 190 | at 380 | at most | reached |"
    ]
    lines.append("|---|---:|---|---:|---:|---:|---|")
    for strategy in STRATEGIES:
        needed, early, later = [], [], []
        for seed in range(seeds):
            snapshot, labels, pool = data.task("banking77", seed)
            full = _test(snapshot, labels, pool, np.arange(pool))
            curve = _curve(strategy, snapshot, labels, pool, seed, 0.95 * full)
            reached = [accuracy >= 0.95 * full for _, accuracy in curve]
            twice = list(pairwise(reached)).index((True, True))
            needed.append(curve[twice][0])
            early.append(dict(curve)[5 * BATCH])
            later.append(dict(curve)[10 * BATCH])
            _say(f"{strategy}: seed {seed}, {needed[-1]} labels of {full:.1f} %")
        mean = float(np.mean(needed))
        bar = (
            ["", ""]
            if strategy != "auto"
            else [str(MOST_LABELS), "yes" if mean <= MOST_LABELS else "no"]
        )
        cells = [
            strategy,
            f"{mean:.0f}",
            ", ".join(map(str, needed)),
            f"{np.mean(early):.1f}",
            f"{np.mean(later):.1f}",
            *bar,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _curve(
    strategy: str, snapshot: Snapshot, labels: list[str], pool: int, seed: int, enough: float
) -> list[tuple[int, float]]:
    of_pool = Snapshot.of(snapshot.vectors[:pool])
    given: list[str | None] = [None] * pool
    curve: list[tuple[int, float]] = []
    while len(curve) * BATCH < pool:
        queue = label_queue(of_pool, given, strategy=strategy, n=BATCH, random_state=seed)
        for row in queue.rows.tolist():
            given[row] = labels[row]
        rows = np.flatnonzero([label is not None for label in given])
        curve.append((len(rows), _test(snapshot, labels, pool, rows)))
        if len(curve) > 10 and all(right >= enough for _, right in curve[-2:]):
            break
    return curve


def _test(snapshot: Snapshot, labels: list[str], pool: int, rows: NDArray[np.int64]) -> float:
    """Return the accuracy of logistic regression (C=10) on the test part, unseen by strategies."""
    known, codes = np.unique([labels[row] for row in rows.tolist()], return_inverse=True)
    truth = np.eye(len(known), dtype=bool)[codes]
    with one_thread_blas():
        score = FITS["logistic"](snapshot.vectors[rows], truth, False)
    said = known[score(snapshot.vectors[pool:]).argmax(axis=1)]
    return accuracy(said.tolist(), labels[pool:])


def names(data: Data, seeds: int) -> list[str]:
    """Compare zero-shot classification by names of intents with the nearest name."""
    snapshot, labels, _ = data.task("banking77", 0)
    known = sorted(set(labels))
    shows_progress.set(False)
    texts = np.asarray(MiniLM()([name.replace("_", " ") for name in known]), dtype=np.float32)
    both = Snapshot.of(np.vstack([snapshot.vectors, texts]))
    given = [None] * len(labels) + known
    lines = ["| method | accuracy % |", "|---|---:|"]
    for method, what in (
        ("centroid", "the nearest name"),
        ("self-training", "`labels=`, adapted to the records"),
    ):
        said = classify(both, given, method=method).predicted[: len(labels)]
        lines.append(f"| {what} | {accuracy(said, labels):.1f} |")
    return lines


def large(data: Data, seeds: int) -> list[str]:
    """Time 150 classes and 10,000 records, half of them labeled."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 150, 10_000)
    rows = rng.normal(size=(150, 384))[codes] + rng.normal(0, 2.5, (10_000, 384))
    given = [int(code) if row % 2 else None for row, code in enumerate(codes)]
    started, cpu = time.perf_counter(), time.process_time()
    result = classify(rows, given)
    wall, spent = time.perf_counter() - started, time.process_time() - cpu
    said = accuracy(result.predicted[::2], [int(code) for code in codes[::2]])  # type: ignore[misc]
    return [
        "| records | classes | labels | wall s | CPU s | accuracy % |",
        "|---:|---:|---:|---:|---:|---:|",
        f"| 10,000 | 150 | 5,000 | {wall:.1f} | {spent:.1f} | {said:.1f} |",
    ]


def skewed(data: Data, seeds: int) -> list[str]:
    """Compare "auto" with every method it tries, in balanced accuracy, on labels of unequal classes."""
    lines = [
        "| set | labels per class | auto | accuracy | best method | its balanced accuracy | difference | "
        "labels | called wrong |",
        "|---|---|---:|---:|---|---:|---:|---:|---:|",
    ]
    for name in SKEWED:
        texts, labels = _sample(name)
        snapshot = Snapshot.of(embedded(data.folder, texts, "WordLlama"), documents=texts)
        shared = Points(snapshot, np.empty((0, snapshot.dimension), dtype=np.float32))
        for sizes in SKEWS:
            found: dict[str, list[float]] = {method: [] for method in ("auto", *METHODS)}
            right: list[float] = []
            suspects = count = 0
            for seed in range(seeds):
                rows = _skewed_rows(labels, sizes, seed)
                given: list[str | None] = [None] * len(labels)
                for row in rows.tolist():
                    given[row] = labels[row]
                result = classify(snapshot, given, random_state=seed)
                rest = np.setdiff1d(np.arange(len(labels)), rows)
                truth = [labels[row] for row in rest.tolist()]
                said = [result.predicted[row] for row in rest.tolist()]
                found["auto"].append(balanced(said, truth))
                right.append(accuracy(said, truth))
                count, suspects = count + len(rows), suspects + len(result.suspects())
                known, codes = np.unique(
                    [labels[row] for row in rows.tolist()], return_inverse=True
                )
                given_rows = np.eye(len(known), dtype=bool)[codes]
                with one_thread_blas():
                    for method, score in METHODS.items():
                        best = score(shared, rows, given_rows, rest, False).argmax(axis=1)
                        found[method].append(balanced(known[best].tolist(), truth))
            means = {method: float(np.mean(values)) for method, values in found.items()}
            auto = means.pop("auto")
            best_name = max(means, key=lambda method: means[method])
            cells = [
                f"{name}{' (held out)' if name in HELD_OUT else ''}",
                "/".join(map(str, sizes)),
                f"{auto:.1f}",
                f"{np.mean(right):.1f}",
                best_name,
                f"{means[best_name]:.1f}",
                f"{auto - means[best_name]:+.1f}",
                f"{count:,}",
                f"{100 * suspects / count:.1f} %",
            ]
            lines.append(f"| {' | '.join(cells)} |")
            _say(lines[-1])
    return lines


def _sample(name: str) -> tuple[list[str], list[str]]:
    """Read texts and labels of at most 1,000 records, with the class sizes of the whole set."""
    kind, classes = SKEWED[name]
    if kind == "chunks":
        texts: list[str] = []
        labels: list[str] = []
        for file in sorted((SHARED / "chunking_eval" / "corpora").iterdir()):
            words = file.read_text().split()
            parts = [" ".join(words[at : at + 50]) for at in range(0, len(words), 50)]
            texts += parts
            labels += [file.stem] * len(parts)
    elif kind == "wordnet":
        with gzip.open(SHARED / "wordnet" / "wordnet30_glosses.tsv.gz", "rt") as stream:
            rows = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
        texts, labels = [row[3] for row in rows], [row[1] for row in rows]
    else:
        found = read(kind)
        texts, labels = found.texts, found.labels["intent" if kind == "banking77" else "coarse"]
        if name == "bank areas":
            labels = [_area(label) for label in labels]
    kept = np.flatnonzero([not classes or label in classes for label in labels])
    kept = np.random.default_rng(0).permutation(kept)[:1000]
    return [texts[row] for row in kept.tolist()], [labels[row] for row in kept.tolist()]


def _area(intent: str) -> str:
    areas = {
        "top": "top-up",
        "transfer": "transfer",
        "cash": "cash",
        "exchange": "exchange",
        "card": "card",
    }
    return next((area for part, area in areas.items() if part in intent), "other")


def _skewed_rows(labels: list[str], sizes: Sequence[int], seed: int) -> NDArray[np.int64]:
    """Draw rows so that classes have labels in these numbers; further classes have as many as the last.

    In even seeds, the most frequent class has the most labels; in odd ones, any class.
    """
    rng, array = np.random.default_rng([7, seed]), np.asarray(labels)
    kinds, counts = np.unique(array, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    if seed % 2:
        order = rng.permutation(order)
    parts = [
        rng.permutation(np.flatnonzero(array == kinds[kind]))[: sizes[min(at, len(sizes) - 1)]]
        for at, kind in enumerate(order.tolist())
    ]
    return np.sort(np.concatenate(parts))


def balanced(predicted: Sequence[Any], true: Sequence[str]) -> float:
    """Return the balanced accuracy in percent: the mean recall of the classes."""
    said, truth = np.asarray(predicted, dtype=object), np.asarray(true, dtype=object)
    return 100 * float(np.mean([np.mean(said[truth == kind] == kind) for kind in set(true)]))


CASES: dict[str, Callable[[Data, int], list[str]]] = {
    "shots": shots,
    "asked": asked,
    "names": names,
    "large": large,
    "skewed": skewed,
}


def main() -> None:
    """Run the cases and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=CASES, nargs="+", default=list(CASES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--vectors", type=Path, help="a folder to cache the vectors in")
    parser.add_argument("--write", action="store_true", help="write the tables to README.md")
    options = parser.parse_args()
    folder = options.vectors or cache_folder() / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    data = Data(folder)
    for name in options.only:
        try:
            lines = CASES[name](data, options.seeds)
        except Absent as error:
            lines = [str(error)]
        text = "\n".join(
            [f"`python benchmarks/fewshot.py --only {name} --seeds {options.seeds}`", "", *lines]
        )
        print(f"{text}\n", flush=True)
        if options.write:
            write(f"fewshot.py {name}", text)


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
