"""Indexes of sparse vectors: declared with a collection, or added to one that has records, and removed."""

import pytest

import chromalab
from chromalab import Schema, SparseVector, SparseVectorIndexConfig, VectorIndexConfig, errors
from chromalab.embed import (
    ChromaBm25EmbeddingFunction,
    SparseEmbeddingFunction,
    register_sparse_embedding_function,
    sparse_known_embedding_functions,
)
from chromalab.schema import embed_sparse_queries

BM25 = ChromaBm25EmbeddingFunction()
OF_DOCUMENTS = SparseVectorIndexConfig(BM25, source_key="#document")
OF_TITLES = SparseVectorIndexConfig(BM25, source_key="title")


class Letters(SparseEmbeddingFunction):
    """Counts letters, and may be interrupted."""

    left = None

    def __call__(self, input):
        if Letters.left is not None:
            if not Letters.left:
                raise KeyboardInterrupt
            Letters.left -= 1
        counts = [{ord(letter): float(text.count(letter)) for letter in text} for text in input]
        return [SparseVector(sorted(c), [c[index] for index in sorted(c)]) for c in counts]

    @staticmethod
    def name():
        return "letters"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return Letters()


@pytest.fixture
def letters():
    yield Letters()
    Letters.left = None
    sparse_known_embedding_functions.pop("letters", None)


def vector(text):
    return BM25([text])[0]


@pytest.fixture
def notes(client):
    schema = Schema().create_index(OF_DOCUMENTS, "words").create_index(OF_TITLES, "titles")
    return client.create_collection("notes", schema=schema, embedding_function=None)


def words_of(collection, key="words"):
    got = collection.get()
    return [(metadata or {}).get(key) for metadata in got["metadatas"]]


def test_every_write_embeds_its_texts(notes):
    own = SparseVector([7], [1.0])
    notes.add(
        ids=["a", "b", "c"],
        embeddings=[[0], [1], [2]],
        documents=["hot tea", None, "iced tea"],
        metadatas=[{"title": "Tea"}, {"title": 3}, {"words": own}],
    )
    assert words_of(notes) == [vector("hot tea"), None, own]
    assert words_of(notes, "titles") == [vector("Tea"), None, None]
    notes.update(ids=["a", "c"], metadatas=[{"n": 1}, {"title": "Ice"}])
    assert words_of(notes) == [vector("hot tea"), None, own]
    assert words_of(notes, "titles") == [vector("Tea"), None, vector("Ice")]
    notes.upsert(ids=["b", "d"], embeddings=[[1], [1]], documents=["cold milk", "juice"])
    assert words_of(notes) == [vector("hot tea"), vector("cold milk"), own, vector("juice")]
    notes.update(ids=["a"], metadatas=[{"title": None}])
    assert words_of(notes, "titles")[0] is None
    notes.replace_records(update={"ids": ["a"], "metadatas": [{"title": "again"}]})
    assert words_of(notes, "titles")[0] == vector("again")
    notes.undo()
    assert words_of(notes, "titles")[0] is None


def test_tables_and_forks_are_embedded_as_well(client, function):
    schema = Schema().create_index(VectorIndexConfig(embedding_function=function))
    notes = client.create_collection("notes", schema=schema.create_index(OF_DOCUMENTS, "words"))
    notes.add_from([{"id": "a", "text": "hot tea"}], progress=False)
    notes.add_from([{"id": "a", "text": "iced tea"}], update=True, progress=False)
    assert words_of(notes) == [vector("iced tea")]
    branch = notes.fork("branch")
    branch.add_from([{"id": "b", "text": "milk"}], progress=False)
    assert words_of(branch) == [vector("iced tea"), vector("milk")]
    assert branch.schema == notes.schema


def test_the_schema_is_stored_and_restored(tmp_path):
    hnsw = chromalab.HnswIndexConfig(max_neighbors=8)
    schema = Schema().create_index(
        VectorIndexConfig(space="cosine", embedding_function=None, hnsw=hnsw)
    )
    schema.create_index(OF_DOCUMENTS, "words").delete_index(chromalab.IntInvertedIndexConfig(), "n")
    with chromalab.PersistentClient(tmp_path) as client:
        client.create_collection("notes", schema=schema, embedding_function=None)
    with chromalab.PersistentClient(tmp_path) as client:
        notes = client.get_collection("notes")
        assert (notes.space, notes.configuration_json["hnsw"]["max_neighbors"]) == ("cosine", 8)
        assert "schema" not in notes.configuration
        found = notes.schema
        assert list(found.sparse_indexes()) == ["words"]
        assert found.keys["n"].int_value.int_inverted_index.enabled is False
        notes.modify(configuration={"hnsw": {"ef_search": 7}})
        assert notes.schema.vector_index().hnsw.ef_search == 7
        notes.add(ids=["a"], embeddings=[[0]], documents=["tea"])
        assert words_of(notes) == [vector("tea")]


