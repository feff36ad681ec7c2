"""`into` does not replace values that people wrote."""

import numpy as np
import pytest

from chromalab.errors import InvalidArgumentError

ROWS = np.repeat(np.eye(2), 30, axis=0) + np.random.default_rng(0).normal(0, 0.1, (60, 2))


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=[str(n) for n in range(60)], embeddings=ROWS)
    return points


def topics(points):
    return [(metadata or {}).get("topic") for metadata in points.get()["metadatas"]]


def test_values_that_no_analysis_wrote_are_kept(points):
    points.update(ids=["3", "4"], metadatas=[{"topic": "tea"}, {"topic": "chalk"}])
    found = points.cluster(progress=False)
    with pytest.raises(InvalidArgumentError, match=r"'topic' has values that no .*and 2 of them"):
        found.into("topic")
    for write in (points.outliers, points.dedupe, points.cluster):
        with pytest.raises(InvalidArgumentError, match="overwrite=True"):
            write(into="topic", progress=False)
    assert topics(points)[3:5] == ["tea", "chalk"]
    assert topics(points)[0] is None
    found.into("topic", overwrite=True)
    assert topics(points) == found.labels.tolist()


def test_values_of_an_analysis_are_replaced_by_the_next_one_also_after_a_restart(tmp_path):
    import chromalab

    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=[str(n) for n in range(60)], embeddings=ROWS)
        points.cluster(into="topic", progress=False)
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.get_collection("points")
        points.cluster("kmeans", n_clusters=3, into="topic", progress=False)
        assert set(topics(points)) == {0, 1, 2}


def test_values_that_were_written_after_the_analysis_are_kept(points):
    found = points.cluster(progress=False)
    points.update(ids=["3"], metadatas=[{"topic": "tea"}])
    with pytest.raises(InvalidArgumentError, match="and 1 of them would change"):
        found.into("topic")
    assert topics(points)[3] == "tea"


def test_labels_that_stay_the_same_are_no_conflict(points):
    points.update(ids=["0", "59"], metadatas=[{"topic": "tea"}, {"topic": "chalk"}])
    assert set(points.propagate("topic", into="topic", progress=False).labels) == {"tea", "chalk"}


def test_classify_refuses_to_replace_labels(points):
    points.update(ids=["0", "59"], metadatas=[{"topic": "tea"}, {"topic": "chalk"}])
    found = points.classify("topic", progress=False)
    with pytest.raises(InvalidArgumentError, match="never replaces labels"):
        found.into("topic", overwrite=True)


def test_labels_that_were_replaced_come_back_and_are_guarded_again(points):
    points.update(ids=["3", "4"], metadatas=[{"topic": "tea"}, {"topic": "chalk"}])
    points.cluster(into="group", progress=False)
    assert len(points.history()) == 0  # nothing was there before
    points.cluster(progress=False).into("topic", overwrite=True)
    (done,) = points.history()
    assert (done.what, done.records) == ("clusters into 'topic'", 60)
    assert points.undo().restored == 60
    assert [topic for topic in topics(points) if topic is not None] == ["tea", "chalk"]
    with pytest.raises(InvalidArgumentError, match="overwrite=True"):
        points.cluster(into="topic", progress=False)


def test_labels_of_the_queue_are_undone(points):
    points.update(ids=["3", "50"], metadatas=[{"topic": "tea"}, {"topic": "chalk"}])
    points.label_queue("topic", progress=False).label({"3": "chalk", "5": "tea"})
    assert points.history().operations[0].what == "labels of 'topic'"
    points.undo()
    assert (topics(points)[3], topics(points)[5]) == ("tea", None)
