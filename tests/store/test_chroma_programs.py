"""Programs written for chromadb, whose modules a few small ones with the same classes stand for.

`make drop-in` runs real frameworks with the real chromadb.
"""

import pickle
import sqlite3
import sys
import types
from abc import ABC
from contextlib import closing
from pathlib import Path

import pytest

import chromalab
from chromalab import errors


@pytest.fixture
def chromadb(monkeypatch):
    """Modules with the shape of chromadb's, as a program that imports it has loaded them."""
    made = {
        name: types.ModuleType(name) for name in ("chromadb", "chromadb.api", "chromadb.errors")
    }
    for name, module in made.items():
        monkeypatch.setitem(sys.modules, name, module)

    class ChromaError(Exception):
        def code(self):
            return 400

    class NotFoundError(ChromaError):
        pass

    class InvalidArgumentError(ChromaError):
        pass

    vars(made["chromadb.errors"]).update(
        ChromaError=ChromaError,
        NotFoundError=NotFoundError,
        InvalidArgumentError=InvalidArgumentError,
    )
    made["chromadb.api"].ClientAPI = type("ClientAPI", (ABC,), {})
    made["chromadb"].api, made["chromadb"].errors = made["chromadb.api"], made["chromadb.errors"]
    return made["chromadb"]


class TheirSettings:
    """What chromadb.config.Settings is to a reader: attributes, most of which mean nothing here."""

    def __init__(self, **given):
        vars(self).update(
            allow_reset=False, is_persistent=False, persist_directory="./chroma",
            anonymized_telemetry=True, chroma_api_impl="chromadb.api.rust.RustBindingsAPI",
            chroma_server_host=None, tenant_id="default",
        )  # fmt: skip
        vars(self).update(given)


def test_settings_of_chromadb_open_every_kind_of_client(tmp_path):
    settings = TheirSettings()
    settings.allow_reset = True
    for client in (
        chromalab.PersistentClient(tmp_path, settings=settings),
        chromalab.EphemeralClient(settings),
        chromalab.Client(settings),
    ):
        assert client.reset()
    admin = chromalab.AdminClient(settings)
    assert admin.get_tenant("default_tenant")
    admin.clear_system_cache()
    assert client.get_settings().chroma_server_host is None
    with pytest.raises(AttributeError):
        client.get_settings().crhoma  # noqa: B018
    settings.is_persistent, settings.persist_directory = True, str(tmp_path)
    assert "PersistentClient" in repr(chromalab.Client(settings))
    assert chromalab.AdminClient(settings).list_databases()


def test_settings_of_a_server_and_other_objects_are_refused():
    settings = TheirSettings()
    settings.chroma_api_impl = "chromadb.api.fastapi.FastAPI"
    assert chromalab.EphemeralClient(TheirSettings(persist_directory="")).count_collections() == 0
    for call in (chromalab.Client, chromalab.AdminClient, chromalab.EphemeralClient):
        with pytest.raises(errors.InvalidArgumentError, match="connects to a server"):
            call(settings)
        with pytest.raises(errors.InvalidArgumentTypeError, match="settings must be Settings"):
            call(7)
    with pytest.raises(errors.InvalidArgumentError, match="connects to a server"):
        chromalab.Settings(chroma_api_impl="chromadb.api.fastapi.FastAPI")
    chromalab.Settings(chroma_api_impl="chromadb.api.segment.SegmentAPI")


def test_clients_with_the_settings_of_another_share_its_ephemeral_store(tmp_path):
    one = chromalab.EphemeralClient()
    one.create_collection("notes")
    for other in (
        chromalab.EphemeralClient(one.get_settings()),
        chromalab.Client(one.get_settings()),
    ):
        assert [notes.name for notes in other.list_collections()] == ["notes"]
    assert chromalab.EphemeralClient().count_collections() == 0
    with chromalab.PersistentClient(tmp_path) as stored:
        stored.create_collection("kept")
        assert chromalab.EphemeralClient(stored.get_settings()).count_collections() == 0


def test_clients_are_of_the_interface_of_a_loaded_chromadb(chromadb):
    assert isinstance(chromalab.EphemeralClient(), chromadb.api.ClientAPI)