def test_an_index_is_added_to_a_collection_with_records_and_removed(client):
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(
        ids=["a", "b", "c"],
        embeddings=[[0], [1], [2]],
        documents=["tea", None, "milk"],
        metadatas=[{"title": "Tea"}, None, {"words": SparseVector([1], [1.0])}],
    )
    other = client.get_collection("notes")
    shown = notes.create_index(OF_DOCUMENTS, "words", batch_size=2, progress=False)
    assert repr(shown) == "Schema(sparse indexes: {'words': chroma_bm25 of '#document'})"
    notes.create_index(OF_TITLES, "titles", progress=False)
    assert words_of(notes) == [vector("tea"), None, SparseVector([1], [1.0])]
    assert words_of(notes, "titles") == [vector("Tea"), None, None]
    other.add(
        ids=["d"], embeddings=[[3]], documents=["juice"]
    )  # its handle is older than the index
    assert words_of(notes)[3] == vector("juice")
    notes.delete_index(SparseVectorIndexConfig(), "words", batch_size=2, progress=False)
    assert words_of(notes) == [None] * 4
    assert words_of(notes, "titles")[0] == vector("Tea")
    other.add(ids=["e"], embeddings=[[3]], documents=["juice"])
    assert words_of(notes)[4] is None
    assert list(notes.schema.sparse_indexes()) == ["titles"]


def test_another_function_embeds_all_records_again(notes, letters):
    notes.add(ids=["a"], embeddings=[[0]], documents=["tea"])
    notes.create_index(SparseVectorIndexConfig(letters, "#document"), "words", progress=False)
    assert words_of(notes) == letters(["tea"])


def test_an_interrupted_index_is_continued(client, letters):
    notes = client.create_collection("notes", embedding_function=None)
    texts = [f"text {at}" for at in range(6)]
    notes.add(ids=list("abcdef"), embeddings=[[0]] * 6, documents=texts)
    index = SparseVectorIndexConfig(letters, "#document")
    Letters.left = 2
    with pytest.raises(KeyboardInterrupt):
        notes.create_index(index, "words", batch_size=2, progress=False)
    assert [found is not None for found in words_of(notes)] == [True] * 4 + [False] * 2
    Letters.left = 1
    notes.create_index(index, "words", batch_size=2, progress=False)
    Letters.left = None
    assert words_of(notes) == letters(texts)


def test_vectors_of_the_caller_stay_when_their_index_is_removed(client):
    notes = client.create_collection("notes", embedding_function=None)
    own = SparseVector([7], [1.0])
    notes.add(ids=["a"], embeddings=[[0]], documents=["tea"], metadatas=[{"words": own}])
    notes.create_index(SparseVectorIndexConfig(), "words")
    notes.delete_index(SparseVectorIndexConfig(), "words")
    assert words_of(notes) == [own]


def test_what_cannot_be_an_index_is_refused(client, notes):
    with pytest.raises(errors.InvalidArgumentError, match="as every collection has that index"):
        notes.create_index(VectorIndexConfig())
    with pytest.raises(errors.InvalidArgumentError, match=r"got 'word'. Keys: 'words', 'titles'"):
        notes.delete_index(SparseVectorIndexConfig(), "word")
    with pytest.raises(errors.InvalidArgumentError, match="must not contain the schema"):
        notes.modify(configuration={"schema": {}})
    with pytest.raises(errors.EmbeddingFunctionError, match="must have name, get_config and"):
        notes.create_index(SparseVectorIndexConfig(lambda texts: [], "#document"), "other")
    with pytest.raises(errors.InvalidArgumentError, match="must be a dict with defaults and keys"):
        Schema.deserialize_from_json({"keys": 7})
    assert list(notes.schema.sparse_indexes()) == ["words", "titles"]


@pytest.mark.parametrize("returned", [None, [], [3], [SparseVector([1], [1.0])] * 2, ["x"]])
def test_a_function_that_returns_something_else_is_named(client, letters, returned):
    @register_sparse_embedding_function
    class Wrong(Letters):
        def __call__(self, input):
            return returned

        @staticmethod
        def build_from_config(config):
            return Wrong()

    notes = client.create_collection("notes", embedding_function=None)
    notes.add(ids=["a"], embeddings=[[0]], documents=["tea"])
    with pytest.raises(errors.EmbeddingFunctionError, match="'letters' returned"):
        notes.create_index(SparseVectorIndexConfig(Wrong(), "#document"), "words")
    assert notes.count() == 1


def test_a_damaged_schema_is_reported(tmp_path):
    import sqlite3

    with chromalab.PersistentClient(tmp_path) as client:
        client.create_collection("notes", schema=Schema(), embedding_function=None)
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        sql = "UPDATE collections SET configuration = json_set(configuration, '$.schema', 7)"
        connection.execute(sql)
    connection.close()
    with chromalab.PersistentClient(tmp_path) as client, pytest.raises(errors.InternalError):
        client.get_collection("notes")


def test_queries_are_embedded_by_the_function_of_their_key(notes):
    (query,) = embed_sparse_queries(notes.get_model(), "words", ["hot wings"])
    assert query == vector("hot wings")
    with pytest.raises(errors.InvalidArgumentError, match="must be a SparseVector where no index"):
        embed_sparse_queries(notes.get_model(), "word", ["hot wings"])


def test_a_change_of_labels_meets_an_index_of_another_handle(client, notes):
    notes.add(ids=["a"], embeddings=[[0]], documents=["tea"])
    other = client.get_collection("notes")
    notes.create_index(SparseVectorIndexConfig(BM25, "label"), "labels", progress=False)
    other.replace_records(update={"ids": ["a"], "metadatas": [{"label": "hot"}]})
    assert words_of(notes, "labels") == [vector("hot")]
