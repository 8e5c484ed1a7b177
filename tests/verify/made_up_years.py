"""A folder of short years of daily states and forcing, for emulators of the tiny grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from esm_coupler.fields import DRIFT, FIELDS, FORCINGS
from esm_coupler.testing import tiny_grid

NAMES = ("sic", "sit", "snt", "siu", "siv")
GRID = tiny_grid((16, 32))


def write_year(folder: Path, year: int, n_days: int = 40) -> Path:
    """Slowly drifting ice of a thickness that differs between years."""
    rng = np.random.default_rng(year)
    days = np.arange(n_days)[:, None, None]
    ice = (np.arange(32)[None, None] + 0.1 * days < 20) & GRID.mask
    sic = 0.9 * ice * (1 - 0.1 * rng.random(ice.shape))
    fields = {"sic": sic, "sit": sic * (2 + 0.1 * (year % 10)), "snt": 0.1 * sic}
    for name in DRIFT:
        touched = np.stack([GRID.touched_by(state) for state in ice]) & GRID.drift_mask
        fields[name] = 0.1 * rng.standard_normal((n_days, 1, 1)) * touched
    dataset = GRID.to_dataset()
    for name in NAMES:
        dataset[name] = (("time", "y", "x"), fields[name].astype("f4"),
                         {"units": FIELDS[name].units})  # fmt: skip
    for name, mean in zip(FORCINGS, (260.0, 3.0, -2.0), strict=True):
        values = mean + rng.standard_normal((n_days, 8, 16))
        dataset[name] = (("time", "y2", "x2"), values, {"units": FORCINGS[name].units})
    dataset["time"] = ("time", np.arange(n_days), {
        "units": f"days since {year}-01-01", "calendar": "noleap"})  # fmt: skip
    path = folder / f"made_up_{year}.nc"
    dataset.to_netcdf(path)
    return path