def test_errors_are_caught_as_those_of_a_loaded_chromadb(chromadb):
    client = chromalab.EphemeralClient()
    with pytest.raises(chromadb.errors.NotFoundError) as caught:
        client.get_collection("none")
    assert isinstance(caught.value, errors.NotFoundError)
    assert isinstance(caught.value, KeyError)
    assert (caught.value.code(), type(caught.value).__name__) == (404, "NotFoundError")
    with pytest.raises(chromadb.errors.InvalidArgumentError):  # of a subclass without a namesake
        client.create_collection("notes", embedding_function=chromalab.embed.MiniLM)
    with pytest.raises(chromadb.errors.ChromaError):
        client.reset()
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)


def test_errors_are_plain_without_chromadb():
    assert type(errors.NotFoundError("x")) is errors.NotFoundError


class CosineOnly(chromalab.EmbeddingFunction):
    def __call__(self, input):
        return [[len(text), 1] for text in input]

    @staticmethod
    def name():
        return "cosine_only"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return CosineOnly()

    def supported_spaces(self):
        return ["cosine"]


@pytest.fixture
def registry():
    known = chromalab.embed.known_embedding_functions
    before = dict(known)
    yield
    known.clear()
    known.update(before)


def test_a_space_that_the_function_does_not_support_is_reported(registry):
    client = chromalab.EphemeralClient()
    with pytest.warns(errors.ChromalabWarning, match="Space l2 is not supported by 'cosine_only'"):
        client.create_collection("notes", embedding_function=CosineOnly())
    cosine = {"hnsw": {"space": "cosine"}}
    client.create_collection("good", embedding_function=CosineOnly(), configuration=cosine)


def test_the_same_function_may_be_given_as_an_argument_and_in_the_configuration(registry):
    client = chromalab.EphemeralClient()
    twice = {"hnsw": {"space": "cosine"}, "embedding_function": CosineOnly()}
    notes = client.create_collection("notes", configuration=twice, embedding_function=CosineOnly())
    assert notes.model == "cosine_only"
    with pytest.raises(
        errors.InvalidArgumentError, match="conflicts with that in the configuration"
    ):
        client.create_collection(
            "other", configuration=twice, embedding_function=chromalab.embed.WordLlama()
        )


def test_calls_of_chromas_servers_are_answered_as_by_its_local_client():
    notes = chromalab.EphemeralClient().create_collection("notes")
    assert notes.count(read_level="index_only") == 0
    for call in (notes.attach_function, notes.get_attached_function):
        with pytest.raises(NotImplementedError):
            call("x")


class TheirCollection:
    """A collection of chromadb, as `add_from` reads it: pages of `get`."""

    name = "theirs"
    configuration_json = {"hnsw": {"space": "l2"}, "embedding_function": None}

    def __init__(self, **parts):
        self.parts = parts

    def count(self):
        return len(self.parts["ids"])

    def get(self, limit, offset, include):
        page = {part: self.parts[part][offset : offset + limit] for part in ("ids", *include)}
        return {**page, "data": None, "included": include}

    def query(self):
        raise AssertionError


def test_another_collection_is_added_with_its_embeddings():
    ids = [f"id{n}" for n in range(5)]
    theirs = TheirCollection(
        ids=[*ids[:4], "a\0b"], embeddings=[[n, 1] for n in range(5)], documents=[*ids[:4], None],
        metadatas=[{"n": n} for n in range(4)] + [None], uris=[None] * 5,
    )  # fmt: skip
    notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
    with pytest.raises(errors.InvalidArgumentError, match="NUL"):
        notes.add_from(theirs, batch_size=10)
    done = notes.add_from(theirs, batch_size=2, skip_bad=True)
    assert (done.added, done.skipped, done.bad_rows, done.problems[0].rows) == (4, 0, 1, ("a\0b",))
    again = notes.add_from(theirs, batch_size=2, skip_bad=True, dry_run=True)
    assert (again.added, again.skipped) == (0, 4)
    found = notes.get(include=["embeddings", "documents", "metadatas"])
    assert found["embeddings"].tolist() == [[n, 1] for n in range(4)]
    assert found["metadatas"] == [{"n": n} for n in range(4)]
    other = chromalab.EphemeralClient().create_collection("other", embedding_function=None)
    assert other.add_from(notes).added == 4
    third = chromalab.EphemeralClient().create_collection("third", embedding_function=None)
    third.add(**notes.get(include=["embeddings", "documents"]))
    assert third.get()["documents"] == ids[:4]


