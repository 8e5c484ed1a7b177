"""Noise that depends on what it is for, and on nothing else.

Every number is a function of (seed, member, date, draw, channel, cell) through the counter-based
Philox generator (Salmon et al. 2011): no order of calls, number of members, rank or device changes
it.
"""

from __future__ import annotations

import datetime

import numpy as np


def gaussian(
    shape: tuple[int, int, int], *, seed: int, member: int, date: datetime.date, draw: int = 0
) -> np.ndarray:
    """Independent standard normals, float64 of shape (channel, y, x).

    Draw 0 is what a sampler starts from; what it adds on its way are draws 1, 2, ...
    """
    channels, ny, nx = shape
    day = date.toordinal()
    noise = [_channel(ny * nx, seed, member, day, channel, draw) for channel in range(channels)]
    return np.stack(noise).reshape(shape)


def _channel(size: int, seed: int, member: int, day: int, channel: int, draw: int) -> np.ndarray:
    # The key is the member, the counter's upper words the date, channel and draw; its lowest word
    # counts the cells, two 64-bit words each.
    philox = np.random.Philox(key=[seed, member], counter=[0, draw, channel, day])
    words = philox.random_raw(2 * size).reshape(size, 2)
    # 53 bits each: u in (0, 1], v in [0, 1)
    u = ((words[:, 0] >> np.uint64(11)) + np.uint64(1)) * 2.0**-53
    v = (words[:, 1] >> np.uint64(11)) * 2.0**-53
    return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)  # Box and Muller 1958
