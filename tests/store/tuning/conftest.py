"""A synthetic world of records and queries in which there is something to learn."""

import numpy as np
import pytest

from chromalab.evaluation.metrics import of_ranks, paired
from chromalab.feedback import ResolvedJudgments, tune


class World:
    """Records in groups that differ in few of many directions; a query asks for its group."""

    def __init__(self, seed=0, *, records=400, queries=60, dimension=32, groups=20, informative=8):
        random = np.random.default_rng(seed)
        centers = random.normal(size=(groups, informative))
        self.group = np.arange(records) % groups
        self.asked = np.arange(queries) % groups
        self.documents = self._rows(random, centers[self.group], dimension, informative)
        self.queries = self._rows(random, centers[self.asked], dimension, informative)
        self.random = random

    @staticmethod
    def _rows(random, informative, dimension, count):
        rows = random.normal(size=(len(informative), dimension)) * 0.7
        rows[:, :count] = informative + random.normal(size=informative.shape) * 0.4
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def judged(self, queries=None, each=3, **options):
        """Judges as many answers as non-answers per query, the latter from the top of its ranking."""
        queries = range(0, len(self.queries), 2) if queries is None else queries
        pairs, relevance = [], []
        for query in queries:
            ranking = np.argsort(-(self.documents @ self.queries[query]), kind="stable")
            right = self.group[ranking] == self.asked[query]
            answers = self.random.permutation(ranking[right])[:each]
            others = self.random.permutation(ranking[~right][:20])[:each]
            pairs += [(query, row) for row in [*answers, *others]]
            relevance += [1] * len(answers) + [-1] * len(others)
        return ResolvedJudgments.of(self.queries, self.documents, pairs, relevance, **options)

    def ndcg(self, transform=None):
        """Returns (30,) nDCG@10 of the odd queries, which are never judged."""
        queries, documents = self.queries[1::2], self.documents
        if transform is not None:
            queries, documents = transform.queries(queries), transform.documents(documents)
        found = []
        for row, group in zip(queries @ documents.T, self.asked[1::2], strict=True):
            ranks = 1 + np.flatnonzero(self.group[np.argsort(-row, kind="stable")] == group)
            found.append(of_ranks(ranks)["ndcg@10"])
        return np.array(found)

    def change(self, transform):
        """Compares these queries with and without a transform."""
        return paired(self.ndcg(), self.ndcg(transform))


@pytest.fixture
def new_world():
    """Makes a new world."""
    return World


@pytest.fixture(scope="module")
def world():
    return World()


@pytest.fixture(scope="module")
def report(world):
    return tune(world.judged())
