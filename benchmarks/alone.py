"""Runs one measurement in its own process: `alone` starts the process, and `main` runs in it.

So the imports, compiled code, threads and memory of one system are not counted for another.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

__all__ = ["Meter", "alone"]

PEERS = {"bertopic", "evoc", "hnswlib", "plotly", "pynndescent", "rensa", "semhash", "umap"}
"""Packages that may be missing; all others are required by chromalab."""


class Meter:
    """Adds up the time spent inside `with meter:`.

    Attributes:
        wall: Wall-clock seconds.
        cpu: User and system seconds of all threads, and of child processes that have ended.
    """

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> Meter:
        self._wall, self._cpu = time.perf_counter(), _cpu()
        return self

    def __exit__(self, *problem: object) -> None:
        self.cpu += _cpu() - self._cpu
        self.wall += time.perf_counter() - self._wall

    def lap(self) -> float:
        """Return the CPU seconds up to now, and reset both clocks to 0."""
        cpu, self.wall, self.cpu = self.cpu, 0.0, 0.0
        return cpu


def alone(job: str, folder: Path, **given: Any) -> dict[str, Any]:
    """Run a job, such as "analytics_peers.evoc", and return its answer.

    A job is a function of a meter, the data folder and the given options. "wall" and "cpu" (seconds) and
    "memory" (peak resident memory, MB) are added to its answer.

    Returns:
        The answer, or {"problem": the reason for not having one}.
    """
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run(
            [sys.executable, __file__, job, str(folder), json.dumps(given)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
        )
        errors.seek(0)
        log = errors.read()
    if done.returncode:
        print(log, file=sys.stderr)
        last = (log.strip().splitlines() or ["nothing"])[-1]
        return {"problem": f"{job} stopped: {last}"}
    return json.loads(done.stdout.splitlines()[-1])


def _cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _most_memory() -> float:
    """Return the peak memory of this process in MB; `ru_maxrss` would start with its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Run the job given on the command line, and print its answer as the last line."""
    job, folder, given = sys.argv[1:]
    module, _, name = job.partition(".")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not an answer
    meter = Meter()
    try:
        answer = getattr(importlib.import_module(module), name)(
            meter, Path(folder), **json.loads(given)
        )
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in PEERS:
            raise
        answer = {"problem": f"{missing} is not installed; make bench installs it"}
    measured = {"wall": meter.wall, "cpu": meter.cpu, "memory": _most_memory()}
    answers.write(json.dumps({**measured, **(answer or {})}) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
