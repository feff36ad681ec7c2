"""Re-embedding is atomic, works while the collection is in use, and never mixes two models."""

import numpy as np
import pytest

import chromalab
from chromalab import errors
from chromalab.embed import register_embedding_function


class Letters(chromalab.EmbeddingFunction):
    """Counts some letters; `meanwhile` runs once, in the middle of its first call."""

    def __init__(self, letters="abc", meanwhile=None):
        self.letters = letters
        self.meanwhile = meanwhile
        self.embedded = []

    def __call__(self, input):
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        self.embedded += input
        return [[text.count(letter) + 1 for letter in self.letters] for text in input]

    @staticmethod
    def name():
        return "letters"

    def get_config(self):
        return {"letters": self.letters}

    @staticmethod
    def build_from_config(config):
        return Letters(**config)


@pytest.fixture(autouse=True)
def known():
    register_embedding_function(Letters)
    yield
    del chromalab.embed.known_embedding_functions["letters"]


@pytest.fixture
def client(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        yield client


TEXTS = ["a", "bb", "ccc", "abc", "dad"]


@pytest.fixture
def notes(client):
    made = client.create_collection("notes", embedding_function=Letters("abc"))
    made.add(
        ids=[f"n{n}" for n in range(5)], documents=TEXTS, metadatas=[{"n": n} for n in range(5)]
    )
    return made


def vectors(collection):
    found = collection.get(include=["embeddings"])
    return dict(zip(found["ids"], found["embeddings"].tolist(), strict=True))


def test_reembedding_replaces_every_embedding_and_changes_nothing_else(notes, client, tmp_path):
    before = notes.get()
    done = notes.reembed(Letters("abcd"), batch_size=2)
    assert repr(done) == "notes: 5 records embedded with letters, 0.0 -> 0.0 MB"
    assert (done.rows_before, done.rows_after) == (5, 5)
    assert notes.get() == before
    assert vectors(notes)["n4"] == [2, 1, 1, 3]
    assert notes.dimension == 4
    assert [path.name for path in (tmp_path / "vectors").iterdir()] == [f"{notes.id}-1.f32"]
    notes.add(ids=["new"], documents=["dd"])
    assert vectors(notes)["new"] == [1, 1, 1, 3]
    assert notes.query(query_texts=["dd"], n_results=1)["ids"] == [["new"]]
    assert not client.check()


def test_the_new_function_is_stored_with_the_collection(notes, tmp_path):
    notes.reembed(Letters("xyz"))
    with chromalab.PersistentClient(tmp_path) as again:
        found = again.get_collection("notes")
        assert found.configuration_json["embedding_function"]["config"] == {"letters": "xyz"}
        assert found.space == notes.space
        found.add(ids=["new"], documents=["xx"])
        assert vectors(found)["new"] == [3, 1, 1]


def test_an_older_handle_embeds_with_the_new_function(notes, client):
    stale = client.get_collection("notes")
    stale.add(ids=["warm"], documents=["a"])
    given = client.get_collection("notes", embedding_function=Letters("abc"))
    notes.reembed(Letters("xyz"))  # of the same dimension, so only the configuration differs
    stale.add(ids=["stale"], documents=["xx"])
    given.add(ids=["given"], documents=["yy"])
    assert vectors(notes)["stale"] == [3, 1, 1]
    assert vectors(notes)["given"] == [1, 3, 1]
    assert stale.query(query_texts=["xx"], n_results=1)["ids"] == [["stale"]]


def test_an_older_handle_explains_with_the_new_function(notes, client):
    stale = client.get_collection("notes")
    stale.query(query_texts=["xx"])
    notes.reembed(Letters("wxyz"))  # of another dimension
    assert stale.explain(query_texts=["xx"]).plan.records == 5
    assert stale.explain(query_texts=["xx"], transform=None).plan.queries == 1


def test_an_older_handle_with_an_unnamed_function_raises(client):
    made = client.create_collection(
        "plain", embedding_function=lambda texts: [[1, 2] for _ in texts]
    )
    made.add(ids=["a"], documents=["x"])
    stale = client.get_collection("plain", embedding_function=lambda texts: [[3, 4] for _ in texts])
    stale.add(ids=["b"], documents=["x"])
    made.reembed(lambda texts: [[5, 6] for _ in texts])
    assert vectors(made) == {"a": [5, 6], "b": [5, 6]}
    with pytest.raises(errors.EmbeddingFunctionError, match="embedding_function="):
        stale.add(ids=["c"], documents=["x"])
    made.add(ids=["c"], documents=["x"])
    assert vectors(made)["c"] == [5, 6]


def test_writes_in_the_meantime_are_embedded_too(notes, client):
    other = client.get_collection("notes")

    def meanwhile():
        other.add(ids=["new"], documents=["xx"])
        other.update(ids=["n0"], documents=["yyy"])
        other.update(ids=["n1"], metadatas=[{"n": -1}])
        other.update(ids=["n3"], embeddings=[[9, 9, 9]])
        other.delete(ids=["n2"])

    function = Letters("xy", meanwhile)
    notes.reembed(function, batch_size=2)
    assert vectors(notes) == {
        "n0": [1, 4], "n1": [1, 1], "n3": [1, 1], "n4": [1, 1], "new": [3, 1],
    }  # fmt: skip
    assert function.embedded.count("bb") == 1, "metadata alone is no reason to embed again"
    assert notes.get("n1")["metadatas"] == [{"n": -1}]
    assert not client.check()


def test_a_compaction_in_the_meantime_loses_nothing(notes, client):
    other = client.get_collection("notes")

    def meanwhile():
        other.update(ids=["n0"], documents=["yyy"])
        other.delete(ids=["n2"])
        other.compact()

    notes.reembed(Letters("xy", meanwhile), batch_size=2)
    assert vectors(notes) == {"n0": [1, 4], "n1": [1, 1], "n3": [1, 1], "n4": [1, 1]}
    assert not client.check()


def test_documents_embedded_by_the_old_function_in_the_meantime_are_rejected(notes, client):
    slow = client.get_collection(
        "notes", embedding_function=Letters("abc", lambda: notes.reembed(Letters("xyz")))
    )
    with pytest.raises(errors.EmbeddingFunctionError, match="nothing was written"):
        slow.add(ids=["new"], documents=["xx"])
    slow.add(ids=["new"], documents=["xx"])
    assert vectors(notes)["new"] == [3, 1, 1]


@pytest.mark.parametrize("function", [Letters("wxyz"), Letters("cab")], ids=["wider", "as wide"])
def test_a_reembedding_in_the_meantime_does_not_disturb_a_reader(notes, client, function):
    def interrupted():
        notes.reembed(Letters("abc"))
        earlier = Letters("abc", lambda: notes.reembed(function))
        return client.get_collection("notes", embedding_function=earlier)

    assert interrupted().explain(query_texts=["a"]).plan.method == "exact scan"
    found = interrupted().evaluate(["ccc"], [["n2"]], baseline=None)
    assert found.state.model == notes.fingerprint()
    assert found.scores[0].ids == tuple(notes.query(query_texts=["ccc"])["ids"][0])


def test_records_without_documents_are_rejected_before_anything_is_embedded(notes):
    notes.add(ids=["bare", "naked"], embeddings=[[1, 2, 3], [4, 5, 6]])
    function = Letters("xyz")
    with pytest.raises(
        errors.InvalidArgumentError, match="2 of 7 records of 'notes' have no document"
    ):
        notes.reembed(function)
    assert function.embedded == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ConnectionError("no network")])
