"""`client.check()` reports every kind of damage with advice, and never raises because of it."""

import os
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

import chromalab
from chromalab import errors
from chromalab.engine import Attachment

FORMATS = Path(__file__).parents[2] / "data" / "formats"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "store"
    with chromalab.PersistentClient(path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(
            ids=[f"p{n}" for n in range(20)],
            embeddings=[[n + 1, n + 2] for n in range(20)],
            documents=[f"document {n}" for n in range(20)],
            metadatas=[{"n": n} for n in range(20)],
            uris=[f"file:{n}" for n in range(20)],
        )
        points.update(ids=["p3"], embeddings=[[7, 7]], documents=["changed"])
        points.update(ids=["p4"], metadatas=[{"more": "é 漢字"}])
        points.delete(ids=["p5"])
        client.create_collection("empty", embedding_function=None)
    change(path, "DELETE FROM pending_vectors")  # as the next large write does
    return path


@pytest.fixture
def vectors(folder):
    (file,) = (folder / "vectors").iterdir()
    return file


def change(folder, *statements):
    with sqlite3.connect(folder / "store.sqlite3") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def check(folder):
    with chromalab.PersistentClient(folder) as client:
        return client.check()


def only_problem(folder, what, file="store.sqlite3"):
    (problem,) = report = check(folder)
    assert len(report) == 1
    assert report[0] == problem
    assert bool(report) is True
    assert what in problem.what
    assert problem.file == file
    assert problem.collection == "points"
    assert problem.do
    assert what in repr(report)
    return problem


def test_an_undamaged_store_has_no_problems(folder):
    report = check(folder)
    assert not report
    assert len(report) == 0
    assert list(report) == []
    assert repr(report) == "All is well: 2 collections, 19 records, 0.0 MB of vectors read."
    assert report.leftovers == ()
    assert list(report.df().columns) == ["collection", "file", "what", "do"]


@pytest.mark.parametrize("at", [0, 13, 20 * 8 + 3])
def test_check_reports_the_record_of_a_flipped_bit_in_a_vector(folder, vectors, at):
    data = bytearray(vectors.read_bytes())
    data[at] ^= 4
    vectors.write_bytes(data)
    problem = only_problem(
        folder, "1 record: its vector differs from what was written", f"vectors/{vectors.name}"
    )
    assert problem.ids == ({0: "p0", 13: "p1"}.get(at, "p3"),)
    with chromalab.PersistentClient(folder) as client:
        points = client.get_collection("points")
        points.delete(ids=list(problem.ids))
        points.add(ids=list(problem.ids), embeddings=[[1, 1]])
        assert not client.check()


def test_flipped_bits_in_dead_rows_are_not_reported(folder, vectors):
    data = bytearray(vectors.read_bytes())
    data[3 * 8] ^= 4  # before it was updated
    data[5 * 8] ^= 4  # before it was deleted
    vectors.write_bytes(data)
    assert not check(folder)


@pytest.mark.parametrize(
    "damage",
    [
        "document = 'documenT 0'",
        "document = NULL",
        "document = CAST(x'ff41' AS TEXT)",
        "id = 'q0'",
        "metadata = '{\"n\": 1}'",
        "metadata = NULL",
        "uri = 'file:1'",
        "document = 'document ', metadata = '0' || metadata",
        "document = 12",
        "checksum = 77",
        "checksum = 'x'",
    ],
)
def test_check_reports_the_record_of_changed_content(folder, damage):
    change(folder, f"UPDATE records SET {damage} WHERE id = 'p0'")  # noqa: S608
    problem = only_problem(folder, "1 record: its id, document, metadata or uri differs")
    assert problem.ids in (("p0",), ("q0",))


def test_a_damaged_record_cannot_be_updated_but_can_be_deleted(folder):
    change(folder, "UPDATE records SET document = 'theirs' WHERE id = 'p0'")
    with chromalab.PersistentClient(folder) as client:
        points = client.get_collection("points")
        with pytest.raises(
            errors.InternalError, match=r"'p0' is damaged.*Delete it and add it again"
        ):
            points.update(ids=["p0"], metadatas=[{"n": 5}])
        points.delete(ids=["p0"])
        points.add(ids=["p0"], embeddings=[[1, 1]], documents=["mine"])
        assert not client.check()


def test_check_reports_a_truncated_file_and_the_lost_records(folder, vectors):
    os.truncate(vectors, 18 * 8)
    report = check(folder)
    assert [problem.what for problem in report] == [
        "The file has 144 bytes and should have 168",
        "3 records: its vector is beyond the end of the file ('p18', 'p19', 'p3')",
    ]
    assert report[1].ids == ("p18", "p19", "p3")


def test_check_reports_a_missing_vector_file(folder, vectors):
    vectors.unlink()
    only_problem(folder, "The file is missing", f"vectors/{vectors.name}")


def test_check_reports_a_link_or_folder_in_place_of_a_file(folder, vectors, tmp_path):
    away = vectors.rename(tmp_path / "away")
    vectors.symlink_to(away)
    assert "cannot be opened" in check(folder)[0].what
    vectors.unlink()
    vectors.hardlink_to(away)
    only_problem(folder, "The file is a link", f"vectors/{vectors.name}")
    vectors.unlink()
    vectors.mkdir()
    only_problem(folder, "not a regular file", f"vectors/{vectors.name}")


def test_check_reports_numbers_that_are_not_finite_without_checksums(folder, vectors):
    change(folder, "UPDATE records SET vector_checksum = NULL, checksum = NULL WHERE id = 'p2'")
    assert "1 record of an earlier release without checksums" in repr(check(folder))
    data = bytearray(vectors.read_bytes())
    data[16:20] = np.float32("nan").tobytes()
    vectors.write_bytes(data)
    only_problem(folder, "not finite", f"vectors/{vectors.name}")


def test_check_reports_malformed_metadata_without_checksums(folder):
    change(folder, "UPDATE records SET metadata = '[1]', checksum = NULL WHERE id = 'p2'")
    only_problem(folder, "its id, document, metadata or uri differs from what was written")


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        (
            "UPDATE records SET slot = 77 WHERE id = 'p0'",
            "refers to a row of vectors that does not exist",
        ),
        (
            "UPDATE records SET slot = -1 WHERE id = 'p0'",
            "refers to a row of vectors that does not exist",
        ),
        (
            "UPDATE records SET slot = 'x' WHERE id = 'p0'",
            "refers to a row of vectors that does not exist",
        ),
        ("INSERT INTO dead_slots VALUES (1, 1, 7)", "marked dead but used by records"),
        ("INSERT INTO dead_slots VALUES (1, 1, 99)", "outside the committed rows"),
        ("INSERT INTO dead_slots VALUES (1, 99, 5)", "have a future version"),
        ("INSERT INTO changed VALUES (1, 99, 1)", "for a future version"),
    ],
)
def test_check_reports_inconsistent_slots(folder, sql, what):
    change(folder, sql)
    only_problem(folder, what)


