"""Damage to the authoritative files raises a readable error and is reported by `client.check()`."""

import importlib.util
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

import chromalab
from chromalab import errors

_HERE = Path(__file__).parent


def _load(name):
    spec = importlib.util.spec_from_file_location(name, _HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


damage, model = _load("damage"), _load("record_model")

PAGE = 4096
DIMENSION = 12
RECORDS = 400
LIVE = range(10, RECORDS)
VECTORS = np.random.default_rng(1).standard_normal((RECORDS, DIMENSION)).astype(np.float32)


def document(n):
    """A short document, a long one, or one of over a page."""
    return f"document {n}: " + f"words of {n} " * (n % 7 * 60 if n % 10 == 0 else n % 7)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store of 390 records, after updates and deletes."""
    folder = tmp_path_factory.mktemp("whole")
    with chromalab.PersistentClient(folder) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(
            ids=[f"r{n}" for n in range(RECORDS)],
            embeddings=VECTORS[::-1].copy(),
            documents=[document(n) for n in range(RECORDS)],
            metadatas=[{"n": n, "third": n % 3, "even": n % 2 == 0} for n in range(RECORDS)],
        )
        points.update(ids=[f"r{n}" for n in range(RECORDS)], embeddings=VECTORS)
        points.delete(ids=[f"r{n}" for n in range(10)])
        more = client.create_collection("more", embedding_function=None, metadata={"kept": "too"})
        more.add(ids=["m"], embeddings=[[1, 2, 3]], documents=["more"])
    with sqlite3.connect(folder / "store.sqlite3") as connection:
        connection.execute("DELETE FROM pending_vectors")  # as the next large write does
    connection.close()
    return folder


@pytest.fixture
def store(whole, tmp_path):
    return copy(whole, tmp_path / "store")


def copy(folder, to):
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    return to


def vector_file(folder):
    return max((folder / "vectors").iterdir(), key=lambda file: file.stat().st_size)


def answers(folder):
    """Everything readable in a store, read in several ways; or the message of a ChromalabError."""
    try:
        with chromalab.PersistentClient(folder) as client:
            points, more = client.get_collection("points"), client.get_collection("more")
            nearest = points.query(query_embeddings=VECTORS[::40], n_results=3)
            return {
                "collections": [(c.name, c.metadata) for c in client.list_collections()],
                "counts": (points.count(), more.count()),
                "ids": points.get()["ids"],
                "points": model.held(points),
                "more": model.held(more),
                "by id": model.held(points, ids=[f"r{n}" for n in LIVE]),
                "by key": model.held(points, where={"third": 1}),
                "nearest": (nearest["ids"], nearest["distances"], nearest["documents"]),
            }
    except errors.ChromalabError as error:
        return str(error)


def use(folder):
    """Write in several ways; a ChromalabError because of damage is allowed."""
    try:
        with chromalab.PersistentClient(folder) as client:
            points = client.get_collection("points")
            points.upsert(ids=["new", "r20"], embeddings=VECTORS[:2], documents=["new", "changed"])
            points.delete(ids=[f"r{n}" for n in range(10, 400, 7)])
            client.delete_collection("more")
    except errors.ChromalabError:
        pass


def reported(folder):
    """The names of the files that `client.check()`, or an error, reports as damaged."""
    try:
        with chromalab.PersistentClient(folder) as client:
            problems = list(client.check())
    except errors.ChromalabError as error:
        return {Path(name).name for name in str(error).split() if "store.sqlite3" in name}
    assert all(problem.what and problem.do for problem in problems)
    return {Path(problem.file).name for problem in problems}


@pytest.fixture(scope="module")
def truth(whole, tmp_path_factory):
    found = answers(copy(whole, tmp_path_factory.mktemp("truth") / "store"))
    expected = {
        f"r{n}": model.Record(
            tuple(VECTORS[n].tolist()), document(n), {"n": n, "third": n % 3, "even": n % 2 == 0}
        )
        for n in LIVE
    }
    assert found["points"] == found["by id"] == expected
    return found


@pytest.mark.parametrize("left", [0, 1, 0.5, -DIMENSION * 4, -1])
def test_a_truncated_vector_file_raises_and_the_documents_stay_readable(store, truth, left):
    file = vector_file(store)
    size = file.stat().st_size
    damage.truncate(file, int(size * left) if isinstance(left, float) else left % size)
    with chromalab.PersistentClient(store) as client:
        points = client.get_collection("points")
        with pytest.raises(errors.InternalError, match=r"vector file .* is damaged"):
            points.get(include=["embeddings"])
        with pytest.raises(errors.InternalError, match=r"vector file .* is damaged"):
            points.query(query_embeddings=VECTORS[:1])
        with pytest.raises(errors.InternalError, match=r"vector file .* is damaged"):
            points.add(ids=["new"], embeddings=VECTORS[:1])
        assert points.get()["documents"] == [r.document for r in truth["points"].values()]


@pytest.mark.parametrize("left", [0, 1000])
def test_a_vector_file_truncated_under_an_open_client_does_not_crash_the_process(
    store, forks, left
):
    reader = forks.fork()
    reader.do("open", folder=str(store))
    query = {"method": "query", "query_embeddings": VECTORS[:1].tolist()}
    reader.do("call", **query)
    with open(vector_file(store), "r+b") as file:
        file.truncate(left)
    answer = reader.ask("call", **query)
    assert answer is not None, "the process died"
    assert answer["refused"] == "InternalError"
    assert "is damaged" in answer["message"]
    reader.end()


@pytest.mark.parametrize("by", ["zeros", "junk"])
def test_an_overwritten_page_of_sqlite_is_reported_or_makes_no_difference(store, whole, truth, by):
    pages = len((whole / "store.sqlite3").read_bytes()) // PAGE
    refused = 0
    for page in range(pages):
        file = copy(whole, store) / "store.sqlite3"
        content = bytearray(file.read_bytes())
        # A page of a B-tree has its type in the first byte; others continue the content of a record.
        of_a_tree = content[page * PAGE + (100 if page == 0 else 0)] in (2, 5, 10, 13)
        content[page * PAGE : (page + 1) * PAGE] = (
            bytes(PAGE) if by == "zeros" else damage.junk(PAGE, page)
        )
        file.write_bytes(content)
        found = answers(store)
        if of_a_tree:
            assert isinstance(found, str) or found == truth, f"page {page}"
        elif found != truth and not isinstance(found, str):
            assert "store.sqlite3" in reported(store), f"page {page}"
        refused += isinstance(found, str)
        use(store)
    assert refused > pages / 4


def test_check_reports_a_page_written_to_the_wrong_place(store, whole, truth):
    rng = np.random.default_rng(4)
    pages = len((whole / "store.sqlite3").read_bytes()) // PAGE
    for page in range(1, pages):
        file = copy(whole, store) / "store.sqlite3"
        content = bytearray(file.read_bytes())
        other = int(rng.choice([n for n in range(1, pages) if n != page]))
        content[page * PAGE : (page + 1) * PAGE] = content[other * PAGE : (other + 1) * PAGE]
        file.write_bytes(content)
        found = answers(store)
        if found != truth:
            assert "store.sqlite3" in reported(store), f"page {page} has the content of {other}"
        use(store)


@pytest.mark.parametrize("size", [0, 99, PAGE, 10 * PAGE, 10 * PAGE + 700])
def test_a_truncated_database_raises(store, size):
    damage.truncate(store / "store.sqlite3", size)
    found = answers(store)
    assert isinstance(found, str)
    assert "damaged" in found or "does not exist" in found  # an empty database is a new store


@pytest.fixture
def killed(tmp_path, forks):
    """A store whose last writer was killed, so that its newest commits are only in the log."""
    folder = tmp_path / "killed"
    writer = forks.fork()
    writer.do("open", folder=str(folder))
    writer.do("create", name="points")
    states = [{}]
    for n in range(8):
        rows = range(n * 10, n * 10 + 10)
        vectors = VECTORS[rows.start : rows.stop]
        arguments = {
            "ids": [f"r{row}" for row in rows],
            "embeddings": vectors.tolist(),
            "documents": [document(row) for row in rows],
        }
        writer.do("call", method="add", **arguments)
        states.append(model.applied(states[-1], "add", arguments)[0])
    writer.kill()
    assert (folder / "store.sqlite3-wal").stat().st_size > 10 * PAGE
    return folder, states


def test_a_damaged_log_leaves_one_of_the_commits_and_no_mixture(killed, tmp_path):
    whole, states = killed
    log = (whole / "store.sqlite3-wal").read_bytes()
    damages = [("cut", bit // 8) for bit in damage.bits(len(log), 25, seed=5)]
    damages += [("flipped", bit) for bit in damage.bits(len(log), 25, seed=6)]
    seen = set()
    for kind, place in damages:
        folder = copy(whole, tmp_path / "store")
        act = damage.truncate if kind == "cut" else damage.flip
        act(folder / "store.sqlite3-wal", place)
        with chromalab.PersistentClient(folder) as client:
            if not client.count_collections():
                continue
            found = model.held(client.get_collection("points"))
        assert found in states, f"{kind} at {place}"
        seen.add(states.index(found))
    assert len(seen) > 3


@pytest.mark.parametrize("by", ["nothing", "zeros", "junk"])
def test_a_damaged_index_of_the_log_makes_no_difference(killed, by):
    folder, states = killed
    file = folder / "store.sqlite3-shm"
    size = file.stat().st_size
    file.write_bytes({"nothing": b"", "zeros": bytes(size), "junk": damage.junk(size, 1)}[by])
    with chromalab.PersistentClient(folder) as client:
        assert model.held(client.get_collection("points")) == states[-1]


def test_check_finds_nothing_in_an_undamaged_store(store, killed):
    for folder in (store, killed[0]):
        with open(vector_file(folder), "ab") as file:
            file.write(b"a torn tail, as a crash leaves it")
        assert reported(folder) == set()


def test_check_names_the_vector_file_for_any_flipped_bit_of_a_live_vector(store):
    file = vector_file(store)
    content = file.read_bytes()
    for bit in damage.bits(len(LIVE) * DIMENSION * 4, 60, seed=2):
        n = LIVE[bit // 8 // (DIMENSION * 4)]
        at = content.index(VECTORS[n].tobytes(), RECORDS * DIMENSION * 4)
        damage.flip(file, at * 8 + bit % (DIMENSION * 32))
        assert reported(store) == {file.name}, f"vector of r{n}"
        file.write_bytes(content)


def test_check_names_the_database_for_any_flipped_bit_of_a_document_or_metadata(store, whole):
    file = store / "store.sqlite3"
    content = file.read_bytes()
    rng = np.random.default_rng(3)
    for n in rng.choice(LIVE, 40, replace=False).tolist():
        for text in (document(n)[:50].encode(), f'"n": {n}, "third"'.encode()):
            at = content.index(text)
            bit = at * 8 + int(rng.integers(len(text) * 8))
            damage.flip(file, bit)
            assert reported(store) == {file.name}, f"{text} of r{n}"
            copy(whole, store)


def test_a_flipped_bit_anywhere_in_the_database_is_reported_or_makes_no_difference(
    store, whole, truth
):
    file = store / "store.sqlite3"
    changed = 0
    for bit in damage.bits(file.stat().st_size, 200, seed=7):
        copy(whole, store)
        damage.flip(file, bit)
        found = answers(store)
        if found != truth:
            changed += 1
            assert isinstance(found, str) or file.name in reported(store), f"bit {bit}"
        if changed % 10 == 0:
            use(store)
    assert changed > 20


def test_check_reports_damage_to_several_files(store):
    (more, points) = sorted((store / "vectors").iterdir(), key=lambda file: file.stat().st_size)
    damage.flip(points, (RECORDS + 50) * DIMENSION * 32)
    damage.truncate(more, 4)
    assert reported(store) == {points.name, more.name}
