"""The verbs for analyses: each makes one call of the API and returns its result."""

import numpy as np
import pytest

from chromalab import analytics
from chromalab.errors import InvalidArgumentError, NotFoundError


def run(shell, line):
    return shell.run_line_magic("chroma", line)


@pytest.fixture
def points(store):
    """A collection of three groups, in the shell's store."""
    rng = np.random.default_rng(0)
    rows = np.vstack([rng.normal(center, 0.2, (30, 6)) for center in np.eye(6)[:3]])
    made = store.user_ns["points"] = store.magics_manager.registry[
        "ChromaMagic"
    ].session.client.create_collection("points", embedding_function=None)
    words = ["tea cup", "chalk board", "river bank"]
    made.add(
        ids=[str(row) for row in range(90)],
        embeddings=rows,
        documents=[f"{words[row // 30]} {row}" for row in range(90)],
        metadatas=[{"half": row % 2} for row in range(90)],
    )
    return made


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("neighbors points -k 5", analytics.Neighbors),
        ("cluster points --n-clusters 3", analytics.Clusters),
        ("cluster points --method hdbscan --min-cluster-size 5", analytics.Clusters),
        ("cluster points --method hdbscan --min-cluster-size 5 --exact", analytics.Clusters),
        ("topics points --n-words 3", analytics.Topics),
        ("cluster points --noise 0.2", analytics.Clusters),
        (
            "dedupe points --methods near,semantic --threshold 0.99 --jaccard 0.8",
            analytics.Duplicates,
        ),
        ("outliers points --share 0.1 -k 5", analytics.Outliers),
        ("outliers points --threshold 0.5", analytics.Outliers),
        ("project points --method pca --random-state 5", analytics.Projection),
        ("project points --method pca --dims 3", analytics.Projection),
    ],
)
def test_each_verb_returns_the_result_of_the_api(store, points, line, kind):
    found = run(store, line)
    assert isinstance(found, kind)
    half = run(store, f'{line} --where "half = 1"') if "topics" not in line else None
    assert half is None or len(half.ids) == 45


def test_exact_hdbscan_compares_all_pairs_and_says_so(store, points):
    found = run(store, "cluster points --method hdbscan --min-cluster-size 5 --exact")
    expected = points.cluster("hdbscan", min_cluster_size=5, exact=True)
    assert found.parameters["exact"] is True
    assert np.array_equal(found.labels, expected.labels)
    assert len(set(found.labels) - {-1}) == 3
    with pytest.raises(InvalidArgumentError, match="--exact goes with --method"):
        run(store, "cluster points --exact")


def test_topics_of_clusters_are_written_to_the_given_field(store, points):
    store.user_ns["clusters"] = run(store, "cluster points --n-clusters 3 --into group")
    run(store, "topics :clusters --into topic")
    metadata = points.get(ids=["0"])["metadatas"][0]
    assert metadata["group"] in (0, 1, 2)
    assert "tea" in metadata["topic"]


def test_an_unknown_method_is_reported_with_a_similar_one(store, points):
    with pytest.raises(InvalidArgumentError, match="hdbscan"):
        run(store, "cluster points --method hdbscn")
    with pytest.raises(InvalidArgumentError, match="must be a number"):
        run(store, "outliers points --share many")


def test_an_option_reaches_the_analysis(store, points):
    with pytest.raises(InvalidArgumentError, match="--n-neighbors needs the method 'umap'"):
        run(store, "project points --method pca --n-neighbors 5")


def test_link_leakage_and_propagate_are_verbs(store, points):
    client = store.magics_manager.registry["ChromaMagic"].session.client
    others = store.user_ns["others"] = client.create_collection("others", embedding_function=None)
    rows = points.get(ids=["0", "40"], include=["embeddings", "documents"])
    others.add(ids=["x", "y"], embeddings=rows["embeddings"], documents=rows["documents"])
    assert run(store, "link points others").pairs == run(store, "link points :others").pairs
    assert set(run(store, "link points others --threshold 0.9").pairs) == {("0", "x"), ("40", "y")}
    assert set(run(store, "leakage points others").leaked_ids) == {"x", "y"}
    points.update(ids=["0", "40"], metadatas=[{"kind": "tea"}, {"kind": "chalk"}])
    found = run(store, "propagate points --field kind --alpha 0.5 --into kind")
    assert set(found.labels[:30]) == {"tea"}
    assert points.get(ids=["41"])["metadatas"][0]["kind"] == "chalk"
    with pytest.raises(NotFoundError, match="Did you mean 'others'"):
        run(store, "link points other")


def test_arrays_are_analyzed_like_collections(store, points):
    store.user_ns["rows"] = points.snapshot().vectors
    store.user_ns["clusters"] = run(store, "cluster :rows --n-clusters 3")
    assert store.user_ns["clusters"].sizes.tolist() == [30, 30, 30]
    assert len(run(store, "project :rows --method pca").coordinates) == 90
    with pytest.raises(InvalidArgumentError, match="Topics need documents"):
        run(store, "topics :rows")
    with pytest.raises(InvalidArgumentError, match="where needs a collection"):
        run(store, 'outliers :rows --where "half = 1"')
    with pytest.raises(InvalidArgumentError, match="collection to write to"):
        run(store, "cluster :rows --into group")
    with pytest.raises(InvalidArgumentError, match="Did you mean 'lof'"):
        run(store, "outliers points --method loff")


def test_duplicates_are_removed_after_a_yes(store):
    run(store, 'add notes "tea!"')
    plan = repr(run(store, "dedupe.apply notes"))
    assert plan.startswith("notes: 1 would be deleted\n")
    assert plan.endswith("-> a\nAdd --yes to do it.")
    assert run(store, "count notes") == 4
    store.user_ns["twins"] = run(store, "dedupe notes")
    assert run(store, "dedupe.apply :twins --mode mark --yes").marked == 1
    shown = repr(run(store, "dedupe.apply notes --yes")).splitlines()[0]
    assert shown == "notes: 1 deleted; undo() or %chroma undo notes 2 restores them"
    assert repr(run(store, "dedupe.apply notes")).startswith("notes: nothing to do")
    run(store, "undo notes 2")
    assert run(store, "count notes") == 4
