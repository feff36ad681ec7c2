"""Which folders can be a store, and the errors for those that cannot."""

import os
import sqlite3

import pytest

import chromalab
from chromalab import errors


def test_a_path_to_a_file_is_rejected(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    for path in (file, file / "below"):
        with pytest.raises(errors.NotAFolderError, match=r"notes\.txt.*is a file") as caught:
            chromalab.PersistentClient(path)
        assert isinstance(caught.value, NotADirectoryError)
    assert file.read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="drops privileges in a fork: POSIX only")
def test_a_folder_that_is_not_writable_and_has_no_store_is_rejected(tmp_path):
    folder = tmp_path / "read only"
    folder.mkdir()
    folder.chmod(0o555)
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # root can write anywhere, so switch to the user nobody
        try:
            if os.geteuid() == 0:
                os.seteuid(65534)
            chromalab.PersistentClient(folder)
            os.write(writer, b"opened")
        except PermissionError as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode())
        except BaseException as error:
            os.write(writer, f"other {error!r}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    answer = os.read(reader, 10_000).decode()
    os.waitpid(child, 0)
    os.close(reader)
    assert answer.startswith("StoreNotWritableError: The folder"), answer
    assert "is not writable" in answer
    assert not list(folder.iterdir())


def test_a_store_of_a_newer_release_is_rejected_and_unchanged(tmp_path):
    chromalab.PersistentClient(tmp_path).close()
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 9999")
    with pytest.raises(
        errors.VersionMismatchError, match=r"newer chromalab.*pip install --upgrade"
    ):
        chromalab.PersistentClient(tmp_path)
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (9999,)


def test_a_database_of_another_program_is_rejected(tmp_path):
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        connection.execute("PRAGMA application_id = 42")
    with pytest.raises(errors.VersionMismatchError, match="not created by chromalab"):
        chromalab.PersistentClient(tmp_path)


def test_a_chroma_folder_is_rejected(tmp_path):
    (tmp_path / "chroma.sqlite3").write_bytes(b"")
    with pytest.raises(errors.VersionMismatchError, match=r"chromalab\.import_chroma\("):
        chromalab.PersistentClient(tmp_path)
    assert not (tmp_path / "store.sqlite3").exists()


def test_a_folder_of_chroma_0_3_is_rejected(tmp_path):
    (tmp_path / "chroma-collections.parquet").write_bytes(b"")
    for call in (chromalab.PersistentClient, chromalab.import_chroma):
        with pytest.raises(errors.VersionMismatchError, match=r"Chroma 0\.3"):
            call(tmp_path)
    assert not (tmp_path / "store.sqlite3").exists()


def test_a_damaged_database_raises(tmp_path):
    chromalab.PersistentClient(tmp_path).close()
    (tmp_path / "store.sqlite3").write_bytes(b"this is no database, " * 500)
    with pytest.raises(errors.InternalError, match="damaged"):
        chromalab.PersistentClient(tmp_path)


def test_everything_is_read_back_after_reopening(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        made = client.create_collection("facts", metadata={"about": "x"}, embedding_function=None)
        made.add(ids=["a"], embeddings=[[1, 2]], documents=["é 漢字"], metadatas=[{"n": 1.0}])
    with chromalab.PersistentClient(str(tmp_path)) as client:
        again = client.get_collection("facts")
        assert again == made
        assert again.metadata == {"about": "x"}
        found = again.get(include=["embeddings", "documents", "metadatas"])
        assert found["documents"] == ["é 漢字"]
        assert found["embeddings"].tolist() == [[1, 2]]
        assert type(found["metadatas"][0]["n"]) is float


def test_an_ephemeral_store_is_removed_with_its_client():
    client = chromalab.EphemeralClient()
    folder = client._engine.engine.store.path
    assert folder.exists()
    del client
    assert not folder.exists()


def test_unknown_tenants_and_databases_are_rejected(tmp_path):
    with pytest.raises(errors.NotFoundError, match="default_tenant"):
        chromalab.PersistentClient(tmp_path, tenant="other")
    with pytest.raises(errors.NotFoundError, match="default_database"):
        chromalab.PersistentClient(tmp_path, database="other")


def test_an_unknown_durability_is_rejected(tmp_path):
    with pytest.raises(errors.InvalidArgumentError, match="full, normal, off"):
        chromalab.PersistentClient(tmp_path, durability="maximum")


def test_the_folder_may_come_from_the_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = chromalab.Settings(persist_directory=tmp_path / "mine")
    chromalab.PersistentClient(settings=settings).close()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    chromalab.PersistentClient("./chroma", settings).close()  # the path that a caller gives wins
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chroma", "mine"]


@pytest.mark.parametrize("path", [None, b"mine", 7, chromalab.Settings(), "", "a\0b"])
def test_what_is_no_path_is_rejected(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError), match="path must be") as caught:
        chromalab.PersistentClient(path)
    assert isinstance(caught.value, errors.ChromalabError)
    if not isinstance(path, chromalab.Settings):
        with pytest.raises(errors.ChromalabError, match="persist_directory must be"):
            chromalab.Settings(is_persistent=True, persist_directory=path)
    assert not list(tmp_path.iterdir())


def test_a_home_that_does_not_exist_is_rejected(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        errors.InvalidArgumentError, match="must name the home of a user; got '~nobody-here"
    ):
        chromalab.PersistentClient("~nobody-here/store")
    assert chromalab.PersistentClient("./~nobody-here").count_collections() == 0
