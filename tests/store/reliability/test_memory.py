"""A collection larger than its memory limit is opened and searched through the page cache."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

DIMENSION = 384
MEGABYTE = 1 << 20
QUERY = np.random.default_rng(0).random((1, DIMENSION)).tolist()


@pytest.mark.skipif(sys.platform != "linux", reason="anonymous memory is read from Linux's /proc")
@pytest.mark.parametrize(
    ("rows", "most"),
    [
        pytest.param(100_000, 75 * MEGABYTE, id="150 MB"),
        pytest.param(
            1_000_000,
            1000 * MEGABYTE,
            id="1.5 GB",
            marks=[
                pytest.mark.soak,
                pytest.mark.skipif(
                    not os.environ.get("CHROMALAB_SOAK"),
                    reason="writes 2 GB, which takes a minute: `make soak` runs it",
                ),
            ],
        ),
    ],
)
def test_a_collection_is_opened_and_searched_in_less_memory_than_its_vectors_take(
    tmp_path, forks, rows, most
):
    if shutil.disk_usage(tmp_path).free < 3 * rows * DIMENSION * 4:
        pytest.skip(f"needs {3 * rows * DIMENSION * 4 / MEGABYTE:,.0f} MB of free disk")
    try:
        writer = forks.fork()
        writer.do("open", folder=str(tmp_path / "store"), durability="off")
        writer.do("create", name="points")
        writer.do("add_random", start=0, count=rows, dimension=DIMENSION)
        writer.end()
        (file,) = (tmp_path / "store" / "vectors").iterdir()
        assert file.stat().st_size == rows * DIMENSION * 4

        reader = forks.fork()
        before = anonymous(reader)
        taken = [
            most_anonymous(reader, "open", folder=str(tmp_path / "store")),
            most_anonymous(reader, "call", method="count"),
            *(
                most_anonymous(reader, "call", method="query", query_embeddings=QUERY, n_results=k)
                for k in (10, 100)
            ),
        ]
        (ids,) = reader.do("call", method="query", query_embeddings=QUERY)["ids"]
        reader.end()
        assert len(ids) == 10
        assert max(taken) - before < most
    finally:
        shutil.rmtree(tmp_path / "store")


@pytest.mark.skipif(sys.platform != "linux", reason="anonymous memory is read from Linux's /proc")
@pytest.mark.parametrize(
    "rows",
    [
        40_000,
        pytest.param(
            1_000_000,
            marks=[
                pytest.mark.soak,
                pytest.mark.skipif(
                    not os.environ.get("CHROMALAB_SOAK"),
                    reason="builds an index of a million rows, which takes minutes: `make soak` runs it",
                ),
            ],
        ),
    ],
)
def test_an_index_is_built_saved_and_loaded_in_little_more_memory_than_it_takes(
    tmp_path, forks, rows
):
    hnsw = {"space": "cosine", "max_neighbors": 8, "ef_construction": 10}
    builder = forks.fork()
    builder.do("open", folder=str(tmp_path / "store"), durability="off")
    builder.do("create", name="points", configuration={"hnsw": hnsw})
    builder.do("call", method="pause_index")
    builder.do("add_random", start=0, count=rows, dimension=128)
    loader = forks.fork()
    for worker in (builder, loader):
        if worker is loader:
            worker.do("open", folder=str(tmp_path / "store"), durability="off")
            worker.do("create", name="points", get_or_create=True)
        before = anonymous(worker)
        peak = most_anonymous(worker, "call", method="build_index", progress=False)
        taken = anonymous(worker) - before
        assert rows * 128 * 4 < taken
        assert peak - before < 1.3 * taken + 5 * MEGABYTE
        if worker is builder:
            builder.end()
            stamp = next((tmp_path / "store" / "index").iterdir()).stat().st_mtime_ns
    assert next((tmp_path / "store" / "index").iterdir()).stat().st_mtime_ns == stamp
    loader.end()


def most_anonymous(worker, do, **arguments):
    """The peak memory, excluding the page cache, of a process while it ran a command."""
    worker.send(do, **arguments)
    most = anonymous(worker)
    while not worker.answered():
        most = max(most, anonymous(worker))
    assert "ok" in worker.answer()
    return max(most, anonymous(worker))


def anonymous(worker):
    lines = Path(f"/proc/{worker.process}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024
