"""The verbs for labels: each makes one call of the API, and the body of a cell has one pair per line."""

import numpy as np
import pytest

from chromalab import analytics
from chromalab.errors import InvalidArgumentError


def run(shell, line):
    return shell.run_line_magic("chroma", line)


@pytest.fixture
def points(store):
    """A collection of three groups in the shell's store; every fifth record is labeled."""
    rng = np.random.default_rng(0)
    rows = np.vstack([rng.normal(center, 0.2, (30, 6)) for center in np.eye(6)[:3]])
    session = store.magics_manager.registry["ChromaMagic"].session
    made = session.client.create_collection("points", embedding_function=None)
    made.add(
        ids=[f"http://x/{row}" for row in range(90)],
        embeddings=rows,
        documents=[f"text {row}" for row in range(90)],
        metadatas=[
            {"half": row % 2} | ({"kind": row // 30} if row % 5 == 0 else {}) for row in range(90)
        ],
    )
    return made


def test_classify_learns_from_a_field_and_labels_only_unlabeled_records(store, points):
    found = run(store, "classify points --field kind --into kind")
    assert isinstance(found, analytics.Classification)
    assert points.get(ids=["http://x/1"])["metadatas"][0]["kind"] == 0
    assert "kind_predicted" not in points.get(ids=["http://x/0"])["metadatas"][0]
    soft = run(
        store, 'classify points --field kind --method centroid --threshold 1 --where "half = 1"'
    )
    assert len(soft.ids) == 45
    assert None in soft.labels


def test_classify_takes_examples_in_the_body_and_label_names(store):
    store.run_cell_magic(
        "chroma",
        "found << classify notes --into size --labels short,long",
        "short: tea\nshort: a cup\n\nlong: a very long walk home: and back again",
    )
    found = store.user_ns["found"]
    assert found.examples == ("tea", "a cup", "a very long walk home: and back again")
    assert run(store, "get notes a")["metadatas"][0]["size"] == "short"
    again = store.run_cell_magic(
        "chroma",
        "classify notes --jsonl",
        '{"label": 1, "text": "tea"}\n{"label": 2, "text": "oh"}',
    )
    assert again.classes == (1, 2)
    by_name = run(store, 'classify notes --labels "tea, a very long walk along the river"')
    assert set(by_name.labels) <= {"tea", "a very long walk along the river"}
    with pytest.raises(InvalidArgumentError, match="A line of the body must be label: text"):
        store.run_cell_magic("chroma", "classify notes", "no colon here")
    with pytest.raises(InvalidArgumentError, match="Did you mean 'short'"):
        store.run_cell_magic("chroma", "classify notes --labels short,long", "shrt: tea")
    with pytest.raises(InvalidArgumentError, match="learns from field"):
        run(store, "classify notes")


def test_label_queue_lists_records_and_its_label_verb_writes_labels(store, points):
    queue = run(store, "label_queue points --field kind -n 3 --strategy margin")
    assert isinstance(queue, analytics.LabelQueue)
    assert len(queue.ids) == 3
    first, second = queue.ids[:2]
    written = store.run_cell_magic(
        "chroma", "label_queue.label points --field kind", f"{first}: 2\n{second}: new"
    )
    assert "Wrote 2 labels" in repr(written)
    kinds = {id: points.get(ids=[id])["metadatas"][0]["kind"] for id in (first, second)}
    assert kinds == {first: 2, second: "new"}
    again = run(store, "label_queue points --field kind -n 3")
    assert again.labeled == queue.labeled + 2
    assert not {first, second} & set(again.ids)
    with pytest.raises(InvalidArgumentError, match="not one of the choices"):
        store.run_cell_magic(
            "chroma", "label_queue.label points --field kind --choices 0,1", f"{first}: 7"
        )
    with pytest.raises(InvalidArgumentError, match="No record 'nobody'"):
        store.run_cell_magic("chroma", "label_queue.label points --field kind", "nobody: 1")
    with pytest.raises(InvalidArgumentError, match="label_queue needs --field"):
        run(store, "label_queue points")
    with pytest.raises(InvalidArgumentError, match=r"label_queue\.label needs a body"):
        run(store, "label_queue.label points --field kind")


def test_a_label_or_an_id_that_is_not_a_text_is_an_error(store, points):
    for row in ('{"id": "http://x/1", "label": ["x"]}', '{"id": {}, "label": "x"}'):
        with pytest.raises(InvalidArgumentError, match=r"(id|label) must be a string; got"):
            store.run_cell_magic("chroma", "label_queue.label points --field kind --jsonl", row)
    row = '{"id": "http://x/1", "label": 2}'
    line = "label_queue.label points --field kind --jsonl"
    assert "Wrote 1 label to" in repr(store.run_cell_magic("chroma", line, row))


def test_arrays_are_classified_and_queued_like_collections(store, points):
    store.user_ns["rows"] = points.snapshot().vectors
    store.user_ns["kinds"] = ["abc"[row // 30] if row % 5 == 0 else None for row in range(90)]
    assert run(store, "classify :rows --field :kinds").labels[-1] == "c"
    assert len(run(store, "label_queue :rows --field :kinds -n 4").ids) == 4
    with pytest.raises(InvalidArgumentError, match="where needs a collection"):
        run(store, 'classify :rows --field :kinds --where "half = 1"')
    with pytest.raises(InvalidArgumentError, match="collection to write to"):
        run(store, "classify :rows --field :kinds --into kind")
