"""Factors of the detail undo what its spectrum has too much or too little of."""

import numpy as np
import pytest

from esm_coupler.training.spectral_gain import gains_for, level_shares
from esm_coupler.verify.spectra import band_wavelengths

BANDS = band_wavelengths(36)


def test_bands_belong_to_the_levels_whose_waves_they_hold():
    shares = level_shares(BANDS)
    assert shares.shape == (6, 4)
    assert shares.sum(axis=1) == pytest.approx(np.ones(6))
    assert shares[0] == pytest.approx([1, 0, 0, 0])  # 36 to 23 cells
    assert shares[2].argmax() == 1  # 15 to 9 cells: coefficients for 4 x 4 cells
    assert shares[5] == pytest.approx([0, 0, 0, 1])  # 4 to 2.5 cells


def test_gains_undo_the_ratio_of_each_level():
    shares = level_shares(BANDS)
    gains = np.array([[1.0, 0.8, 1.5, 0.6], [1.2, 1.0, 0.7, 2.0]])
    ratio = np.exp(-2 * np.log(gains) @ shares.T)
    assert gains_for(ratio, shares) == pytest.approx(gains)
