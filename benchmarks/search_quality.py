"""How good the results of searches are: dense, keyword, fused and reranked, on questions with known answers.

    python benchmarks/search_quality.py --write

Each row is compared with the better of the two single rankings, question by question. Options of fusion are
chosen on the even questions and measured on the odd ones.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import gettempdir

import numpy as np
from numpy.typing import NDArray
from tables import write
from texts import SHARED

import chromalab
from chromalab import Keyword, Knn, MaxSim, Rrf, Search
from chromalab.embed import MiniLM
from chromalab.evaluation.metrics import of_list, paired

_METRICS = ("ndcg@10", "recall@10")
_LIMIT, _WORDS = 50, 100
_WEIGHTS, _KS = ((1, 1), (2, 1), (3, 1), (1, 2)), (10, 60)

Vectors = NDArray[np.float32]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Set:
    """Documents (n) and questions (q), their MiniLM vectors, and the ids of each question's answers."""

    name: str
    documents: list[str]
    questions: list[str]
    document_vectors: Vectors
    question_vectors: Vectors
    answers: list[set[str]]


def read(name: str) -> Set:
    """Read "chunks", passages of 100 words and questions about them, or "cran", abstracts and requests."""
    with np.load(SHARED / "feedback" / f"{name}.npz") as file:
        data = {key: file[key] for key in file.files}
    texts, questions = (_chunks if name == "chunks" else _cranfield)()
    answers: list[set[str]] = [set() for _ in data["query_ids"]]
    for query, document in data["relevant"]:
        answers[query].add(str(document))
    return Set(
        {"chunks": "Chunks", "cran": "Cranfield"}[name],
        [texts[id] for id in data["doc_ids"].tolist()],
        [questions[id] for id in data["query_ids"].tolist()],
        data["doc_vectors"].astype(np.float32),
        data["query_vectors"].astype(np.float32),
        answers,
    )


def _chunks() -> tuple[dict[str, str], dict[str, str]]:
    folder, texts = SHARED / "chunking_eval", {}
    for file in (folder / "corpora").glob("*.md"):
        words = file.read_text(encoding="utf-8").split()
        for number, start in enumerate(range(0, len(words), _WORDS)):
            texts[f"{file.stem}:{number}"] = " ".join(words[start : start + _WORDS])
    with (folder / "questions_df.csv").open(newline="", encoding="utf-8") as lines:
        return texts, {str(at): line["question"] for at, line in enumerate(csv.DictReader(lines))}


def _cranfield() -> tuple[dict[str, str], dict[str, str]]:
    def records(name: str) -> list[tuple[str, str]]:
        """Read the id and the text (field W) of each record."""
        text = (SHARED / "cranfield" / name).read_text(encoding="utf-8")
        parts = [record.partition("\n") for record in f"\n{text}".split("\n.I ")[1:]]
        return [(id.strip(), " ".join(rest.rpartition(".W\n")[2].split())) for id, _, rest in parts]

    questions = {str(at): text for at, (_, text) in enumerate(records("cran.qry"), 1)}
    return dict(records("cran.all.1400")), questions


