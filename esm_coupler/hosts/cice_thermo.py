"""Enthalpy, temperature and salinity of ice and snow as Icepack has them (Bitz and Lipscomb 1999).

Same constants and the same order of operations as Icepack, so that values agree to the last bit
or two. Temperatures in degrees Celsius, enthalpies in J m-3 and negative, salinity in ppt.
"""

from __future__ import annotations

import numpy as np

RHO_ICE, RHO_SNOW = 917.0, 330.0  # kg m-3
LATENT_HEAT = 2.835e6 - 2.501e6  # J kg-1, of melting fresh ice: sublimation less evaporation
CP_ICE, CP_OCEAN = 2106.0, 4218.0  # J kg-1 K-1
DEPRESSION = 0.054  # K per ppt: freezing point of brine
MAX_SALINITY, MIN_SALINITY = 3.2, 0.1
COLDEST = -100.0
PUNY = 1e-11
MIN_SNOW_DEPTH = 1e-4  # m; thinner snow has no temperature of its own


def salinity_profile(n_layers: int) -> np.ndarray:
    """(layer,) salinity from the top layer down (icepack_salinity_profile)."""
    z = (np.arange(1, n_layers + 1) - 0.5) / n_layers
    profile = MAX_SALINITY / 2 * (1 - np.cos(np.pi * z ** (0.407 / (0.573 + z))))
    return np.maximum(profile, MIN_SALINITY)


def melting_point(salinity: np.ndarray) -> np.ndarray:
    return -salinity * DEPRESSION


def ice_enthalpy(temperature: np.ndarray, salinity: np.ndarray) -> np.ndarray:
    """Of ice below its melting point (Bitz and Lipscomb 1999, eq. 2)."""
    melting = melting_point(salinity)
    return -(
        RHO_ICE
        * (
            CP_ICE * (melting - temperature)
            + LATENT_HEAT * (1.0 - melting / temperature)
            - CP_OCEAN * melting
        )
    )


def ice_temperature(enthalpy: np.ndarray, salinity: np.ndarray) -> np.ndarray:
    """The inverse of `ice_enthalpy`, at most the melting point (calculate_Tin_from_qin)."""
    melting = melting_point(salinity)
    b = (CP_OCEAN - CP_ICE) * melting - enthalpy / RHO_ICE - LATENT_HEAT
    c = LATENT_HEAT * melting
    root = np.sqrt(np.maximum(b * b - 4 * CP_ICE * c, 0.0))
    return np.minimum((-b - root) / (2 * CP_ICE), melting)


def melting_enthalpy(salinity: np.ndarray) -> np.ndarray:
    """Of ice that is all brine: no ice is warmer."""
    return RHO_ICE * CP_OCEAN * melting_point(salinity)


def snow_enthalpy(temperature: np.ndarray) -> np.ndarray:
    """Of snow at most at 0 degrees."""
    return -RHO_SNOW * (LATENT_HEAT - CP_ICE * np.minimum(temperature, 0.0))


def snow_temperature(enthalpy: np.ndarray) -> np.ndarray:
    return (LATENT_HEAT + enthalpy / RHO_SNOW) / CP_ICE


def warmest_snow(enthalpy: np.ndarray, volume: np.ndarray, n_layers: int) -> np.ndarray:
    """Above this temperature Icepack aborts: 0 and what round-off may add, for snow of this volume
    [m per cell area]."""
    return -enthalpy * PUNY * n_layers / (RHO_SNOW * CP_ICE * np.maximum(volume, 1e-300))
