"""`%chroma map`: one call of the API, with results and values bound by name."""

import numpy as np
import pytest

from chromalab_widgets import Map


def run(shell, line):
    return shell.run_line_magic("chroma", line)


@pytest.fixture
def points(store):
    client = store.magics_manager.registry["ChromaMagic"].session.client
    made = client.create_collection("points", embedding_function=None)
    rng = np.random.default_rng(0)
    made.add(
        ids=[str(row) for row in range(60)],
        embeddings=np.repeat(np.eye(3), 20, axis=0) + rng.normal(scale=0.1, size=(60, 3)),
        documents=[
            f"{['tea cup', 'chalk board', 'river bank'][row // 20]} {row}" for row in range(60)
        ],
        metadatas=[{"third": f"third {row // 20}", "n": row} for row in range(60)],
    )
    return made


def test_map_returns_the_widget_of_the_api(store, points):
    map = run(store, "map points --projection pca --color third --text third --density")
    assert isinstance(map, Map)
    assert (map.count, map.color_by, map.density) == (60, "third", True)
    assert map.selection is points.selection


def test_results_and_projections_are_bound_by_name(store, points):
    store.user_ns["clusters"] = points.cluster(n_clusters=3)
    store.user_ns["flat"] = points.project("pca")
    map = run(store, "map points --projection :flat --labels :clusters --color :clusters")
    assert (map.color_by, len(map.labels)) == ("cluster", 3)


def test_topics_are_found_on_request(store, points):
    map = run(store, "map points --projection pca --topics")
    assert map.color_by == "topic"
    assert map.labels