class Tokens:
    """MiniLM whose token vectors of known texts are stored, in half precision.

    Args:
        folder: Where the vectors are stored.
        texts: The texts, which are embedded unless the folder has them.
    """

    def __init__(self, folder: Path, texts: Sequence[str]) -> None:
        known = list(dict.fromkeys(texts))
        digest = blake2b("\0".join(known).encode(), digest_size=12).hexdigest()
        files = [folder / f"{part}-{digest}.npy" for part in ("tokens", "lengths")]
        if not files[-1].exists():
            made = [
                own.astype(np.float16)
                for start in range(0, len(known), 200)
                for own in MiniLM().embed_tokens(known[start : start + 200])
            ]
            np.save(files[0], np.concatenate(made))
            np.save(files[1], [len(own) for own in made])
        self._rows = {text: row for row, text in enumerate(known)}
        self._tokens, self._lengths = (np.load(file, mmap_mode="r") for file in files)
        self._ends = np.cumsum(self._lengths)

    def __call__(self, input: Sequence[str]) -> Vectors:
        """Embed texts by MiniLM."""
        return MiniLM()(input)

    def embed_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Return the token vectors of texts."""
        rows = [self._rows[text] for text in texts]
        return [
            self._tokens[self._ends[row] - self._lengths[row] : self._ends[row]].astype(np.float32)
            for row in rows
        ]


Searches = Callable[[str, Vectors], Search]


def fused(weights: Sequence[float] | None = None, k: int = 60) -> Searches:
    """Return hybrid searches with these options."""
    return lambda text, vector: Search().rank(
        Rrf.of(Knn(vector), Keyword(text), weights=weights, k=k, limit=_LIMIT)
    )


ROWS: dict[str, Searches] = {
    "dense (Knn)": lambda text, vector: Search().rank(Knn(vector, limit=_LIMIT)),
    "words (Keyword)": lambda text, vector: Search().rank(Keyword(text, limit=_LIMIT)),
    "fused (Rrf.of)": fused(),
    "fused, then MaxSim": lambda text, vector: fused()(text, vector).then(MaxSim(_LIMIT)),
}


def found(one: Set, collection: chromalab.Collection, searches: Searches) -> list[list[str]]:
    """Run a search per question, all in one call."""
    pairs = zip(one.questions, one.question_vectors, strict=True)
    lists = collection.search([searches(text, vector) for text, vector in pairs])["ids"]
    return [list(ids) for ids in lists]


def measured(one: Set, lists: list[list[str]]) -> dict[str, Scores]:
    """Return each metric per question."""
    pairs = zip(lists, one.answers, strict=True)
    scores = [of_list(ids, dict.fromkeys(answers, 1.0)) for ids, answers in pairs]
    return {metric: np.array([one[metric] for one in scores]) for metric in _METRICS}


def fuse(lists: Sequence[list[str]], weights: Sequence[float], k: int) -> list[str]:
    """Fuse lists as `Rrf.of` does."""
    ranks = [dict(zip(ids, range(len(ids)), strict=True)) for ids in lists]

    def score(id: str) -> float:
        return sum(w / (k + own.get(id, _LIMIT)) for w, own in zip(weights, ranks, strict=True))

    return sorted({id for ids in lists for id in ids}, key=lambda id: (-score(id), int(id)))


def main() -> None:
    """Measure both sets, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    parser.add_argument("--folder", type=Path, default=Path(gettempdir()), help="stored vectors")
    parser.add_argument("--max-sim", nargs="*", default=["chunks", "cran"], help="sets to rerank")
    options = parser.parse_args()
    head = " | ".join(f"{metric} | change ± se, p" for metric in _METRICS)
    lines = [f"| set | ranking | {head} |", "|---|---|" + "---:|---|" * len(_METRICS)]
    chosen = []
    for name in ("chunks", "cran"):
        one = read(name)
        function = (
            Tokens(options.folder, one.documents + one.questions)
            if name in options.max_sim
            else None
        )
        with chromalab.EphemeralClient() as client:
            collection = client.create_collection("texts", embedding_function=function)
            ids = [str(row) for row in range(len(one.documents))]
            collection.add(ids=ids, embeddings=one.document_vectors, documents=one.documents)
            lists = {
                label: found(one, collection, searches)
                for label, searches in ROWS.items()
                if function is not None or "MaxSim" not in label
            }
        rows = {label: measured(one, own) for label, own in lists.items()}
        lines += _compared(one.name, rows, list(ROWS)[:2])
        pairs = list(zip(*(lists[label] for label in list(ROWS)[:2]), strict=True))
        variants = {
            (weights, k): measured(one, [fuse(pair, weights, k) for pair in pairs])["ndcg@10"]
            for weights in _WEIGHTS
            for k in _KS
        }
        chosen.append(_chosen(one.name, variants))
    text = "\n".join([*lines, "", *chosen])
    print(text)
    if options.write:
        write("search_quality.py", text)


def _compared(name: str, rows: dict[str, dict[str, Scores]], single: Sequence[str]) -> list[str]:
    """Format rows with their difference from the better single ranking of each metric."""
    lines = []
    for label, scores in rows.items():
        cells = []
        for metric in _METRICS:
            best = max(single, key=lambda other: float(rows[other][metric].mean()))
            pair = paired(rows[best][metric], scores[metric])
            change = f"{pair.difference:+.3f} ± {pair.se:.3f}, {pair.p:.3f}"
            cells += [f"{pair.after:.3f}", "" if label == best else change]
        lines.append(f"| {name} | {label} | {' | '.join(cells)} |")
    return lines


def _chosen(name: str, variants: dict[tuple[tuple[int, int], int], Scores]) -> str:
    """Say which options are best on the even questions, and what they give on the odd ones."""
    best = max(variants, key=lambda options: float(variants[options][::2].mean()))
    change = paired(variants[(1, 1), 60][1::2], variants[best][1::2])
    return (
        f"* {name}: on the even questions, weights {best[0][0]}:{best[0][1]} with k {best[1]} have "
        f"the highest nDCG@10; on the odd ones it is {change.after:.3f}, and {change.before:.3f} with "
        f"1:1 and 60 ({change.difference:+.3f} ± {change.se:.3f}, p = {change.p:.3f})."
    )


if __name__ == "__main__":
    main()
