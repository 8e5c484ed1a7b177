"""Spectra of fields whose power is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from esm_coupler.errors import DomainError
from esm_coupler.testing import tiny_grid
from esm_coupler.verify.spectra import (
    band_edges,
    band_power,
    band_wavelengths,
    central_window,
    periodogram,
    radial_spectrum,
    single_year_ratios,
    spectral_names,
    spectral_ratio,
)
from esm_coupler.verify.states import States

from .made_up import NAMES, days, open_grid, random_states


def of_noise(n_states: int = 40, scale: float = 1.0) -> States:
    grid = open_grid()
    noise = np.random.default_rng(1).normal(0, 1, (n_states, 1, *grid.shape))
    return States(noise * scale, days("1990-01-01", n_states), ("sic",), grid)


def test_the_window_is_the_largest_square_of_ocean() -> None:
    rows, columns = central_window(open_grid(42))
    # One row and column of the 40 have no drift or no gradient beside them, on either side.
    assert (rows, columns) == (slice(2, 40), slice(2, 40))


def test_of_equal_windows_the_most_northern_one_is_taken() -> None:
    grid = open_grid(42)
    mask = grid.mask.copy()
    mask[20:22, :] = False  # 19 rows of ocean on either side
    lat = 60.0 + np.repeat(np.arange(42.0)[:, None], 42, axis=1)
    rows, _ = central_window(replace(grid, mask=mask, lat=lat))
    assert rows.start > 20
    rows, _ = central_window(replace(grid, mask=mask, lat=lat[::-1]))
    assert rows.stop <= 20


def test_a_grid_without_open_ocean_is_refused() -> None:
    grid = tiny_grid((16, 32))
    with pytest.raises(DomainError, match="largest square"):
        central_window(grid.with_mask(np.zeros(grid.shape)))


def test_white_noise_has_its_variance_at_every_wave_number() -> None:
    power = periodogram(of_noise(200, scale=3.0).fields[:, 0, :40, :40]).mean(axis=0)
    assert power[10:30, 10:30].mean() == pytest.approx(9.0, rel=0.02)
    assert power[2:5, 2:5].mean() == pytest.approx(9.0, rel=0.1)


def test_noise_times_k_has_the_ratio_k_squared() -> None:
    window = central_window(open_grid())
    one, other = (band_power(of_noise(scale=scale), window) for scale in (1.0, 1.5))
    assert spectral_ratio(other, one) == pytest.approx(np.full((1, 6), 2.25))


def test_a_plane_has_no_power() -> None:
    y, x = np.mgrid[0:40, 0:40]
    assert periodogram(3.0 + 0.5 * x - 0.2 * y).max() < 1e-20


@pytest.mark.parametrize("waves, band", [(1, 0), (2, 1), (4, 3), (15, 5)])
def test_a_wave_has_its_power_in_its_band(waves: int, band: int) -> None:
    grid = open_grid(42)
    wave = np.cos(2 * np.pi * waves * np.arange(42) / 38)
    fields = np.broadcast_to(wave, (1, 1, 42, 42)).copy()
    power = band_power(States(fields, days("1990-01-01", 1), ("sic",), grid), central_window(grid))
    edges = band_edges(38)
    assert edges[band] <= waves <= edges[band + 1]
    assert power[0, 0].argmax() == band
    spectrum = radial_spectrum(
        States(fields, days("1990-01-01", 1), ("sic",), grid), central_window(grid)
    )
    assert spectrum.shape == (1, 1, 19)
    assert abs(spectrum[0, 0].argmax() + 1 - waves) <= 1


def test_bands_go_from_the_window_to_two_and_a_half_cells() -> None:
    lengths = band_wavelengths(36)
    assert len(lengths) == 6
    assert lengths[0][0] == pytest.approx(36) and lengths[-1][1] == pytest.approx(2.5)
    assert {round(long / short, 6) for long, short in lengths} == {round((36 / 2.5) ** (1 / 6), 6)}


def test_drift_has_spectra_of_divergence_and_shear() -> None:
    states = random_states(grid=open_grid())
    power = band_power(states, central_window(states.grid))
    assert spectral_names(states.names) == (*NAMES, "divergence", "shear")
    assert power.shape == (6, 7, 6) and (power > 0).all()
    still = States(np.zeros_like(states.fields), states.dates, states.names, states.grid)
    assert (band_power(still, central_window(states.grid)) == 0).all()


def test_weights_choose_the_reference() -> None:
    power = np.array([1.0, 5.0]).reshape(2, 1, 1)
    assert spectral_ratio(power[:1], power, np.array([0.0, 1.0])) == pytest.approx(0.2)
    assert np.isnan(spectral_ratio(power, 0 * power)).all()


def test_single_years_are_held_against_all() -> None:
    power = np.array([1.0, 3.0, 2.0, 2.0]).reshape(4, 1, 1)
    dates = np.array(["1990-01-01", "1990-06-01", "1991-01-01", "1991-06-01"], "datetime64[D]")
    power[2:] *= 2
    ratios = single_year_ratios(power, dates)
    assert ratios[1990] == pytest.approx(2 / 3) and ratios[1991] == pytest.approx(4 / 3)
