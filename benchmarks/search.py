"""Keyword search beside bm25s: the same scores, the time of a query, the size of the index; and stems.

Both get the same terms, those of `chromalab.engine.inverted`, and score by the same formula. Rounds
alternate, and the CPU time of the best one counts. Ours includes the read transaction and splitting the
query; that of bm25s includes splitting the query.

    python benchmarks/search.py
    python benchmarks/search.py --rows 20000 --rounds 3
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from glosses import SOURCE
from texts import SHARED

import chromalab
from chromalab.engine.inverted import KeywordScores, keyword_scores
from chromalab.engine.inverted.terms import query_terms, term_numbers
from chromalab.stemmer import english_stem

QUERIES, WORDS, K = 200, 8, 10
_DISCOUNT = 1 / np.log2(np.arange(2, K + 2))


Relevant = dict[int, set[int]]


def cranfield() -> tuple[list[str], list[str], Relevant]:
    """Read the abstracts and the queries of Cranfield, and the rows of what is relevant to each."""
    folder = SHARED / "cranfield"
    texts = (folder / "cran.all.1400").read_text().split("\n.I ")
    abstracts = [re.split(r"\n\.W\n?", text, maxsplit=1)[1] for text in texts]
    queries = (folder / "cran.qry").read_text().split(".I ")[1:]
    relevant: Relevant = {}
    for line in (folder / "cranqrel").read_text().splitlines():
        query, abstract, grade = map(int, line.split()[:3])
        if grade > 0:
            relevant.setdefault(query - 1, set()).add(abstract - 1)
    return abstracts, [query.split("\n.W\n")[1].strip() for query in queries], relevant


def passages() -> tuple[list[str], list[str], Relevant]:
    """Read passages of 100 words of the corpora of chunking_eval, and its questions."""
    folder, texts, places = SHARED / "chunking_eval", [], {}
    for file in sorted((folder / "corpora").iterdir()):
        words = list(re.finditer(r"\S+", corpus := file.read_text()))
        for first in range(0, len(words), 100):
            start, end = words[first].start(), words[first : first + 100][-1].end()
            places.setdefault(file.stem, []).append((start, end, len(texts)))
            texts.append(corpus[start:end])
    with (folder / "questions_df.csv").open() as file:
        rows = list(csv.DictReader(file))
    relevant: Relevant = {}
    for query, row in enumerate(rows):
        for span in json.loads(row["references"]):
            for start, end, text in places[row["corpus_id"]]:
                if start < span["end_index"] and end > span["start_index"]:
                    relevant.setdefault(query, set()).add(text)
    return texts, [row["question"] for row in rows], relevant


def glosses(rows: int | None) -> tuple[list[str], list[str]]:
    """Read WordNet's glosses, and make queries of the first words of some of them."""
    with gzip.open(SOURCE, "rt", encoding="utf-8", newline="") as file:
        texts = [row[3] for row in csv.reader(file, delimiter="\t")][1:][:rows]
    chosen = random.Random(0).sample(texts, QUERIES)
    return texts, [" ".join(text.split()[:WORDS]) for text in chosen]


class Ours:
    """A collection with its documents, in a folder."""

    def __init__(self, texts: Sequence[str], folder: str) -> None:
        client = chromalab.PersistentClient(folder, durability="off")
        self._collection = client.create_collection("texts", embedding_function=None)
        for start in range(0, len(texts), 5000):
            part = list(texts[start : start + 5000])
            ids = [str(start + at) for at in range(len(part))]
            self._collection.add(ids=ids, embeddings=np.zeros((len(part), 1)), documents=part)
        self._folder = Path(folder)

    def search(self, query: str) -> KeywordScores:
        """Find the best records."""
        engine = self._collection.engine.engine
        return engine._read(
            self._collection.id, lambda found: keyword_scores(found, "#document", query, K, None)
        )

    def write(self, at: int) -> None:
        """Add a record."""
        self._collection.add(ids=[f"new {at}"], embeddings=[[0]], documents=["a new record"])

    def megabytes(self) -> float:
        """The size of the index file."""
        return sum(file.stat().st_size for file in (self._folder / "index").iterdir()) / 1e6


class Peer:
    """bm25s over the same terms."""

    def __init__(self, texts: Sequence[str], backend: str) -> None:
        import bm25s

        lengths, numbers = term_numbers(texts)
        terms, ids = np.unique(numbers, return_inverse=True)
        parts = np.split(ids, np.cumsum(lengths)[:-1])
        self._known = {int(term): at for at, term in enumerate(terms)}
        self._index = bm25s.BM25(method="lucene", k1=1.2, b=0.75, backend=backend)
        vocabulary = {str(at): at for at in range(len(terms))}
        self._index.index(([part.tolist() for part in parts], vocabulary), show_progress=False)

    def search(self, query: str) -> tuple[Any, Any]:
        """Find the best texts: their positions and scores."""
        found = query_terms(query).values()
        terms = [
            self._known[term] for term, times in found for _ in range(times) if term in self._known
        ]
        positions, scores = self._index.retrieve([terms], k=K, show_progress=False)
        return positions[0], scores[0]

    def megabytes(self) -> float:
        """The size of its files."""
        with tempfile.TemporaryDirectory() as folder:
            self._index.save(folder)
            return sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6


