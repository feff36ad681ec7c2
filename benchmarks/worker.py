"""One system in its own process: `Worker` sends the requests, and `main` answers them.

Requests and answers are lines of JSON. The process measures itself, so the pipe costs nothing. CPU time
is that of all its threads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

__all__ = ["ALONE", "BATCH", "Worker", "environment"]

BATCH = 5000  # records per add or delete; Chroma's limit is 5,461
# If JupyterLab is installed, as in the environment of the tests, chromadb's import makes jsonschema
# compile a grammar: 1.8 s and 16 MB, which should not count for chromadb.
ALONE = "import sys; sys.modules['rfc3987_syntax'] = None\n"


def environment(data: Path) -> dict[str, str]:
    """Return the environment of every measured process: no telemetry, and cached bytecode.

    Otherwise, after an installation without compiling, or with PYTHONDONTWRITEBYTECODE, each start would
    compile every module, which takes three times as long as chromadb's import.
    """
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    bytecode = str(data / "bytecode")
    return {**kept, "ANONYMIZED_TELEMETRY": "False", "PYTHONPYCACHEPREFIX": bytecode}


class Worker:
    """Starts a process for one system over one folder; a context manager that closes it.

    Args:
        name: The system, as in `peers.PEERS`.
        folder: The folder of its store.
        data: The folder that `Glosses.write` wrote.
        rows: The number of records that will be added.
    """

    def __init__(self, name: str, folder: Path, data: Path, rows: int) -> None:
        self._name = name
        self._command = [sys.executable, __file__, name, str(folder), str(data), str(rows)]
        self._environment = environment(data)
        self._start()

    def ask(self, do: str, **given: Any) -> dict[str, Any]:
        """Send a request, which is a method of `_Answers`, and return the answer."""
        self._process.stdin.write(json.dumps({"do": do, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._name} stopped at {do!r}; its own error is shown above.")
        return json.loads(line)

    def reopen(self) -> None:
        """Close the process and start another on the same folder."""
        self.close()
        self._start()

    def close(self) -> None:
        """Close the store and wait until the process has ended."""
        self._process.stdin.close()
        if self._process.wait():
            raise SystemExit(f"{self._name} stopped with an error, which is shown above.")

    def kill(self) -> None:
        """End the process after an error elsewhere."""
        self._process.kill()
        self._process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment,
        )


class _Answers:
    """The requests. `samples` are [wall, CPU] in seconds, one per call."""

    def __init__(self, peer: Any, data: Path, rows: int) -> None:
        from glosses import read_vectors

        self._peer = peer
        self._data = data
        self._rows = rows
        self._queries = read_vectors(data, "queries")[:].copy()
        self._pool: ThreadPoolExecutor | None = None  # kept, as a server keeps its threads

    def fill(self) -> dict[str, Any]:
        """Add all records in batches, then build the index; a batch is prepared before its turn."""
        from glosses import Glosses

        glosses = Glosses.read(self._data)
        added = [0.0, 0.0]
        for start in range(0, self._rows, BATCH):
            batch = self._peer.prepare(glosses, range(start, min(start + BATCH, self._rows)))
            one = _measured(lambda batch=batch: self._peer.add(batch))
            added = [sum(pair) for pair in zip(added, one, strict=True)]
        del glosses
        built = [sum(pair) for pair in zip(added, _measured(self._peer.finish), strict=True)]
        return {"samples": [added], "built": built}

    def add(self, rows: list[int]) -> dict[str, Any]:
        """Add records one by one."""
        from glosses import Glosses

        glosses = Glosses.read(self._data)
        singles = [self._peer.prepare(glosses, [row]) for row in rows]
        return {"samples": [_measured(lambda one=one: self._peer.add(one)) for one in singles]}

    def finish(self) -> dict[str, Any]:
        """Wait for the index."""
        return {"samples": [_measured(self._peer.finish)]}

    def query(
        self, queries: list[int], size: int = 1, buckets: int | None = None, full: bool = True
    ) -> dict[str, Any]:
        """Search in calls of `size` queries."""
        samples, found = [], []
        for start in range(0, len(queries), size):
            vectors = self._queries[queries[start : start + size]]
            answer: list[Any] = []
            samples.append(
                _measured(
                    lambda vectors=vectors, answer=answer: answer.append(
                        self._peer.query(vectors, buckets, full)
                    )
                )
            )
            found += self._peer.rows(answer[0])
        return {"samples": samples, "found": found}

    def delete(self, rows: list[int]) -> dict[str, Any]:
        """Delete records in batches."""

        def delete() -> None:
            for start in range(0, len(rows), BATCH):
                self._peer.delete(rows[start : start + BATCH])

        return {"samples": [_measured(delete)]}

    def load(self, plan: list[list[list[int]]]) -> dict[str, Any]:
        """Make the calls of all threads at once: [first row, number of rows] to add, or [query]."""
        from glosses import Glosses

        glosses = Glosses.read(self._data)
        times: dict[str, list[float]] = {"writes": [], "queries": []}
        work: list[list[tuple[list[float], Callable[[], Any]]]] = []
        for calls in plan:
            work.append([])
            for first, *size in calls:
                if size:
                    added = self._peer.prepare(glosses, range(first, first + size[0]))
                    work[-1].append((times["writes"], partial(self._peer.add, added)))
                else:
                    query = self._queries[[first]]
                    ask = partial(self._peer.query, query, None, True)
                    work[-1].append((times["queries"], ask))
        start = threading.Barrier(len(plan) + 1)

        def run(calls: list[tuple[list[float], Callable[[], Any]]]) -> None:
            start.wait()
            for found, call in calls:
                began = time.perf_counter()
                call()
                found.append(time.perf_counter() - began)

        if self._pool is None:
            self._pool = ThreadPoolExecutor(len(plan))
        running = [self._pool.submit(run, calls) for calls in work]
        start.wait()
        measured = _measured(lambda: [future.result() for future in running])
        return {"samples": [measured], **times}

    def set_ef(self, ef: int) -> dict[str, Any]:
        """Set ef_search for all searches after the next opening."""
        self._peer.set_ef(ef)
        return {}

    def memory(self) -> dict[str, Any]:
        """Return the resident memory, its part that is not mapped from files, and the peak, in MB."""
        status = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
        )
        sizes = [int(status[key].split()[0]) / 1024 for key in ("VmRSS", "RssAnon", "VmHWM")]
        return {"samples": [sizes]}


def _measured(call: Callable[[], Any]) -> list[float]:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    cpu = time.process_time() - cpu
    return [time.perf_counter() - wall, cpu]


def main() -> None:
    """Answer requests until the pipe is closed."""
    from peers import PEERS

    sys.modules["rfc3987_syntax"] = None  # as in ALONE
    name, folder, data, rows = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not an answer
    peer = PEERS[name](Path(folder), int(rows))
    methods = _Answers(peer, Path(data), int(rows))
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(methods, request.pop("do"))(**request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    peer.close()


if __name__ == "__main__":
    main()
