"""The cases of `analytics`: the jobs that each runs, and their answers as table rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alone import alone
from texts import Absent, read

__all__ = ["CASES", "Bench", "Table"]

# CPU seconds at most, scaled by the CPU time of the hnswlib graph in the same run, which took 54 s when
# these targets were set.
LATER = {
    "HDBSCAN": 1.0,
    "Leiden, one resolution": 2.5,
    "duplicates, semantic": 0.05,
    "outliers": 0.05,
    "label propagation, 20 labels": 0.6,
    "topic names of another clustering": 0.05,
}
_YARDSTICK = 54.0
_SIZES = (10_000, 50_000, 100_000)
_COMPARED = 50_000  # records; comparing all pairs is omitted above this
_LABELED = {
    "banking77": None,
    "banking77 test": None,
    "trec": None,
    "glosses": 10_000,
}
_FOREIGN = ("200 of trec", "200 of snli", "200 of glosses")
_TABLES = ("abt_buy", "walmart_amazon")
_MODELS = ("MiniLM", "WordLlama")


@dataclass
class Table:
    """The result of a case.

    Attributes:
        heads: The headings of the columns.
        rows: The cells.
        notes: Sentences below the table, including what could not be measured, and why.
    """

    heads: list[str]
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: Any) -> None:
        """Add a row, with numbers rounded."""
        self.rows.append([cell if isinstance(cell, str) else figure(cell) for cell in cells])

    def lines(self) -> list[str]:
        """Return the table as lines of Markdown."""
        lines = [f"| {' | '.join(self.heads)} |", "|" + "---|" * len(self.heads)]
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        return [*lines, *[part for note in self.notes for part in ("", note)]]


class Bench:
    """One run: its data folder, its maximum number of records, and the processes it starts.

    Args:
        folder: The folder in which vectors are cached.
        rows: The maximum number of records per case, or None for no limit.
        say: Called with a line about what is being measured.
    """

    def __init__(self, folder: Path, rows: int | None, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.rows = rows
        self.failed = False
        self._say = say

    def at_most(self, rows: int | None) -> int | None:
        """Return the number of records, limited by the option --rows."""
        return min(filter(None, (rows, self.rows)), default=None)

    def ask(self, table: Table, job: str, **given: Any) -> dict[str, Any] | None:
        """Run a job; return None if there is no answer, and add a note with the reason."""
        self._say(" ".join(map(str, (job, *given.values()))))
        answer = alone(job, self.folder, **given)
        if "problem" in answer:
            self.failed |= " stopped: " in answer["problem"]
            table.notes.append(f"Without {job}: {answer['problem']}.")
            return None
        return answer

    def embed(self, table: Table, name: str, model: str, rows: int | None = None) -> bool:
        """Embed a set; return False if its files are missing, and add a note with the reason."""
        try:
            read(name, rows)
        except Absent as error:
            table.notes.append(f"Without {name}: {error}")
            return False
        return self.ask(table, "texts.embed", name=name, model=model, rows=rows) is not None


def graph(bench: Bench) -> Table:
    """Compare the graph with the cheapest other way to compute it."""
    table = Table(["records", "system", "CPU s", "wall s", "recall@15", "CPU / cheapest peer"])
    if not bench.embed(table, "glosses", "WordLlama"):
        return table
    for rows in sorted({bench.at_most(size) for size in _SIZES}):
        peers = ["hnswlib_graph", "pynndescent_graph"]
        if rows <= _COMPARED:
            peers.insert(0, "exact_graph")
        answers = {name: bench.ask(table, f"analytics_peers.{name}", rows=rows) for name in peers}
        answers = {name: answer for name, answer in answers.items() if answer}
        cheapest = min((answer["cpu"] for answer in answers.values()), default=math.nan)
        ours = bench.ask(table, "analytics_ours.graph", rows=rows)
        for name, answer in {"chromalab": ours, **answers}.items():
            if answer:
                label = name.removesuffix("_graph")
                label += ", all pairs" if answer.get("exact") else ""
                cost = (answer["cpu"], answer["wall"], answer["recall"])
                table.add(f"{rows:,}", label, *cost, answer["cpu"] / cheapest)
    return table


def later(bench: Bench) -> Table:
    """Measure what an analysis costs once the graph exists."""
    table = Table(["analysis", "CPU s", "at most", "reached"])
    rows = bench.at_most(_SIZES[-1])
    if not all(bench.embed(table, "glosses", "WordLlama", size) for size in (None, rows)):
        return table
    peer = bench.ask(table, "analytics_peers.hnswlib_graph", rows=rows)
    ours = bench.ask(table, "analytics_ours.later", rows=rows)
    if ours and peer:
        for name, bar in LATER.items():
            cpu, most = ours["cpus"][name], bar * peer["cpu"] / _YARDSTICK
            table.add(name, cpu, most, _met(cpu <= most))
        table.notes.insert(
            0,
            f"{rows:,} records; building their hnswlib graph took {figure(peer['cpu'])} CPU s in the "
            f"same run. At most: the target set on a machine where that took {_YARDSTICK:.0f}, in "
            "proportion.",
        )
    return table


def umap(bench: Bench) -> Table:
    """Compare a map made from the graph with one made from scratch."""
    heads = ["records", "system", "CPU s", "wall s", "trustworthiness@15", "CPU / chromalab"]
    table = Table(heads)
    for rows in dict.fromkeys((bench.at_most(10_000), bench.at_most(None))):
        if not bench.embed(table, "banking77", "MiniLM", rows):
            continue
        given = {"name": "banking77", "rows": rows}
        answers = {
            "chromalab, from the cached graph": bench.ask(
                table, "analytics_ours.umap_map", **given
            ),
            "umap.UMAP": bench.ask(table, "analytics_peers.umap_map", **given, seed=None),
            "umap.UMAP, seeded": bench.ask(table, "analytics_peers.umap_map", **given, seed=0),
        }
        ours = next(iter(answers.values()))
        count = len(read("banking77", rows).texts)
        for name, answer in answers.items():
            if answer:
                ratio = answer["cpu"] / ours["cpu"] if ours else math.nan
                cost = (answer["cpu"], answer["wall"], answer["trust"], ratio)
                table.add(f"{count:,}", name, *cost)
    return table


def clusters(bench: Bench) -> Table:
    """Compare clusters with classes assigned by people."""
    table = Table(["set", "system", "ARI", "AMI", "noise", "clusters", "CPU s"])
    systems = {
        "chromalab": "analytics_ours.clusters",
        "KMeans, true k": "analytics_peers.kmeans",
        "EVoC": "analytics_peers.evoc",
        "HDBSCAN": "analytics_peers.hdbscan",
        "BERTopic": "analytics_peers.bertopic",
    }
    for name, most in _LABELED.items():
        rows = bench.at_most(most)
        if not bench.embed(table, name, "MiniLM", rows):
            continue
        found = {
            label: bench.ask(table, job, name=name, rows=rows) for label, job in systems.items()
        }
        for kind, truth in read(name, rows).labels.items():
            for label, answer in found.items():
                if answer:
                    by = answer["by"][kind]
                    head = f"{name}, {len(truth):,}, {len(set(truth))} by {kind}"
                    score = (by["ari"], by["ami"], f"{by['noise']:.1%}", str(by["k"]), by["cpu"])
                    table.add(head, label, *score)
    return table


def duplicates(bench: Bench) -> Table:
    """Search for copies that were altered in known ways."""
    heads = ["records", "vectors", "system", "threshold", "precision", "recall", "F1", "CPU s"]
    table = Table(heads)
    rows = bench.at_most(12_500)
    for model in _MODELS:
        if bench.embed(table, "perturbed", model, rows):
            _duplicates(bench, table, model, rows)
    given = {"name": "perturbed", "rows": rows}
    found = bench.ask(table, "analytics_peers.minhash", **given)
    for what, label in {"default": "MinHash", "best": "MinHash, best threshold"}.items():
        if found:
            _pair_row(table, rows, "", label, found[what], found["cpu"])
    rows = bench.at_most(_SIZES[-1])
    if bench.embed(table, "perturbed", "WordLlama", rows):
        _duplicates(bench, table, "WordLlama", rows)
    return table


def _duplicates(bench: Bench, table: Table, model: str, rows: int) -> None:
    given = {"name": "perturbed", "model": model, "rows": rows}
    ours = bench.ask(table, "analytics_ours.duplicates", **given)
    if ours:
        total = ours["cpu"] + ours["graph_cpu"]
        cpu = f"{figure(ours['cpu'])}; {figure(total)} with the graph"
        for what, label in {"default": "pairs", "groups": "groups"}.items():
            _pair_row(table, rows, model, f"chromalab, {label}", ours[what], cpu)
    theirs = bench.ask(table, "analytics_peers.semhash", **given)
    if theirs:
        _pair_row(table, rows, model, "SemHash", theirs["default"], theirs["cpu"])
        if "best" in theirs:
            label = "SemHash, best threshold"
            _pair_row(table, rows, model, label, theirs["best"], theirs["cpu"])
    if rows <= 20_000:
        found = bench.ask(table, "analytics_peers.cosine", **given)
        if found:
            _pair_row(table, rows, model, "cosine, best threshold", found["best"], found["cpu"])


def _pair_row(table: Table, rows: int, model: str, label: str, score: Any, cpu: Any) -> None:
    cut = f"{score['threshold']:.2f}" + (f", {score['lexical']:.2f}" if "lexical" in score else "")
    table.add(f"{rows:,}", model, label, cut, score["precision"], score["recall"], score["f1"], cpu)


def entities(bench: Bench) -> Table:
    """Link the records of two tables."""
    heads = ["tables", "vectors", "system", "threshold", "precision", "recall", "F1", "CPU s"]
    table = Table(heads)
    systems = {
        "chromalab": ("analytics_ours.links", "default"),
        "SemHash, best threshold": ("analytics_peers.semhash_link", "best"),
        "cosine, best threshold": ("analytics_peers.cosine_link", "best"),
    }
    for name in _TABLES:
        for model in _MODELS:
            if not bench.embed(table, name, model):
                continue
            for label, (job, what) in systems.items():
                answer = bench.ask(table, job, name=name, model=model)
                if answer:
                    score = answer[what]
                    cut = f"{score['threshold']:.2f}"
                    quality = (score["precision"], score["recall"], score["f1"])
                    table.add(name, model, label, cut, *quality, answer["cpu"])
    return table


def outliers(bench: Bench) -> Table:
    """Find texts from other sets among the texts of one domain."""
    systems = {
        "chromalab": "analytics_ours.foreign",
        "LOF": "analytics_peers.lof",
        "GLOSH": "analytics_peers.glosh",
        "IsolationForest": "analytics_peers.isolation_forest",
    }
    table = Table(["foreign texts", "system", "AUROC", "CPU s"])
    rows = bench.at_most(None)
    if not bench.embed(table, "banking77", "MiniLM", rows):
        return table
    for away in _FOREIGN:
        if not bench.embed(table, away, "MiniLM"):
            continue
        for label, job in systems.items():
            answer = bench.ask(table, job, away=away, rows=rows)
            if answer:
                table.add(away, label, answer["auroc"], answer["cpu"])
    return table


def growth(bench: Bench) -> Table:
    """Compare the cost for ten times as many records."""
    small, large = (bench.at_most(size) for size in (_SIZES[0], _SIZES[-1]))
    if small == large:
        small = large // 10
    table = Table(["step", f"{small:,}", f"{large:,}", "ratio", "n log n"])
    answers = []
    for rows in (small, large):
        if not bench.embed(table, "glosses", "WordLlama", rows):
            return table
        answers.append(bench.ask(table, "analytics_ours.growth", rows=rows))
    if all(answers):
        expected = large * math.log(large) / (small * math.log(small))
        less, more = (answer["cpus"] for answer in answers)
        less, more = ({**cpus, "all": sum(cpus.values())} for cpus in (less, more))
        for step, cpu in less.items():
            table.add(f"{step}, CPU s", cpu, more[step], more[step] / cpu, expected)
        memory = [answer["memory"] for answer in answers]
        table.add("peak memory of the process, MB", *memory, memory[1] / memory[0], "")
    return table


def figure(value: float) -> str:
    """Format a number, such as "0.983", "4.21", "54.0" or "1,230"."""
    if math.isnan(value):
        return ""
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{places}f}"


def _met(reached: bool) -> str:
    return "yes" if reached else "no"


CASES: dict[str, Callable[[Bench], Table]] = {
    "graph": graph,
    "later": later,
    "umap": umap,
    "clusters": clusters,
    "duplicates": duplicates,
    "entities": entities,
    "outliers": outliers,
    "growth": growth,
}
"""Name -> function that measures it."""