def timed(step: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a step, and its result."""
    start = time.process_time()
    result = step()
    return time.process_time() - start, result


def agreement() -> None:
    """Print how far the scores on Cranfield are from those of bm25s, which are float32."""
    texts, queries, _ = cranfield()
    peer = Peer(texts, "numpy")
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(texts, folder)
        worst, same = 0.0, 0
        for query in queries:
            found, (positions, scores) = ours.search(query), peer.search(query)
            worst = max(worst, float(np.abs(found.scores / scores - 1).max()))
            same += set(found.positions.tolist()) == set(positions.tolist())
    print(f"### agreement\n\nCranfield: {len(queries)} queries, {K} results each\n")
    print("| | |\n|---|---:|")
    print(f"| largest relative difference of a score | {worst:.1e} |")
    print(f"| queries with the same {K} records | {same} of {len(queries)} |\n")


def stems() -> None:
    """Print nDCG@10 with words as they are, and with stems, as keyword search has them."""
    import bm25s

    print("### stems\n\nnDCG@10, by the formula of keyword search\n")
    print("| | words | stems | difference | z |\n|---|---:|---:|---:|---:|")
    for name, read in (("Cranfield", cranfield), ("chunking_eval", passages)):
        texts, queries, relevant = read()
        found = []
        for term in (str, english_stem):

            def split(text: str, term: Callable[[str], str] = term) -> list[str]:
                return [term(word) for word in re.findall(r"[a-z0-9]+", text.lower())]

            index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
            index.index([split(text) for text in texts], show_progress=False)
            ranked, _ = index.retrieve([*map(split, queries)], k=K, show_progress=False)
            hits = [[text in relevant[query] for text in ranked[query]] for query in relevant]
            ideal = [_DISCOUNT[: len(relevant[query])].sum() for query in relevant]
            found.append(np.array(hits) @ _DISCOUNT / ideal)
        gain = found[1] - found[0]
        z = gain.mean() / (gain.std() / np.sqrt(len(gain)))
        means = f"{found[0].mean():.3f} | {found[1].mean():.3f} | {gain.mean():+.3f}"
        print(f"| {name}, {len(gain)} queries | {means} | {z:.1f} |")
    print()


def speed(rows: int | None, rounds: int) -> None:
    """Print the CPU time of a query, of the first one, and after a write, and the size of the index."""
    texts, queries = glosses(rows)
    term_numbers(texts)  # so that the stems are cached for both
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(texts, folder)
        made = {"chromalab": timed(lambda: ours.search(queries[0]))[0]}
        peers = {}
        for backend in ("numpy", "numba"):
            made[f"bm25s, {backend}"], peers[f"bm25s, {backend}"] = timed(
                lambda backend=backend: Peer(texts, backend)
            )
            peers[f"bm25s, {backend}"].search(queries[0])  # numba compiles
        systems: dict[str, Any] = {"chromalab": ours, **peers}
        best = dict.fromkeys(systems, float("inf"))
        for turn in range(rounds):
            for name in list(systems) if turn % 2 else list(systems)[::-1]:
                search = systems[name].search
                seconds, _ = timed(lambda search=search: [search(query) for query in queries])
                best[name] = min(best[name], seconds / len(queries) * 1e3)
        sizes = {name: system.megabytes() for name, system in systems.items()}
        written = [
            timed(lambda at=at: (ours.write(at), ours.search(queries[at])))[0] for at in range(50)
        ]
    print(f"### keywords\n\n{len(texts):,} glosses; {len(queries)} queries of {WORDS} words\n")
    print(f"| | {' | '.join(systems)} |\n|---{'|---:' * len(systems)}|")
    for label, values, digits in (
        ("one query, ms", best, 2),
        ("index from split texts, s", made, 1),
        ("size of the index, MB", sizes, 1),
    ):
        print(f"| {label} | {' | '.join(f'{values[name]:.{digits}f}' for name in systems)} |")
    after = f"{np.median(written) * 1e3:.1f}"
    print(f"| add of one record, then a query, ms | {after} | index again | index again |\n")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    agreement()
    stems()
    speed(chosen.rows, chosen.rounds)


if __name__ == "__main__":
    main()
