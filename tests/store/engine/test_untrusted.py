"""An untrusted folder, or one that changes while it is open, does no harm outside itself."""

import json
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import chromalab
from chromalab import errors


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "theirs.chroma"
    with chromalab.PersistentClient(path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["a"], embeddings=[[1, 2]], documents=["x"], metadatas=[{"n": 1}])
    return path


def change(folder, sql, *values):
    with sqlite3.connect(folder / "store.sqlite3") as connection:
        connection.execute(sql, values)
    connection.close()


def use(folder):
    with chromalab.PersistentClient(folder) as client:
        (points,) = client.list_collections()
        points.add(ids=["b"], embeddings=[[3, 4]])
        points.get(where={"n": 1})
        points.query(query_embeddings=[[1, 2]])
        repr(client.list_collections())


def test_linked_files_and_folders_are_rejected_and_their_targets_unchanged(folder, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "11111111-1111-1111-1111-111111111111-0.f32").write_bytes(b"precious")
    vectors = folder / "vectors"
    (file,) = vectors.iterdir()
    target = tmp_path / "bashrc"
    target.write_bytes(b"mine, mine, mine")
    file.unlink()
    file.symlink_to(target)
    with pytest.raises(errors.InternalError):
        use(folder)
    file.unlink()
    file.hardlink_to(target)
    with pytest.raises(errors.InternalError, match="it is a link"):
        use(folder)
    shutil.rmtree(vectors)
    vectors.symlink_to(victim)
    with pytest.raises(errors.VersionMismatchError, match="is a symbolic link"):
        use(folder)
    assert target.read_bytes() == b"mine, mine, mine"
    assert [path.read_bytes() for path in victim.iterdir()] == [b"precious"]


def test_only_vector_files_are_removed(folder):
    (folder / "vectors" / "notes.txt").write_text("mine")
    (folder / "vectors" / "mine.f32").write_text("mine")
    with chromalab.PersistentClient(folder) as client:
        client.delete_collection("points")
    assert {path.name for path in (folder / "vectors").iterdir()} == {"notes.txt", "mine.f32"}


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("UPDATE collections SET generation = ?", "x/../../../outside"),
        ("UPDATE collections SET generation = ?", -1),
        ("UPDATE collections SET slots = ?", 10**12),
        ("UPDATE collections SET slots = ?", "many"),
        ("UPDATE collections SET dimension = ?", -2),
        ("UPDATE collections SET dimension = ?", 2**40),
        ("UPDATE collections SET id = ?", "../../x"),
        ("UPDATE collections SET name = ?", "x\n!touch /tmp/x\n"),
        ("UPDATE collections SET configuration = ?", "{}"),
        ("UPDATE collections SET configuration = ?", "[" * 100_000),
        ("UPDATE collections SET configuration = ?", json.dumps({"hnsw": {"space": "x"}})),
        ("UPDATE collections SET metadata = ?", "[1]"),
        ("UPDATE collections SET written_at = ?", "yesterday"),
        ("UPDATE collections SET written_at = ?", "2026-01-05T14:03:22"),
        ("UPDATE collections SET written_at = ?", b"2026"),
        ("UPDATE records SET metadata = ?", "{"),
        ("UPDATE records SET metadata = ?", "[1]"),
        ("UPDATE records SET slot = ?", 77),
        ("UPDATE records SET slot = ?", -1),
        ("UPDATE records SET slot = ?", "x"),
    ],
)
def test_a_malformed_catalog_raises_as_damage(folder, tmp_path, sql, value):
    before = {path.name for path in tmp_path.iterdir()}
    change(folder, sql, value)
    with pytest.raises(errors.InternalError, match="damaged"):
        use(folder)
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER t AFTER INSERT ON records BEGIN UPDATE records SET document = 'theirs'; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE more (x)",
    ],
)
def test_a_foreign_schema_is_rejected(folder, sql):
    change(folder, sql)
    with pytest.raises(errors.VersionMismatchError, match="another program changed it"):
        use(folder)


@pytest.mark.parametrize("pragma", ["application_id = 42", "user_version = 0"])
def test_a_database_of_another_program_is_rejected_and_stays_byte_for_byte_unchanged(
    tmp_path, pragma
):
    file = tmp_path / "store.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        connection.execute(f"PRAGMA {pragma}")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(errors.VersionMismatchError, match="not created by chromalab"):
        chromalab.PersistentClient(tmp_path)
    assert file.read_bytes() == before


def test_a_migration_of_an_open_store_by_a_newer_release_is_detected(folder):
    with chromalab.PersistentClient(folder) as client:
        points = client.get_collection("points")
        change(folder, "PRAGMA user_version = 9999")
        with pytest.raises(errors.VersionMismatchError, match="newer chromalab"):
            points.add(ids=["b"], embeddings=[[3, 4]])


def test_a_folder_deleted_or_replaced_under_an_open_client_raises(folder):
    client = chromalab.PersistentClient(folder)
    points = client.get_collection("points")
    shutil.rmtree(folder)
    for call in (points.count, lambda: points.add(ids=["b"], embeddings=[[3, 4]])):
        with pytest.raises(errors.StoreGoneError, match="deleted or replaced") as caught:
            call()
        assert isinstance(caught.value, FileNotFoundError)
    (folder / "vectors").mkdir(parents=True)
    with ThreadPoolExecutor() as threads:  # a thread without a connection must not create the file
        with pytest.raises(errors.StoreGoneError):
            threads.submit(points.count).result()
        assert not (folder / "store.sqlite3").exists()
    with chromalab.PersistentClient(folder) as new:
        assert new.count_collections() == 0
        with pytest.raises(errors.StoreGoneError):
            client.create_collection("more", embedding_function=None)
        assert new.count_collections() == 0


def test_a_collection_deleted_during_a_read_is_not_reported_as_damaged(folder, elsewhere):
    with chromalab.PersistentClient(folder) as client:
        points = client.get_collection("points")
        engine = client._engine.engine
        with engine.store.read() as connection:
            reading = engine._open(connection, points.id)
            elsewhere(folder).delete_collection("points")
            with pytest.raises(errors.InternalError, match="is missing"):
                reading.rows(reading.matching(_everything()), {"embeddings"})
        with pytest.raises(errors.NotFoundError, match="it was deleted"):
            points.get(include=["embeddings"])
        assert engine._residents == {}


def _everything():
    from chromalab.engine import Filter

    return Filter()


def test_a_pattern_with_a_huge_automaton_is_rejected(folder):
    with chromalab.PersistentClient(folder) as client:
        points = client.get_collection("points")
        for pattern in ("(?:x?){1,900}[a-y]{0,900}" * 60 + "z", "a" * 2001, "\ud800"):
            with pytest.raises(errors.InvalidArgumentError):
                points.get(where_document={"$regex": pattern})


OPEN = """
import sys, chromalab
for folder in sys.argv[1:]:
    sys.stdin.readline()
    chromalab.PersistentClient(folder).count_collections()
    print("opened", flush=True)
"""


def test_processes_that_open_a_new_folder_at_once_all_succeed(tmp_path):
    folders = [str(tmp_path / str(round)) for round in range(5)]
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, *folders],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for _ in folders:
        for opener in openers:
            opener.stdin.write("go\n")
            opener.stdin.flush()
        opened = [opener.stdout.readline() for opener in openers]
        if opened != ["opened\n"] * 4:
            break
    for opener in openers:
        _, output = opener.communicate(timeout=60)
        assert opener.returncode == 0, output
    assert opened == ["opened\n"] * 4