def test_an_interrupt_or_error_leaves_everything_unchanged(notes, client, tmp_path, error):
    before = vectors(notes)

    def fail():
        raise error

    function = Letters("xyz")
    calls = iter([None, fail])

    def failing(texts):
        function.meanwhile = next(calls)
        return function(texts)

    with pytest.raises(type(error) if isinstance(error, Exception) else error):
        notes.reembed(failing, batch_size=2)
    assert len(function.embedded) == 2
    assert vectors(notes) == before
    assert notes.model == "letters"
    assert [path.name for path in (tmp_path / "vectors").iterdir()] == [f"{notes.id}-0.f32"]
    notes.add(ids=["new"], documents=["aa"])
    assert vectors(notes)["new"] == [3, 1, 1]
    assert not client.check()


def test_an_empty_collection_accepts_any_dimension_afterwards(client):
    empty = client.create_collection("empty", embedding_function=Letters("abc"))
    empty.reembed(Letters("ab"))
    empty.add(ids=["a"], documents=["a"])
    assert vectors(empty) == {"a": [2, 1]}


def test_a_fork_keeps_its_embeddings_and_its_function(notes, client):
    fork = notes.fork("fork")
    before = vectors(fork)
    notes.reembed(Letters("xyz"))
    assert vectors(fork) == before
    fork.add(ids=["new"], documents=["aa"])
    assert vectors(fork)["new"] == [3, 1, 1]
    later = notes.fork("later")
    later.add(ids=["new"], documents=["xx"])
    assert vectors(later)["new"] == [3, 1, 1]
    assert not client.check()


def test_functions_that_cannot_embed_are_rejected(notes):
    for wrong in (None, "letters", 7):
        with pytest.raises(errors.InvalidArgumentError, match="must be callable"):
            notes.reembed(wrong)
    with pytest.raises(errors.InvalidArgumentError, match="batch_size"):
        notes.reembed(Letters(), batch_size=0)
    widths = iter([2, 3])
    with pytest.raises(errors.EmbeddingFunctionError, match="after 2"):
        notes.reembed(lambda texts, w=widths: np.ones((len(texts), next(w))), batch_size=3)
    assert notes.dimension == 3


def test_a_function_that_calls_the_same_store_during_the_write_raises(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        notes = client.create_collection("notes", embedding_function=None)
        notes.add(ids=["a", "b"], embeddings=[[1, 2], [3, 4]], documents=["one", "two"])
        meanwhile = iter([True])

        class Asking(chromalab.EmbeddingFunction):
            def __call__(self, input):
                if next(meanwhile, False):
                    notes.add(ids=["c"], embeddings=[[5, 6]], documents=["three"])
                else:
                    client.count_collections()
                return np.ones((len(input), 3), dtype=np.float32)

        with pytest.raises(chromalab.errors.ChromalabError):
            notes.reembed(Asking(), progress=False)
        assert notes.get(include=["embeddings"])["embeddings"].tolist() == [[1, 2], [3, 4], [5, 6]]
        assert not client.check(progress=False)