def test_names_that_programs_import_are_there():
    from chromalab.api import ClientAPI
    from chromalab.api.types import Documents, EmbeddingFunction, QueryResult
    from chromalab.utils import embedding_functions
    from chromalab.utils.batch_utils import create_batches

    assert ClientAPI is chromalab.ClientAPI
    assert (Documents, EmbeddingFunction) == (chromalab.Documents, chromalab.EmbeddingFunction)
    assert QueryResult is chromalab.QueryResult
    assert chromalab.utils.embedding_functions is embedding_functions
    assert embedding_functions.DefaultEmbeddingFunction is chromalab.embed.DefaultEmbeddingFunction
    (batch,) = create_batches(chromalab.EphemeralClient(), ["a"], documents=["tea"])
    assert batch == (["a"], None, None, ["tea"])
    with pytest.raises(ImportError, match="pip install chromadb"):
        embedding_functions.OpenAIEmbeddingFunction  # noqa: B018


@pytest.mark.parametrize("name", ["HttpClient", "AsyncHttpClient", "CloudClient"])
def test_names_of_chroma_that_are_not_there_yet_say_so_when_they_are_used(name):
    with pytest.raises(NotImplementedError, match=rf"{name} .*yet\. Use"):
        getattr(chromalab, name)()
    with pytest.raises(AttributeError):
        chromalab.HtpClient  # noqa: B018


def test_an_import_needs_a_folder_of_chroma(tmp_path):
    with pytest.raises(
        errors.InvalidArgumentError, match=r"must be a folder with a chroma\.sqlite3"
    ):
        chromalab.import_chroma(tmp_path)
    (tmp_path / "chroma.sqlite3").write_bytes(b"")
    with pytest.raises(errors.MissingDependencyError, match="pip install chromadb"):
        chromalab.import_chroma(tmp_path)
    assert not tmp_path.with_name(f"{tmp_path.name}.lab").exists()


def folder_of_chroma(folder, databases=(), collections=()):
    """A folder with the tables of Chroma that are read without chromadb."""
    with closing(sqlite3.connect(folder / "chroma.sqlite3")) as chroma, chroma:
        chroma.execute("CREATE TABLE databases (tenant_id TEXT, name TEXT)")
        chroma.execute("CREATE TABLE collections (name TEXT)")
        chroma.executemany("INSERT INTO databases VALUES (?, ?)", databases)
        chroma.executemany("INSERT INTO collections VALUES (?)", collections)


def test_a_folder_of_chroma_without_collections_opens_as_a_new_store(tmp_path):
    folder_of_chroma(tmp_path)
    before = (tmp_path / "chroma.sqlite3").read_bytes()
    with chromalab.PersistentClient(tmp_path) as client:
        client.create_collection("notes")
    assert (tmp_path / "chroma.sqlite3").read_bytes() == before
    with chromalab.PersistentClient(tmp_path) as client:
        assert client.count_collections() == 1


