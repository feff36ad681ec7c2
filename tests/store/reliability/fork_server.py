"""Forks workers from a process that has chromalab loaded, so that each takes milliseconds to start.

Run it with the number of a socket. Each worker runs commands, one JSON line each, until it is killed
or its channel is closed. Neither imports anything from the tests.
"""

import json
import os
import resource
import socket
import sys

import numpy as np

import chromalab

MESSAGE = 9  # a letter and a number of eight bytes, both ways


class Worker:
    """A process with its own client and the only collection of its store."""

    def open(self, folder, **settings):
        self.client = chromalab.PersistentClient(folder, **settings)
        collections = self.client.list_collections()
        self.collection = collections[0] if collections else None

    def create(self, name, **arguments):
        self.collection = self.client.create_collection(name, embedding_function=None, **arguments)

    def call(self, method, **arguments):
        return getattr(self.collection, method)(**arguments)

    def check(self):
        return [[str(p.file), str(p.what), str(p.do)] for p in self.client.check()]

    def close(self):
        self.client.close()

    def add_random(self, start, count, dimension):
        """Add `count` records of random numbers, in calls of the largest allowed size."""
        rng = np.random.default_rng(start)
        for first in range(start, start + count, 5461):
            rows = min(5461, start + count - first)
            self.collection.add(
                ids=[f"r{n}" for n in range(first, first + rows)],
                embeddings=rng.random((rows, dimension), dtype=np.float32),
            )

    def limit_file_size(self, size):
        """Limit the size of files to `size` bytes; None removes the limit."""
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most if size is None else size, most))

    def obey(self, channel):
        commands = channel.makefile("r", encoding="utf-8", newline="\n")
        answers = channel.makefile("w", encoding="utf-8", newline="\n")
        for line in commands:
            command = json.loads(line)
            try:
                answer = {"ok": getattr(self, command.pop("do"))(**command)}
            except chromalab.errors.ChromalabError as error:
                answer = {"refused": type(error).__name__, "message": str(error)}
            except Exception as error:
                answer = {"crashed": type(error).__name__, "message": str(error)}
            answers.write(json.dumps(answer, default=_plain) + "\n")
            answers.flush()


def _plain(value):
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def serve(control):
    while True:
        message, handles, *_ = socket.recv_fds(control, MESSAGE, 1)
        if not message:
            return
        number = int.from_bytes(message[1:], "big")
        if message[:1] == b"f":
            number = os.fork()
            if number == 0:
                control.close()
                Worker().obey(socket.socket(fileno=handles[0]))
                os._exit(0)
            os.close(handles[0])
        else:
            os.waitpid(number, 0)
        control.sendall(message[:1] + number.to_bytes(8, "big"))


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