def test_check_reports_two_records_with_one_vector(folder):
    change(folder, "UPDATE records SET slot = 1 WHERE id = 'p0'")
    assert {problem.what for problem in check(folder)} == {
        "1 record: its vector differs from what was written ('p0')",
        "1 records share the vector of another record",
    }


def test_check_reports_rows_of_a_missing_collection(folder):
    change(folder, "UPDATE records SET collection = 9 WHERE id = 'p0'")
    (problem,) = check(folder)
    assert problem.what == "1 rows of records belong to a missing collection"
    assert problem.collection == ""


def test_check_reports_a_malformed_catalog_row_and_checks_the_others(folder):
    change(folder, "UPDATE collections SET configuration = '{' WHERE name = 'points'")
    (problem,) = report = check(folder)
    assert "row 1 of collections is malformed" in problem.what
    assert problem.collection == "points"
    assert problem.do == "Restore the folder from a copy."
    assert report.found.collections == 1
    assert report.leftovers == ()


def test_check_reports_a_damaged_sqlite_index(folder):
    change(
        folder,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX records_by_slot ON records (slot, collection)'"
        " WHERE name = 'records_by_slot'",
    )
    assert any("SQLite reports" in problem.what for problem in check(folder))


def test_noise_anywhere_in_the_sqlite_file_is_reported_or_harmless(folder, tmp_path):
    numbers = range(400)
    with chromalab.PersistentClient(folder) as client:
        points = client.get_collection("points")
        points.add(
            ids=[f"more {n}" for n in numbers],
            embeddings=[[n, n] for n in numbers],
            documents=[f"document {n} of some length, so that pages are full" for n in numbers],
        )
        notes = [Attachment("note", {"text": f"note {n} of some length"}, f"{n}") for n in numbers]
        points.engine.attach(points.id, add=notes)
        expected = points.get()
    whole = (folder / "store.sqlite3").read_bytes()
    rng = np.random.default_rng(4)
    reported = harmless = 0
    for number in range(60):
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        data = bytearray(whole)
        start = int(rng.integers(100, len(data) - 64))
        data[start : start + 64] = rng.bytes(64)
        (copy / "store.sqlite3").write_bytes(data)
        try:
            client = chromalab.PersistentClient(copy)
        except errors.ChromalabError:
            continue  # the noise is in what every opening reads
        with client:
            if client.check():
                reported += 1
            else:  # the noise is in free space
                harmless += 1
                assert client.get_collection("points").get() == expected
    assert reported > 20
    assert reported > harmless


