"""Every step keeps what a plain reading of it keeps, and says why it drops the others."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chromalab
from chromalab import K, Keyword, Knn, Rrf, Search
from chromalab.embed import MiniLM
from chromalab.errors import InvalidArgumentError, NotFoundError
from chromalab.search.steps import (
    AutoCut,
    Boost,
    Collapse,
    Expand,
    Highlight,
    Hyde,
    MaxDistance,
    MaxSim,
    Mmr,
    NearDuplicates,
    Recency,
    Refine,
    Rerank,
    Rewrite,
    Steer,
    TokenBudget,
)

RECORDS = 30
TEXTS = [
    f"{'tea ' * (row % 4)}number {row} of {'long ' * (row % 6)}lines" for row in range(RECORDS)
]


@pytest.fixture(scope="module")
def notes():
    """Chunks of six books, with dates."""
    random = np.random.default_rng(5)
    vectors = random.normal(size=(RECORDS, 4)).astype(np.float32)
    vectors[1] = vectors[0] * 1.001
    with chromalab.EphemeralClient() as client:
        collection = client.create_collection(
            "notes", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        collection.add(
            ids=[f"r{row}" for row in range(RECORDS)],
            embeddings=vectors,
            documents=TEXTS,
            metadatas=[
                {"book": row % 6, "n": row // 6, "date": f"2024-01-{row + 1:02}", "likes": row % 3}
                for row in range(RECORDS)
            ],
        )
        yield collection, vectors.astype(np.float64)


def found(collection, query, *steps, limit=None, k=RECORDS):
    """The rows that a search returns."""
    search = Search().rank(Knn(query, limit=k)).then(*steps)
    search = search if limit is None else search.limit(limit)
    return [int(id[1:]) for id in collection.search(search)["ids"][0]]


queries = st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=4).filter(
    lambda q: np.linalg.norm(q) > 0.1
)


@settings(max_examples=40, deadline=None)
@given(queries, st.floats(0, 1), st.integers(1, RECORDS))
def test_mmr_is_the_published_formula(notes, query, diversity, limit):
    collection, vectors = notes
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    relevance = unit @ (np.float32(query) / np.linalg.norm(np.float32(query)))
    chosen = []
    order = np.argsort(-relevance, kind="stable").tolist()
    while len(chosen) < limit:
        rest = [row for row in order if row not in chosen]
        like = [max((unit[row] @ unit[other] for other in chosen), default=0) for row in rest]
        balance = [
            (1 - diversity) * relevance[row] - diversity * near
            for row, near in zip(rest, like, strict=True)
        ]
        chosen.append(rest[int(np.argmax(np.round(balance, 9)))])
    mine = found(collection, query, Mmr(diversity), limit=limit)

    def value(rows):
        total = 0
        for at, row in enumerate(rows):
            near = max((unit[row] @ unit[other] for other in rows[:at]), default=0)
            total += (1 - diversity) * relevance[row] - diversity * near
        return total

    assert mine == chosen or math.isclose(value(mine), value(chosen), abs_tol=1e-6)


@settings(max_examples=40, deadline=None)
@given(queries, st.floats(0, 2))
def test_max_distance_keeps_what_is_near(notes, query, distance):
    collection, _ = notes
    far = dict(zip(*(v[0] for v in (lambda r: (r["ids"], r["distances"]))(
        collection.query(query_embeddings=[query], n_results=RECORDS))), strict=True))  # fmt: skip
    assert {f"r{row}" for row in found(collection, query, MaxDistance(distance))} == {
        id for id, d in far.items() if d <= distance
    }


@settings(max_examples=40, deadline=None)
@given(queries, st.floats(0, 1))
def test_near_duplicates_leaves_no_two_that_are_nearly_the_same(notes, query, similarity):
    collection, vectors = notes
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    kept = found(collection, query, NearDuplicates(similarity))
    cosines = unit[kept] @ unit[kept].T
    assert cosines[np.triu_indices(len(kept), 1)].max(initial=-1) < similarity
    everything = found(collection, query)
    for row in set(everything) - set(kept):
        better = [other for other in kept if everything.index(other) < everything.index(row)]
        assert (unit[better] @ unit[row]).max() >= similarity - 1e-9


def test_steps_that_drop_records_find_more_until_there_are_enough(notes):
    collection, vectors = notes
    search = Search().rank(Knn(vectors[0], limit=2)).then(NearDuplicates(0.99)).limit(5)
    assert len(collection.search(search)["ids"][0]) == 5


def test_steps_that_end_the_result_do_not_find_more(notes):
    collection, vectors = notes
    search = Search().rank(Knn(vectors[0], limit=8)).limit(20)
    for step in (MaxDistance(0.3), AutoCut(), TokenBudget(12)):
        result = collection.search(search.then(step))
        (source,) = [s for _, s in result.searches[0].ran.last.walk() if s.name == "Knn"]
        assert source.kept == 8
        assert f"of 20 wanted; {type(step).__name__} dropped the others" in repr(result)


def test_a_result_says_that_there_are_no_more(notes):
    collection, vectors = notes
    search = Search().where(K("book") == 3).rank(Knn(vectors[0])).limit(20)
    assert "5 of 20 wanted; there are no more" in repr(collection.search(search))
    unlike = search.then(NearDuplicates(0))
    assert "wanted; NearDuplicates dropped the others" in repr(collection.search(unlike))


def test_auto_cut_ends_before_the_largest_gap(notes):
    collection, vectors = notes
    distances = collection.query(query_embeddings=vectors[:1], n_results=RECORDS)["distances"][0]
    assert (
        len(found(collection, vectors[0], AutoCut(least=1)))
        == int(np.argmax(np.diff(distances))) + 1
    )


def test_collapse_keeps_the_best_chunk_of_each_book_with_those_around_it(notes):
    collection, vectors = notes
    everything = found(collection, vectors[7])
    step = Collapse("book", order="n", neighbors=1)
    result = collection.search(Search().rank(Knn(vectors[7], limit=RECORDS)).then(step))
    rows = [int(id[1:]) for id in result["ids"][0]]
    first = {}
    for row in everything:
        first.setdefault(row % 6, row)
    assert rows == list(first.values())
    at = rows.index(7)
    assert result.df()["context"][at] == "\n".join(TEXTS[row] for row in (1, 7, 13))
    other = next(row for row in everything if row % 6 == 1 and row != 7)
    assert result.why_not(f"r{other}").reason == "'r7' of the same document is better"


def test_rerank_sorts_by_the_function(notes):
    collection, vectors = notes
    asked = []

    def shortest(query, texts):
        asked.append((query, len(texts)))
        return [-len(text) for text in texts]

    rows = found(collection, vectors[0], Rerank(shortest, top=10))
    assert asked == [("", 10)]
    assert [len(TEXTS[row]) for row in rows[:10]] == sorted(len(TEXTS[row]) for row in rows[:10])
    assert rows[10:] == found(collection, vectors[0])[10:]


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda query, texts: [1], "one number per document"),
        (lambda query, texts: ["x"] * len(texts), "must return numbers"),
        (lambda query, texts: [math.nan] * len(texts), "must not return NaN"),
    ],
)
def test_a_function_that_returns_something_else_is_named(notes, function, says):
    collection, vectors = notes
    with pytest.raises((ValueError, TypeError), match=f"The function of Rerank.*{says}"):
        found(collection, vectors[0], Rerank(function))


def test_an_error_of_a_function_is_the_cause_of_one_that_names_it(notes):
    collection, vectors = notes
    with pytest.raises(InvalidArgumentError, match="Rerank raised ZeroDivisionError") as raised:
        found(collection, vectors[0], Rerank(lambda query, texts: 1 / 0))
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_max_sim_is_the_published_sum(client):
    model = MiniLM()
    texts = ["a cup of tea", "the price of tea in China", "chalk", "", "hot drinks at breakfast"]
    collection = client.create_collection("cups", embedding_function=model)
    collection.add(ids=list("abcde"), documents=texts)
    collection.add(ids=["none"], embeddings=model(["tea"]))
    query = "drinking hot tea"

    def cosine(a, b):
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    asked, *tokens = model.embed_tokens([query, *texts])
    sums = [sum(max(cosine(q, t) for t in own) for q in asked) for own in tokens]
    result = collection.search(Search().rank(Knn(query)).then(MaxSim()).select(K.SCORE))
    assert result["ids"] == [[*sorted("abcde", key=lambda id: -sums["abcde".index(id)]), "none"]]
    assert result["scores"][0][:5] == pytest.approx([-score for score in sorted(sums)[::-1]], 1e-5)
    nearest = Search().rank(Knn(query))
    first = collection.search(nearest)["ids"][0]
    search = Search.from_dict(nearest.then(MaxSim(top=2)).to_dict())
    again = collection.search(search)["ids"][0]
    assert sorted(again[:2]) == sorted(first[:2])
    assert again[2:] == first[2:]


class Lengths:
    """An embedding function without token vectors."""

    def __call__(self, input):
        return [[len(text)] for text in input]


class Letters(Lengths):
    """One whose tokens are letters; it leaves out the text "!"."""

    def embed_tokens(self, texts):
        return [np.eye(128)[[ord(letter) for letter in text]] for text in texts if text != "!"]


def test_max_sim_takes_any_function_with_token_vectors(client):
    collection = client.create_collection("letters", embedding_function=Letters())
    collection.add(ids=["a", "b"], documents=["tee", "late"])
    both = Rrf.of(Knn("tea"), Keyword("tee late"))
    result = collection.search(Search().rank(both).then(MaxSim()).select(K.SCORE))
    assert result["ids"] == [["b", "a"]]
    with pytest.raises(ValueError, match=r"embed_tokens of 'Letters' must return an array"):
        collection.search(Search().rank(Knn("!")).then(MaxSim()))


def test_max_sim_needs_words_and_token_vectors(notes, client):
    def search(collection, rank):
        return collection.search(Search().rank(rank).then(MaxSim()))

    with pytest.raises(ValueError, match="has no embedding function"):
        search(notes[0], Keyword("tea"))
    lengths = client.create_collection("lengths", embedding_function=Lengths())
    lengths.add(ids=["a"], documents=["tea"])
    with pytest.raises(ValueError, match="the embedding function 'Lengths' does not return"):
        search(lengths, Keyword("tea"))
    with pytest.raises(ValueError, match="MaxSim compares the words of a query"):
        search(lengths, Knn([1]))


def test_boosts_move_records_by_their_metadata(notes):
    collection, vectors = notes
    assert {row % 6 for row in found(collection, vectors[0], Boost("book", 2, weight=2))[:5]} == {2}
    assert found(collection, vectors[0], Recency("date", half_life=1, weight=50))[:3] == [
        29,
        28,
        27,
    ]
    assert {row % 3 for row in found(collection, vectors[0], Boost("likes", weight=9))[:10]} == {2}


def test_a_token_budget_fills_up_best_first(notes):
    collection, vectors = notes
    step = TokenBudget(40)
    result = collection.search(Search().rank(Knn(vectors[0], limit=RECORDS)).then(step))
    rows = [int(id[1:]) for id in result["ids"][0]]
    used = sum(len(TEXTS[row].split()) for row in rows)
    assert used <= 40
    left = set(range(RECORDS)) - set(rows)
    assert "tokens, budget 40" in result.why_not(f"r{min(left)}").reason


def test_highlights_mark_the_words_of_the_query():
    with chromalab.EphemeralClient() as client:
        collection = client.create_collection("texts")
        collection.add(ids=["a"], documents=["one two three four green TEA, six seven eight"])
        search = Search().rank(Knn("green tea")).then(Highlight(4))
        assert collection.search(search).df()["highlight"].tolist() == [
            "... four «green» «TEA», six ..."
        ]


def test_highlights_mark_what_keyword_search_matches():
    texts = [
        "the history of tea in the east", "prices of teas and of cups", "a list of the kings",
        "Teas, coffees", "no match at all", "茶道と日本の歴史", "", "of mice", "of men",
    ]  # fmt: skip
    with chromalab.EphemeralClient() as client:
        collection = client.create_collection("texts", embedding_function=None)
        ids = [str(row) for row in range(len(texts))]
        collection.add(ids=ids, documents=texts, embeddings=[[row] for row in range(len(texts))])
        rank = Rrf.of(Keyword("coffee of the tea 日本"), Knn([0]), limit=9)
        result = collection.search(Search().rank(rank).then(Highlight(4))).df()
        shown = dict(zip(result["id"], result["highlight"], strict=True))
        assert shown["1"] == "... of «teas» and of ..."
        assert "«of»" not in shown["0"]
        assert shown["3"] == "«Teas», «coffees»"
        assert shown["4"] == "no match at all"
        assert shown["5"] == "... と«日本»の ..."
        assert shown["6"] == ""
        wide = collection.search(Search().rank(Keyword("tea")).then(Highlight(10**30)))
        assert wide.df()["highlight"][0].count("«") == 1


def test_steering_is_rocchios_formula(notes):
    collection, vectors = notes
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    query = unit[3] + 0.75 * unit[[4, 5]].mean(axis=0) - 0.25 * unit[6]
    steered = Knn(vectors[3], limit=5).then(Steer(like=["r4", "r5"], unlike=["r6"]))
    assert (
        collection.search(Search().rank(steered))["ids"]
        == collection.query(query_embeddings=[query], n_results=5)["ids"]
    )
    with pytest.raises(NotFoundError, match="to steer by"):
        collection.search(Search().rank(Knn(vectors[3]).then(Steer(like=["nobody"]))))


def test_refining_moves_the_query_toward_its_nearest_records(notes):
    collection, vectors = notes
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nearest = [
        int(id[1:]) for id in collection.query(query_embeddings=vectors[3:4], n_results=3)["ids"][0]
    ]
    query = unit[3] + 0.5 * unit[nearest].mean(axis=0)
    refined = Knn(vectors[3], limit=9).then(Refine(records=3))
    assert (
        collection.search(Search().rank(refined))["ids"]
        == collection.query(query_embeddings=[query], n_results=9)["ids"]
    )


def test_texts_are_rewritten_before_they_are_embedded(client, function):
    collection = client.create_collection("texts", embedding_function=function)
    collection.add(ids=["a", "b", "c"], documents=["a", "aaaa", "bbbbbbb"])
    function.embedded.clear()
    search = Search().rank(Knn("AAAA", limit=1).then(Rewrite(str.lower)))
    assert collection.search(search)["ids"] == [["b"]]
    both = Knn("a", limit=2).then(Expand(lambda text: ["bbbbbbb", "bbbbbbb"]))
    assert collection.search(Search().rank(both))["ids"] == [["a", "c"]]
    assert collection.search(Search().rank(Knn("?", limit=1).then(Hyde(lambda q: "aaaa"))))[
        "ids"
    ] == [["b"]]
    assert function.embedded == ["aaaa", "a", "bbbbbbb", "aaaa"]
    with pytest.raises(TypeError, match="The function of Rewrite must return a text; got 3"):
        collection.search(Search().rank(Knn("a").then(Rewrite(lambda text: 3))))


@pytest.mark.parametrize(
    "step",
    [
        Mmr(0.25), NearDuplicates(0.5), MaxDistance(1.5), AutoCut(2), Collapse("book", "n", 2),
        Boost("book", 2), Recency("date", 7, now="2024-02-01"), TokenBudget(9), Highlight(3),
    ],
    ids=lambda step: step.form,
)  # fmt: skip
def test_steps_go_to_json_and_back(notes, step):
    collection, vectors = notes
    search = Search().rank(Knn(vectors[0])).then(step)
    again = Search.from_dict(search.to_dict())
    assert again.to_dict() == search.to_dict()
    assert collection.search(again)["ids"] == collection.search(search)["ids"]


def test_a_function_does_not_go_to_json(notes):
    with pytest.raises(InvalidArgumentError, match="Rerank has a Python function"):
        Search().then(Rerank(lambda query, texts: texts)).to_dict()


def test_steps_of_queries_go_to_json_and_back():
    rank = Knn([1.0, 0.0]).then(Steer(like=["a"]), Refine(2))
    assert (
        Search.from_dict(Search().rank(rank).to_dict()).to_dict() == Search().rank(rank).to_dict()
    )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Mmr(2), lambda: NearDuplicates("x"), lambda: MaxDistance("far"), lambda: AutoCut(0),
        lambda: TokenBudget(0), lambda: Steer(), lambda: Refine(0), lambda: Boost("a", weight="x"),
        lambda: Recency("a", half_life=0), lambda: Collapse(3), lambda: Recency("a", now="soon"),
        lambda: MaxSim(0), lambda: Rerank(len, top=-1),
        lambda: Search().then({"$mmr": {"lambda": 1}}), lambda: Search().then({"$mmr": 3}),
    ],
)  # fmt: skip
def test_options_that_are_wrong_are_refused(wrong):
    with pytest.raises((ValueError, TypeError)) as raised:
        wrong()
    assert "\n" not in str(raised.value)


@settings(max_examples=40, deadline=None)
@given(
    queries,
    st.lists(
        st.sampled_from(
            [Mmr(0.3), NearDuplicates(0.9), MaxDistance(0.9), AutoCut(3), Collapse("book"),
             Boost("likes"), TokenBudget(60), Highlight(), Recency("date")]
        ),
        max_size=3,
    ),
    st.integers(1, 12),
)  # fmt: skip
def test_every_record_is_accounted_for_whatever_the_steps(notes, query, steps, limit):
    collection, _ = notes
    search = Search().where(K("likes") != 1).rank(Knn(query, limit=8)).then(*steps).limit(limit)
    result = collection.search(search)
    for _, stage in result.searches[0].ran.last.walk():
        assert stage.given == stage.kept + sum(stage.dropped.values())
    for id in collection.get()["ids"]:
        if id not in result["ids"][0]:
            assert result.why_not(id).reason
