"""What a sea-ice model accepts, as a judge that shares no code with the projection."""

from __future__ import annotations

import numpy as np
from esm_coupler.state import State


def accepted(state: State) -> bool:
    """What a sea-ice model accepts, written out apart from the code under test. Limits of fields
    that are absent are those of a full cover."""
    grid = state.grid
    zeros, ones = np.zeros(grid.shape), np.ones(grid.shape)

    def get(name: str, default: np.ndarray) -> np.ndarray:
        return state[name] if name in state else default

    sic, sit = get("sic", ones), get("sit", 20 * ones)
    snt, sid = get("snt", zeros), get("sid", zeros)
    siu, siv = get("siu", zeros), get("siv", zeros)
    has_ice = (get("sic", ones) > 0) & (get("sit", ones) > 0)
    on_corner = grid.mask.copy()
    on_corner[:-1, :-1] &= grid.mask[1:, :-1] & grid.mask[:-1, 1:] & grid.mask[1:, 1:]
    padded = np.pad(has_ice, ((0, 1), (0, 1)))
    near_ice = padded[:-1, :-1] | padded[1:, :-1] | padded[:-1, 1:] | padded[1:, 1:]
    still = (siu == 0) & (siv == 0)
    known = np.logical_or.reduce([state[n] != 0 for n in state.names if n not in ("siu", "siv")])
    return bool(
        np.isfinite(state.values).all()
        and (~known | grid.mask).all()
        and (still | (on_corner & near_ice)).all()
        and ((sic >= 0) & (sic <= 1) & (sit >= 0) & (snt >= 0) & (sid >= 0) & (sid <= 1)).all()
        and (~known | has_ice).all()
        and ("sic" not in state or ((sic == 0) | (sic >= 1e-6)).all())
        and ("sit" not in state or ((sit == 0) | (sit >= 1e-5)).all())
        and ("sit" not in state or (sit <= 20 * sic).all())
        and ((snt <= 4 * sic) & (snt <= 0.330 * sit)).all()
        and (np.hypot(siu, siv) <= 2).all()
    )
