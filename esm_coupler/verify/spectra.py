"""Radially averaged power spectra of fields, of divergence and of shear, over the central Arctic.

The way of the spectra: the plane of least squares is taken off, a Hann window laid over, and the
power of the two-dimensional Fourier transform averaged over rings (as for limited areas in Denis
et al. 2002, doi:10.1175/1520-0493(2002)130<1812:SDOTDA>2.0.CO;2, who use a cosine transform).
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import DomainError
from ..fields import DRIFT
from ..grid import Grid
from .calendar import day_weights, years
from .deformation import divergence_and_shear, gradient_points, velocity_gradients
from .states import States

N_BANDS = 6
SHORTEST = 2.5  # cells: wavelength at which the last band ends
SMALLEST_WINDOW = 8  # cells
DEFORMATION = ("divergence", "shear")

Window = tuple[slice, slice]


def central_window(grid: Grid) -> Window:
    """The largest square in which every cell is ocean and has a drift and a velocity gradient; of
    several the one of the highest mean latitude. For an Arctic grid that is the central Arctic.

    DomainError if it has less than 8 x 8 cells.
    """
    usable = grid.mask & grid.drift_mask & gradient_points(grid)
    sides = _squares(usable)
    side = int(sides.max())
    if side < SMALLEST_WINDOW:
        raise DomainError(
            f"the largest square of ocean has {side} x {side} cells, spectra need "
            f"{SMALLEST_WINDOW} x {SMALLEST_WINDOW}: score states on a grid with more open ocean"
        )
    corners = np.argwhere(sides == side)  # north-east ones
    latitude = [np.abs(grid.lat[_square(j, i, side)]).mean() for j, i in corners]
    j, i = corners[int(np.argmax(latitude))].tolist()
    return _square(j, i, side)


def _square(j: int, i: int, side: int) -> Window:
    return slice(j - side + 1, j + 1), slice(i - side + 1, i + 1)


def _squares(usable: np.ndarray) -> np.ndarray:
    """(y, x) side of the largest square full of `usable` that ends at each cell."""
    sides = np.zeros((usable.shape[0] + 1, usable.shape[1] + 1), dtype=int)
    for j, i in np.argwhere(usable):
        sides[j + 1, i + 1] = 1 + min(sides[j, i], sides[j, i + 1], sides[j + 1, i])
    return sides[1:, 1:]


def spectral_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """What has a spectrum: the fields, and divergence and shear where there is drift."""
    return (*names, *DEFORMATION) if set(DRIFT) <= set(names) else names


def windowed(states: States, window: Window) -> np.ndarray:
    """(state, name, y, x) in the window, of `spectral_names`."""
    fields = states.fields[(..., *window)].astype(np.float64)
    if spectral_names(states.names) == states.names:
        return fields
    gradients = velocity_gradients(states["siu"], states["siv"], states.grid)[(..., *window)]
    return np.concatenate([fields, np.stack(divergence_and_shear(gradients), axis=1)], axis=1)


def periodogram(values: np.ndarray) -> np.ndarray:
    """(..., n, n) -> (..., n, n) power by wave number in the order of numpy.fft; white noise of
    variance s2 has the expectation s2 at all of them that the detrending leaves."""
    n = values.shape[-1]
    hann = np.hanning(n + 2)[1:-1]
    taper = np.outer(hann, hann)
    taper /= np.sqrt((taper**2).mean())
    return np.abs(np.fft.fft2(_detrended(values) * taper)) ** 2 / n**2


def _detrended(values: np.ndarray) -> np.ndarray:
    """Less the mean and the plane of least squares over the last two dimensions."""
    n = values.shape[-1]
    ramp = np.arange(n) - (n - 1) / 2
    ramp /= np.sqrt((ramp**2).sum() * n)
    along_y, along_x = np.repeat(ramp[:, None], n, axis=1), np.repeat(ramp[None], n, axis=0)
    result = values - values.mean(axis=(-2, -1), keepdims=True)
    for plane in (along_y, along_x):
        result = result - (result * plane).sum(axis=(-2, -1), keepdims=True) * plane
    return result


def _wave_number(n: int) -> np.ndarray:
    """(n, n) length of the wave number, in waves per window."""
    frequency = np.fft.fftfreq(n) * n
    return np.hypot(frequency[:, None], frequency[None, :])


def band_edges(n: int) -> np.ndarray:
    """(7,) wave numbers [waves per window of n cells] between the bands: six of equal ratio (for
    40 cells: 1.6, nearly an octave), from one wave a window to one in 2.5 cells."""
    return np.geomspace(1.0, n / SHORTEST, N_BANDS + 1)


def band_wavelengths(n: int) -> list[tuple[float, float]]:
    """(longest, shortest) wavelength of each band [cells]."""
    lengths = n / band_edges(n)
    return list(zip(lengths[:-1].tolist(), lengths[1:].tolist(), strict=True))


def band_power(states: States, window: Window) -> np.ndarray:
    """(state, name, band) mean power in each band, for `spectral_names`."""
    power = periodogram(windowed(states, window))
    n = power.shape[-1]
    length, edges = _wave_number(n), band_edges(n)
    edges[-1] = math.nextafter(edges[-1], math.inf)  # the last band has its end
    rings = [(length >= a) & (length < b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return np.stack([power[..., ring].mean(axis=-1) for ring in rings], axis=-1)


def radial_spectrum(states: States, window: Window) -> np.ndarray:
    """(state, name, k) mean power over rings around 1, 2, ... n/2 waves per window."""
    power = periodogram(windowed(states, window))
    length = np.rint(_wave_number(power.shape[-1]))
    rings = range(1, power.shape[-1] // 2 + 1)
    return np.stack([power[..., length == k].mean(axis=-1) for k in rings], axis=-1)


def spectral_ratio(
    power: np.ndarray, reference: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """(name, band) mean over states of `power` (state, name, band) over that of `reference`.

    Distribution form: generated states against reference states with `calendar.day_weights`.
    Paired form: decoded states against those that were encoded, without weights. Not a number
    where the reference has no power.
    """
    return _over(power.mean(axis=0), np.average(reference, axis=0, weights=weights))


def single_year_ratios(
    power: np.ndarray, dates: np.ndarray, like: np.ndarray | None = None,
    over: np.ndarray | None = None,
) -> dict[int, np.ndarray]:  # fmt: skip
    """Year -> (name, band): each year's mean of `power` (state, name, band) over that of all, on
    the calendar days of `like` or on all days: how far single years of a simulation differ.

    With `over` (name, band) over that, such as the mean of a held-back year.
    """
    year, result = years(dates), {}
    like = dates if like is None else like
    mean = over
    if mean is None:
        mean = np.average(power, axis=0, weights=day_weights(like, dates))
    for number in np.unique(year):
        own = year == number
        of_year = np.average(power[own], axis=0, weights=day_weights(like, dates[own]))
        result[int(number)] = _over(of_year, mean)
    return result


def _over(power: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The ratio, not a number where the reference has no power."""
    return np.divide(
        power, reference, out=np.full_like(reference, np.nan), where=reference > 0
    )
