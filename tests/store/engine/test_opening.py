"""What a folder can be, and what is said when it cannot be a store."""

import os
import sqlite3

import pytest

import chromalab
from chromalab import errors


def test_a_path_that_is_a_file_is_refused(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    for path in (file, file / "below"):
        with pytest.raises(errors.NotAFolderError, match=r"notes\.txt.*is a file") as caught:
            chromalab.PersistentClient(path)
        assert isinstance(caught.value, NotADirectoryError)
    assert file.read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="drops privileges in a fork: POSIX only")
@pytest.mark.parametrize("with_store", [False, True])
def test_a_folder_that_cannot_be_written_is_refused(tmp_path, with_store):
    folder = tmp_path / "read only"
    folder.mkdir()
    if with_store:
        chromalab.PersistentClient(folder).close()
    before = sorted(path.name for path in folder.rglob("*"))
    for path in (folder, folder / "vectors"):
        if path.exists():
            path.chmod(0o555)
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # root may write anywhere; nobody may not
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
    said = os.read(reader, 10_000).decode()
    os.waitpid(child, 0)
    os.close(reader)
    assert said.startswith("StoreNotWritableError: The folder"), said
    assert "cannot be written" in said
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_a_store_of_a_newer_release_is_refused_and_left_as_it_is(tmp_path):
    chromalab.PersistentClient(tmp_path).close()
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 9999")
    with pytest.raises(
        errors.VersionMismatchError, match=r"newer chromalab.*pip install --upgrade"
    ):
        chromalab.PersistentClient(tmp_path)
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (9999,)


def test_another_programs_database_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        connection.execute("PRAGMA application_id = 42")
    with pytest.raises(errors.VersionMismatchError, match="not made by chromalab"):
        chromalab.PersistentClient(tmp_path)


def test_a_folder_of_chroma_is_refused(tmp_path):
    (tmp_path / "chroma.sqlite3").write_bytes(b"")
    with pytest.raises(errors.VersionMismatchError, match="a store of Chroma"):
        chromalab.PersistentClient(tmp_path)
    assert not (tmp_path / "store.sqlite3").exists()


def test_a_damaged_catalog_is_told(tmp_path):
    chromalab.PersistentClient(tmp_path).close()
    (tmp_path / "store.sqlite3").write_bytes(b"this is no database, " * 500)
    with pytest.raises(errors.InternalError, match="damaged"):
        chromalab.PersistentClient(tmp_path)


def test_everything_comes_back_after_reopening(tmp_path):
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


def test_an_ephemeral_store_is_gone_with_its_client():
    client = chromalab.EphemeralClient()
    folder = client._engine.store.path
    assert folder.exists()
    del client
    assert not folder.exists()


def test_unknown_tenants_and_databases_are_refused(tmp_path):
    with pytest.raises(errors.NotFoundError, match="default_tenant"):
        chromalab.PersistentClient(tmp_path, tenant="other")
    with pytest.raises(errors.NotFoundError, match="default_database"):
        chromalab.PersistentClient(tmp_path, database="other")


def test_an_unknown_durability_is_refused(tmp_path):
    with pytest.raises(errors.InvalidArgumentError, match="full, normal, off"):
        chromalab.PersistentClient(tmp_path, durability="maximum")
