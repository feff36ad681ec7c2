"""Worker processes that write, get killed and run out of disk space."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest


class Worker:
    """A process with its own client of a store, which runs commands and may be killed at any time.

    Attributes:
        process: Its process id.
        took: The seconds from the last awaited command to its answer.
    """

    def __init__(self, process, channel, ended):
        self.process = process
        self.took = 0.0
        channel.settimeout(100)  # seconds, after which a hanging process fails its test
        self._channel = channel
        self._commands = channel.makefile("w", encoding="utf-8", newline="\n")
        self._answers = channel.makefile("r", encoding="utf-8", newline="\n")
        self._ended = ended

    def send(self, do, **arguments):
        """Send a command without waiting for the answer."""
        self._commands.write(json.dumps({"do": do, **arguments}) + "\n")
        self._commands.flush()

    def answer(self):
        """The answer to the oldest unanswered command; None after the process has died."""
        try:
            line = self._answers.readline()
        except ConnectionResetError:  # it died with unread commands
            return None
        return json.loads(line) if line else None

    def answered(self, wait=0.001):
        """Whether an answer, or the end, arrives within `wait` seconds; earlier answers must be read."""
        return bool(select.select([self._channel], [], [], wait)[0])

    def ask(self, do, **arguments):
        """Send a command and return the answer, whatever it is."""
        begun = time.perf_counter()
        self.send(do, **arguments)
        answer = self.answer()
        self.took = time.perf_counter() - begun
        return answer

    def do(self, do, **arguments):
        """Send a command that must succeed, and return its result."""
        answer = self.ask(do, **arguments)
        assert answer is not None, f"the process died of {do}"
        assert "ok" in answer, f"{do}: {answer}"
        return answer["ok"]

    def kill(self, after=0.0):
        """Send SIGKILL `after` seconds from now; returns the answers that it gave before."""
        end = time.perf_counter() + after
        while time.perf_counter() < end:  # waking up from a sleep would take longer than a write
            pass
        os.kill(self.process, signal.SIGKILL)
        self._ended(self.process)
        answers = list(iter(self.answer, None))
        self._close()
        return answers

    def end(self):
        """Close the channel, which ends the process."""
        self._channel.shutdown(socket.SHUT_WR)
        self._close()
        self._ended(self.process)

    def _close(self):
        for part in (self._commands, self._answers, self._channel):
            part.close()


class Forks:
    """Forks workers; see fork_server.py."""

    def __init__(self):
        self._control, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("fork_server.py"), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )

    def fork(self):
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"f" + bytes(8)], [theirs.fileno()])
            process = self._reply()
        return Worker(process, ours, self._wait)

    def close(self):
        self._control.close()
        self._server.wait()

    def _wait(self, process):
        self._control.sendall(b"w" + process.to_bytes(8, "big"))
        self._reply()

    def _reply(self):
        return int.from_bytes(self._control.recv(9)[1:], "big")


@pytest.fixture(scope="session")
def forks():
    if not hasattr(os, "fork"):
        pytest.skip("kills forked processes: POSIX only")
    forks = Forks()
    yield forks
    forks.close()
