"""A writer killed at 500 random times loses no acknowledged call and leaves none half done."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import chromalab

_spec = importlib.util.spec_from_file_location(
    "record_model", Path(__file__).with_name("record_model.py")
)
model = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(model)

DIMENSION = 16
IDS = 400
SIZES = (1, 3, 10, 40, 120, 400)


def call(rng, number):
    """The arguments of a random write, whose number is in everything that it writes."""
    method = rng.choice(["add", "add", "upsert", "upsert", "update", "delete"])
    size = int(rng.choice(SIZES)) if method != "delete" else int(rng.integers(1, 60))
    ids = [f"r{n}" for n in rng.choice(IDS, size, replace=False)]
    if method == "delete":
        return {"method": "delete", "ids": ids}
    vectors = rng.standard_normal((size, DIMENSION)).astype(np.float32)
    return {
        "method": str(method),
        "ids": ids,
        "embeddings": vectors.tolist(),
        "documents": [f"{id} as call {number} wrote it" for id in ids],
        "metadatas": [{"call": number, "row": row} for row in range(size)],
    }


def after(records, arguments):
    arguments = dict(arguments)
    return model.applied(records, arguments.pop("method"), arguments)


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_kills_lose_no_acknowledged_call_and_leave_none_half_done(tmp_path, forks, seed):
    rng = np.random.default_rng(seed)
    client = chromalab.PersistentClient(tmp_path)
    points = client.create_collection("points", embedding_function=None)
    expected, number = {}, 0
    for _ in range(100):
        alone = rng.random() < 0.5  # otherwise this client keeps the store open
        if alone:
            client.close()
        writer = forks.fork()
        opening = {"folder": str(tmp_path), "durability": str(rng.choice(["full", "normal"]))}
        wait = (
            rng.random() < 0.8
        )  # otherwise it is killed while or shortly after it opens the store
        if wait:
            writer.do("open", **opening)
        else:
            writer.send("open", **opening)
        calls = [call(rng, number + n) for n in range(4)]
        number += len(calls)
        for arguments in calls:
            writer.send("call", **arguments)
        answers = [writer.answer() for _ in range(int(rng.integers(0, 4)) if wait else 0)]
        answers += writer.kill(after=rng.random() * 0.006)
        for received in answers[0 if wait else 1 :]:
            expected, answer = after(expected, calls.pop(0))
            assert received == {"ok": answer}

        if alone:
            client = chromalab.PersistentClient(tmp_path)
            points = client.get_collection("points")
        found = model.held(points)
        if calls and found != expected:
            expected, _ = after(expected, calls[0])
        assert found == expected
        assert points.get()["ids"] == list(expected)
        if found:
            id, record = next(iter(found.items()))
            nearest = points.query(query_embeddings=[record.embedding], n_results=1)
            assert nearest["ids"] == [[id]]
    client.close()


def test_a_store_whose_creator_was_killed_can_be_opened_and_used(tmp_path, forks):
    rng = np.random.default_rng(11)
    for number in range(50):
        folder = tmp_path / str(number)
        maker = forks.fork()
        maker.send("open", folder=str(folder))
        maker.send("create", name="made")
        maker.send("call", method="add", ids=["a"], embeddings=[[1, 2]])
        answers = maker.kill(after=rng.random() * 0.015)
        with chromalab.PersistentClient(folder) as client:
            made = client.get_or_create_collection("made", embedding_function=None)
            assert made.get()["ids"] in ([["a"]] if len(answers) == 3 else [[], ["a"]])
            made.upsert(ids=["a", "b"], embeddings=[[3, 4], [5, 6]])
            assert made.get(include=["embeddings"])["embeddings"].tolist() == [[3, 4], [5, 6]]
