"""Whatever a search is made of, every record is returned or dropped by a stage that says why."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chromalab
from chromalab import Ball, Closer, GroupBy, Inside, K, Keyword, Knn, MinK, Plane, Rrf, Search
from chromalab.errors import InvalidArgumentError
from chromalab.search.steps import (
    AutoCut,
    Boost,
    Collapse,
    Highlight,
    MaxDistance,
    Mmr,
    NearDuplicates,
    Recency,
    Refine,
    Rerank,
    Steer,
    TokenBudget,
)

RECORDS = 30
MIXED = (True, "str", 1.5, None)


@pytest.fixture(scope="module", params=["l2", "cosine", "ip"])
def notes(request):
    """Records with ties, zero vectors, missing documents and values of several types."""
    vectors = np.random.default_rng(2).integers(-1, 2, (RECORDS, 3)).astype(np.float32)
    vectors[:2] = 0
    with chromalab.EphemeralClient() as client:
        collection = client.create_collection(
            "notes", embedding_function=None, configuration={"hnsw": {"space": request.param}}
        )
        collection.add(
            ids=[f"r{row}" for row in range(RECORDS)],
            embeddings=vectors,
            documents=[None if row % 7 == 6 else f"tea number {row % 4}" for row in range(RECORDS)],
            metadatas=[
                {"n": row, "kind": "ab"[row % 2], "mixed": MIXED[row % 4], "tags": ["x", "y"][: 1 + row % 2]}
                for row in range(RECORDS)
            ],
        )  # fmt: skip
        yield collection


vectors = st.lists(st.integers(-1, 1), min_size=3, max_size=3)
parts = st.one_of(
    st.builds(Ball, vectors, st.floats(0, 5)),
    st.builds(lambda center, radius: ~Ball(center, radius), vectors, st.floats(0, 2)),
    st.just(Closer("r3", ["r4", "r5"])),
    st.builds(Plane, vectors, st.floats(-1, 0)),
)
regions = parts | st.builds(lambda a, b: a & b, parts, parts)
limits = st.integers(1, 40)
near = st.builds(lambda vector, limit: Knn(vector, limit=limit), vectors, limits)
knn = near | st.builds(
    lambda source, step: source.then(step),
    near,
    st.sampled_from([Refine(2), Steer(like=["r3"], unlike=["r9"])]),
)
words = st.sampled_from(["tea", "number 2", "nothing else"])
keyword = st.builds(lambda text, limit: Keyword(text, limit=limit), words, limits)
inside = st.builds(lambda region, limit: Inside(region, limit=limit), regions, limits)
ranks = knn | st.builds(lambda a, b: Rrf.of(a, b), knn, keyword | inside) | knn.map(lambda a: a / 0)
steps = st.lists(
    st.sampled_from(
        [AutoCut(), Boost("mixed"), Boost("kind", "a"), Collapse("kind", order="n", neighbors=1),
         Collapse("tags", order="mixed", neighbors=2), Collapse("mixed"), Highlight(2), MaxDistance(2),
         Mmr(0.3), NearDuplicates(0.9), Recency("n"), Rerank(lambda query, texts: map_lengths(texts)),
         TokenBudget(9)]
    ),
    max_size=3,
)  # fmt: skip
searches = st.builds(
    lambda rank, kept, within, where, keys, limit, offset: Search(
        where, rank, keys and GroupBy(keys, MinK(K.SCORE, k=2)), steps=kept, within=within
    ).limit(limit, offset),
    st.none() | ranks,
    steps,
    st.lists(regions, max_size=1),
    st.sampled_from([None, K("n") < 20, K("mixed") == "str", {"mixed": {"$exists": False}}]),
    st.sampled_from([None, "mixed", "tags"]),
    st.integers(1, 40),
    st.integers(0, 3),
)  # fmt: skip


def map_lengths(texts):
    return np.array([len(text) for text in texts])


@settings(max_examples=60, deadline=None)
@given(searches)
def test_what_goes_in_comes_out_or_is_dropped_for_a_reason(notes, search):
    if search._rank is None:  # steps that compare with a query have none
        search = search._with(_steps=())
    result = notes.search(search)
    stages = [stage for _, stage in result.searches[0].ran.last.walk()]
    for stage in stages:
        assert stage.given == stage.kept + sum(stage.dropped.values())
        if len(stage.inputs) == 1:
            assert stage.given == stage.inputs[0].kept
    for id in notes.get(include=[])["ids"]:
        if id in result["ids"][0]:
            assert result.why(id).stages[-1][2] == result["ids"][0].index(id) + 1
            with pytest.raises(InvalidArgumentError, match="is in this result"):
                result.why_not(id)
        else:
            assert result.why_not(id).reason
