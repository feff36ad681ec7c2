"""Damages files at random positions given by a seed."""

import numpy as np


def flip(file, bit):
    """Flip one bit, counted from the start of the file."""
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)


def bits(size, count, seed):
    """Draw `count` distinct bits of `size` bytes."""
    return np.random.default_rng(seed).choice(size * 8, count, replace=False).tolist()


def truncate(file, size):
    file.write_bytes(file.read_bytes()[:size])


def junk(size, seed):
    """Random bytes."""
    return np.random.default_rng(seed).bytes(size)