def test_files_that_nothing_refers_to_are_leftovers_and_not_problems(folder, vectors):
    orphan = f"{vectors.name[:36].replace(vectors.name[0], '0')}-7.f32"
    (folder / "vectors" / orphan).write_bytes(b"left")
    (folder / "vectors" / "notes.txt").write_bytes(b"mine")
    (folder / "index").mkdir(exist_ok=True)
    (folder / "index" / orphan.replace(".f32", ".hnsw")).write_bytes(b"left")
    report = check(folder)
    assert not report
    assert report.leftovers == (f"vectors/{orphan}", f"index/{orphan.replace('.f32', '.hnsw')}")
    assert "2 files left by a crash, harmless." in repr(report)
    with chromalab.PersistentClient(folder) as client:
        client.get_collection("points").compact()
        assert client.check().leftovers == ()
    assert (folder / "vectors" / "notes.txt").exists()


def test_check_reports_a_damaged_index_file(folder, vectors):
    (folder / "index").mkdir(exist_ok=True)
    (folder / "index" / f"{vectors.stem}.hnsw").write_bytes(b"noise" * 100)
    problem = only_problem(folder, "checksum", f"index/{vectors.stem}.hnsw")
    assert problem.do.startswith("Delete the file")


def test_damaged_content_is_shown_escaped(folder):
    change(folder, "UPDATE records SET id = '<b>bold</b>' || char(27) WHERE id = 'p0'")
    shown = check(folder)._repr_html_()
    assert "<b>bold" not in shown
    assert "&lt;b&gt;bold" in shown
    assert "\x1b" not in shown


def test_a_store_of_an_earlier_release_has_no_problems(tmp_path):
    shutil.copytree(FORMATS / "1", tmp_path / "store")
    report = check(tmp_path / "store")
    assert not report
    assert report.found.unverified == report.found.records == 19


def test_check_reports_its_progress(folder):
    calls = []
    with chromalab.PersistentClient(folder) as client:
        client._engine.check(lambda done, total: calls.append((done, total)))
    assert calls == [(21, 21)]
