"""A picture of a map without a browser: for saved notebooks, and for `to_png`."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_png"]

_BACKGROUND = (255, 255, 255)


def draw_png(
    places: NDArray[np.float32],
    codes: NDArray[np.uint8],
    palette: list[str],
    *,
    width: int = 760,
    height: int = 520,
) -> bytes:
    """Draw discs of one colour each, later ones over earlier ones.

    Args:
        places: (n, 2) float32 from -1 to 1.
        codes: (n,) uint8, places in the palette.
        palette: At most 255 colours as #rrggbb.
        width: In dots.
        height: In dots.

    Returns:
        A PNG of a byte a dot, as it has as many colours as the palette.
    """
    reach = max(1, min(4, round(6 - np.log10(len(places) + 1))))
    margin = reach + 6
    image = np.zeros((height, width), dtype=np.uint8)
    if len(places):
        low, high = places.min(axis=0), places.max(axis=0)
        span = np.maximum(high - low, 1e-9)
        scale = min((width - 2 * margin) / span[0], (height - 2 * margin) / span[1])
        middle = (low + high) / 2
        x = np.rint(width / 2 + (places[:, 0] - middle[0]) * scale).astype(np.intp)
        y = np.rint(height / 2 - (places[:, 1] - middle[1]) * scale).astype(np.intp)
        around = range(-reach, reach + 1)
        disc = [
            (dx, dy) for dx in around for dy in around if dx * dx + dy * dy <= reach * reach + 1
        ]
        for dx, dy in disc:
            image[y + dy, x + dx] = codes + 1
    colors = [_BACKGROUND, *(_channels(color) for color in palette)]
    rows = np.zeros((height, width + 1), dtype=np.uint8)  # each row begins with its filter, none
    rows[:, 1:] = image
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = {
        b"IHDR": header,
        b"PLTE": bytes(channel for color in colors for channel in color),
        b"IDAT": zlib.compress(rows.tobytes()),
        b"IEND": b"",
    }
    chunks = (_chunk(name, data) for name, data in parts.items())
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _channels(color: str) -> tuple[int, ...]:
    return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(name))
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)
