"""Eight processes on one folder see each other's writes, and all records exist at the end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chromalab

PROGRAM = Path(__file__).with_name("eight_processes.py")
BOUND = "60s" if os.environ.get("CHROMALAB_SOAK") else "250"  # a minute, or operations per process


@pytest.mark.soak
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks: POSIX only")
def test_eight_processes_that_write_and_read_end_with_the_same_records(tmp_path):
    done = subprocess.run(
        [sys.executable, PROGRAM, tmp_path, BOUND], capture_output=True, text=True, timeout=280
    )
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert result["codes"] == [0] * 8
    assert all(turns > 20 for turns, _ in result["done"]), "one of them hardly ran"
    expected = {
        f"p{process}-{n}": (process, int(n), version)
        for process, (_, versions) in enumerate(result["done"])
        for n, version in versions.items()
    }
    assert result["counted"] == [str(len(expected))] * 8

    with chromalab.PersistentClient(tmp_path) as client:
        points = client.get_collection("points")
        found = points.get(include=["embeddings", "documents", "metadatas"])
        assert points.count() == len(expected)
    assert len(set(found["ids"])) == len(found["ids"])
    held = {
        id: (m["process"], m["n"], m["version"])
        for id, m in zip(found["ids"], found["metadatas"], strict=True)
    }
    assert held == expected
    numbers = np.array(list(held.values()))
    assert np.array_equal(found["embeddings"][:, :3], numbers)
    assert found["documents"] == [f"{n} in version {version}" for _, n, version in numbers.tolist()]