def test_a_folder_of_chroma_with_collections_or_a_strange_one_is_refused(tmp_path):
    folder_of_chroma(tmp_path, collections=[("notes",)])
    with pytest.raises(errors.VersionMismatchError, match="import_chroma"):
        chromalab.PersistentClient(tmp_path)
    with closing(sqlite3.connect(tmp_path / "chroma.sqlite3")) as chroma:
        chroma.execute("DROP TABLE collections")
        chroma.execute(
            "CREATE VIEW collections AS WITH RECURSIVE endless(n) AS"
            " (SELECT 1 UNION ALL SELECT n + 1 FROM endless) SELECT n FROM endless WHERE n < 0"
        )
    with pytest.raises(errors.VersionMismatchError, match="import_chroma"):
        chromalab.PersistentClient(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["chroma.sqlite3"]


def test_an_import_takes_every_collection_of_every_database(tmp_path, chromadb):
    vectors = {"embeddings": [[1, 2], [3, 4]], "metadatas": [{"n": 1}, {}]}
    parts = {"documents": ["tea", None], "uris": [None, "file:///b"]}
    notes = TheirCollection(ids=["a", "b"], **vectors, **parts)
    notes.name, notes.metadata = "notes", {"about": "tea"}
    notes.configuration_json = {
        "hnsw": {"space": "cosine", "ef_search": 77, "num_threads": None},
        "embedding_function": {"type": "legacy"},
    }
    stored = {("default_tenant", "default_database"): [], ("acme", "papers"): [notes]}
    opened = []

    class Client:
        def __init__(self, folder, settings, tenant, database):
            assert not settings.anonymized_telemetry
            opened.append(Path(folder))
            self.collections = stored[tenant, database]

        def list_collections(self, limit, offset):
            return self.collections[offset : offset + limit]

        def close(self):
            opened.append("closed")

    chromadb.Settings, chromadb.PersistentClient = TheirSettings, Client
    source = tmp_path / "chroma"
    source.mkdir()
    folder_of_chroma(source, databases=stored)
    before = (source / "chroma.sqlite3").read_bytes()
    (done,) = chromalab.import_chroma(source, progress=False)
    assert (done.tenant, done.database, done.collection) == ("acme", "papers", "notes")
    assert (done.result.added, done.result.skipped, done.model) == (2, 0, "legacy")
    assert "pass embedding_function=" in done.note
    assert source not in opened  # Chroma gets a copy, as it may change the files of older releases
    assert not opened[0].exists()
    assert opened.count("closed") == 2
    assert (source / "chroma.sqlite3").read_bytes() == before
    (again,) = chromalab.import_chroma(source, tmp_path / "chroma.lab", progress=False)
    assert (again.result.added, again.result.skipped) == (0, 2)
    with chromalab.PersistentClient(tmp_path / "chroma.lab", None, "acme", "papers") as client:
        found = client.get_collection("notes")
        got = found.get(include=["embeddings", "metadatas", "documents", "uris"])
        assert got["embeddings"].tolist() == vectors["embeddings"]
        assert got["metadatas"] == [{"n": 1}, None]
        assert (got["documents"], got["uris"]) == (parts["documents"], parts["uris"])
        assert (found.space, found.metadata) == ("cosine", {"about": "tea"})
        assert found.configuration_json["hnsw"]["ef_search"] == 77


def schema(space="cosine", sparse=None):
    """What a Schema of chromadb is to a reader, with `VectorIndexConfig(space, hnsw=...)`."""
    made = types.SimpleNamespace
    hnsw = made(ef_search=50, max_neighbors=None)
    config = made(space=space, hnsw=hnsw, spann=None, embedding_function=None)
    keys = {"#embedding": made(float_list=made(vector_index=made(config=config)))}
    if sparse is not None:
        index = made(enabled=True, config=sparse)
        keys["bm25"] = made(sparse_vector=made(sparse_vector_index=index))
    return made(keys=keys)


def test_a_schema_is_read_as_the_configuration():
    client = chromalab.EphemeralClient()
    notes = client.create_collection("notes", schema=schema(), embedding_function=None)
    stored = notes.configuration_json["hnsw"]
    assert (stored["space"], stored["ef_search"], stored["max_neighbors"]) == ("cosine", 50, 16)
    for wrong, message in (
        ({"schema": 7}, "must be a chromalab.Schema, or a Schema of chromadb"),
        ({"schema": schema(), "configuration": {}}, "not both"),
    ):
        with pytest.raises(errors.InvalidArgumentError, match=message):
            client.create_collection("other", **wrong)
    function = chromalab.utils.embedding_functions.ChromaBm25EmbeddingFunction()
    sparse = types.SimpleNamespace(embedding_function=function, source_key="#document", bm25=True)
    words = client.create_collection("words", schema=schema(sparse=sparse), embedding_function=None)
    words.add(ids=["a"], embeddings=[[0]], documents=["a cup of tea"])
    assert words.get()["metadatas"] == [{"bm25": function(["a cup of tea"])[0]}]


def test_programs_stop_the_system_of_a_client(tmp_path):
    client = chromalab.PersistentClient(tmp_path)
    system = client._system
    with chromalab.Client(system.settings) as other:
        other.create_collection("notes", embedding_function=None)
        system.stop()
        assert not system._running
        assert other._system._running
        with pytest.raises(errors.ClientClosedError):
            client.list_collections()
    assert chromalab.PersistentClient(tmp_path).count_collections() == 1
