"""Runs one measurement in a process of its own: `alone` asks for it, `main` does it.

So nobody's imports, compiled code, threads or memory are counted for another.
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
"""What may be missing; the others are chromalab's own."""


class Meter:
    """Adds up what passes inside `with meter:`.

    Attributes:
        wall: Seconds.
        cpu: User and system seconds of all threads, and of ended child processes.
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
        """Tell the CPU seconds up to now, and begin anew at 0."""
        cpu, self.wall, self.cpu = self.cpu, 0.0, 0.0
        return cpu


def alone(job: str, folder: Path, **given: Any) -> dict[str, Any]:
    """Run a job, such as "analytics_peers.evoc", and return what it tells.

    A job is a function of a meter, the folder of the data, and what is given. To its answer are
    added "wall", "cpu" (seconds) and "memory" (the most that was resident, MB).

    Returns:
        The answer, or {"problem": why there is none}.
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
        said = errors.read()
    if done.returncode:
        print(said, file=sys.stderr)
        last = (said.strip().splitlines() or ["nothing"])[-1]
        return {"problem": f"{job} stopped: {last}"}
    return json.loads(done.stdout.splitlines()[-1])


def _cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _most_memory() -> float:
    """MB; of this process alone, while `ru_maxrss` begins with what its parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Do the job of the command line, and print its answer as the last line."""
    job, folder, given = sys.argv[1:]
    module, _, name = job.partition(".")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    meter = Meter()
    try:
        answer = getattr(importlib.import_module(module), name)(
            meter, Path(folder), **json.loads(given)
        )
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in PEERS:
            raise
        answer = {"problem": f"{missing} is not installed: make bench installs it"}
    measured = {"wall": meter.wall, "cpu": meter.cpu, "memory": _most_memory()}
    answers.write(json.dumps({**measured, **(answer or {})}) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
