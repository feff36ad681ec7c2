"""Eight processes that write to one collection, read it, and look for each other's records.

Run it with a folder and the number of operations per process, or `60s` for a duration. It prints
what the collection must contain at the end and what each process counted in it.

Each process owns the records `p<process>-<n>`, with numbers from `low` up to `high`. In shared
memory it publishes `high` after an add was acknowledged and `low` before a delete. So any other
process can check that a record which existed before its call began is in the answer.
"""

import json
import mmap
import os
import random
import sys
import time

import numpy as np

import chromalab

PROCESSES = 8
DIMENSION = 8


def vector(process, n, version):
    return [float(process), float(n), float(version)] + [1.0] * (DIMENSION - 3)


class Process:
    def __init__(self, number, folder, shared):
        self.number = number
        self.client = chromalab.PersistentClient(folder)
        self.points = self.client.get_collection("points")
        self.low, self.high = shared[:, 0], shared[:, 1]
        self.versions = {}  # n -> version, of the existing records
        self.random = random.Random(number)

    def id(self, n):
        return f"p{self.number}-{n}"

    def write(self, method, numbers, version):
        getattr(self.points, method)(
            ids=[self.id(n) for n in numbers],
            embeddings=[vector(self.number, n, version) for n in numbers],
            documents=[f"{n} in version {version}" for n in numbers],
            metadatas=[{"process": self.number, "n": n, "version": version} for n in numbers],
        )
        self.versions.update(dict.fromkeys(numbers, version))

    def add(self, _):
        first = int(self.high[self.number])
        numbers = range(first, first + self.random.randint(1, 40))
        self.write("add", numbers, 0)
        self.high[self.number] = numbers.stop

    def change(self, turn):
        if self.versions:
            several = self.random.sample(sorted(self.versions), min(10, len(self.versions)))
            self.write(self.random.choice(["update", "upsert"]), several, turn)

    def delete(self, _):
        if len(self.versions) > 50:
            first = int(self.low[self.number])
            numbers = range(first, first + self.random.randint(1, 30))
            self.low[self.number] = numbers.stop
            self.points.delete(ids=[self.id(n) for n in numbers])
            for n in numbers:
                del self.versions[n]

    def own(self, _):
        """All of its own records exist, in the version that it wrote last."""
        found = self.points.get(where={"process": self.number}, include=["metadatas", "embeddings"])
        versions = {m["n"]: m["version"] for m in found["metadatas"]}
        assert versions == self.versions, "it does not find its own records"
        for metadata, found_vector in zip(found["metadatas"], found["embeddings"], strict=True):
            wanted = vector(self.number, metadata["n"], metadata["version"])
            assert found_vector.tolist() == wanted, "a vector of another record, or version"

    def others(self, _):
        """A record that another process has written exists."""
        other = self.random.randrange(PROCESSES)
        n = int(self.high[other]) - 1
        if n < 0:
            return
        found = self.points.get(ids=[f"p{other}-{n}"], include=["documents", "metadatas"])
        if not found["ids"]:
            assert n < self.low[other], f"process {other} added {n}, and it is missing"
            return
        (metadata,), (document,) = found["metadatas"], found["documents"]
        assert (metadata["process"], metadata["n"]) == (other, n)
        assert document == f"{n} in version {metadata['version']}", "half of a change"

    def nearest(self, _):
        """The nearest record to the vector of one of its own records is that record."""
        if self.versions:
            n = self.random.choice(sorted(self.versions))
            found = self.points.query(
                query_embeddings=[vector(self.number, n, self.versions[n])], n_results=1
            )
            assert found["ids"] == [[self.id(n)]]
            assert found["distances"] == [[0.0]]

    def run(self, goes_on):
        turns = [self.add, self.add, self.change, self.delete, self.own, self.others, self.nearest]
        turn = 0
        while goes_on(turn):
            self.random.choice(turns)(turn)
            turn += 1
        return turn


def until(bound):
    if bound.endswith("s"):
        end = time.monotonic() + float(bound[:-1])
        return lambda turn: time.monotonic() < end
    return lambda turn: turn < int(bound)


def main(folder, bound):
    with chromalab.PersistentClient(folder) as client:
        client.create_collection("points", embedding_function=None)
    memory = mmap.mmap(-1, PROCESSES * 16)
    shared = np.frombuffer(memory, dtype=np.int64).reshape(PROCESSES, 2)
    end_together = os.pipe()
    pipes = []
    for number in range(PROCESSES):
        results, answers_to = os.pipe()
        if os.fork() == 0:
            os.close(end_together[1])
            with os.fdopen(answers_to, "w") as answers:
                process = Process(number, folder, shared)
                turns = process.run(until(bound))
                print(json.dumps([turns, process.versions]), file=answers, flush=True)
                os.read(
                    end_together[0], 1
                )  # nothing is written: this returns when all have finished
                print(process.points.count(), file=answers, flush=True)
            os._exit(0)
        os.close(answers_to)
        pipes.append(os.fdopen(results))
    done = [json.loads(pipe.readline() or "[0, {}]") for pipe in pipes]
    os.close(end_together[1])
    counted = [pipe.readline().strip() for pipe in pipes]
    codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in pipes]
    print(json.dumps({"done": done, "counted": counted, "codes": codes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
