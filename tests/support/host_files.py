"""Small files in the conventions of real models, all of one known state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray

from esm_coupler.grid import Grid
from esm_coupler.testing import tiny_grid

N_DAYS = 3
ICE_DENSITY, SNOW_DENSITY = 917, 330
Variables = dict[str, tuple]


def _fields(grid: Grid) -> dict[str, np.ndarray]:
    """(day, y, x) with open water, full cover and all between, nothing on land."""
    rng = np.random.default_rng(3)
    shape = (N_DAYS, *grid.shape)
    sic = np.clip(rng.uniform(-0.4, 1.4, shape), 0, 1) * grid.mask
    made = {
        "sic": sic,
        "sit": sic * rng.uniform(0.3, 4, shape),
        "snt": sic * rng.uniform(0, 0.4, shape),
        "siu": rng.uniform(-0.5, 0.5, shape) * grid.mask,
        "siv": rng.uniform(-0.5, 0.5, shape) * grid.mask,
        "sid": rng.uniform(0, 1, shape) * (sic > 0),
    }
    return {name: values.astype("f4") for name, values in made.items()}


@dataclass(frozen=True)
class Truth:
    """What the files hold; `write_*` write it from 1991-01-01 on and return the paths."""

    grid: Grid
    fields: dict[str, np.ndarray]

    @classmethod
    def make(cls) -> Truth:
        grid = tiny_grid((8, 12))
        return cls(grid, _fields(grid))

    def __getitem__(self, name: str) -> np.ndarray:
        return self.fields[name]

    def of_ice(self, name: str) -> np.ndarray:
        """Thickness of the ice itself, or of its snow: missing where there is none."""
        sic = self["sic"]
        return np.divide(self[name], sic, where=sic > 0, out=np.full_like(sic, np.nan))

    def wet(self, values: np.ndarray) -> np.ndarray:
        """With what models leave out: land."""
        return np.where(self.grid.mask, values, np.nan)


def write(path: Path, variables: Variables, fill: float | None = None, **attributes: Any) -> Path:
    """Variables with a fill value, if any has one, as a NetCDF file."""
    dataset = xarray.Dataset(variables, attrs=attributes)
    encoding = {name: {"_FillValue": np.float32(fill) if fill and dataset[name].dtype == "f4"
                       else None} for name in dataset.variables}  # fmt: skip
    dataset.to_netcdf(path, encoding=encoding)
    return path


def write_cice(folder: Path, truth: Truth, suffix: str = "_d", old: bool = False) -> list[Path]:
    """CICE history; `old`: as CICE 4 has it, in percent and cm/s."""
    at = ("time", "nj", "ni")
    grid, percent, speed = truth.grid, ("%", 100), ("cm/s", 100)
    unit, factor = percent if old else ("1", 1)
    velocity, scale = speed if old else ("m/s", 1)
    time = {"units": "days since 1991-01-01", "calendar": "noleap", "bounds": "time_bounds"}
    ends = np.arange(1.0, N_DAYS + 1)  # a mean carries the end of its interval
    variables = {
        "time": (("time",), ends, time),
        "time_bounds": (("time", "nbnd"), np.stack([ends - 1, ends], 1)),
        "TLAT": (at[1:], grid.lat.astype("f4"), {"units": "degrees_north"}),
        "TLON": (at[1:], grid.lon.astype("f4"), {"units": "degrees_east"}),
        "tmask": (at[1:], grid.mask.astype("f4"), {"units": "1"}),
        "tarea": (at[1:], grid.cell_area.astype("f4"), {"units": "m^2"}),
        "ANGLET": (at[1:], grid.angle.astype("f4"), {"units": "radians"}),
        f"aice{suffix}": (at, truth.wet(factor * truth["sic"]), {"units": unit}),
        f"hi{suffix}": (at, truth.wet(truth["sit"]), {"units": "m"}),
        f"hs{suffix}": (at, truth.wet(truth["snt"]), {"units": "m"}),
        f"uvel{suffix}": (at, truth.wet(scale * truth["siu"]), {"units": velocity}),
        f"vvel{suffix}": (at, truth.wet(scale * truth["siv"]), {"units": velocity}),
    }
    return [write(folder / "iceh.1991.nc", variables, 1e30, source="CICE Sea Ice Model")]


def write_cmip6(
    folder: Path, truth: Truth, volumes: bool = True, shift: float = 0.0
) -> list[Path]:
    """CMIP6 SIday, a file a variable; drift `shift` cells to the north-east of the cells."""
    of_ice = "area: time: mean where sea_ice (comment: mask=siconc)"
    of_cell = "area: mean where sea time: mean"
    stored = {"siconc": (truth.wet(100 * truth["sic"]), "%", of_cell)}
    if volumes:
        stored["simass"] = truth.wet(ICE_DENSITY * truth["sit"]), "kg m-2", of_cell
        stored["sisnmass"] = SNOW_DENSITY * truth.of_ice("snt"), "kg m-2", of_ice
    else:
        stored["sithick"] = truth.of_ice("sit"), "m", of_ice
        stored["sisnthick"] = truth.of_ice("snt"), "m", of_ice
    stored["siu"] = truth.wet(truth["siu"]), "m s-1", of_ice
    stored["siv"] = truth.wet(truth["siv"]), "m s-1", of_ice
    return [
        _write_cmip6(folder, truth, name, *of, shift if name in ("siu", "siv") else 0)
        for name, of in stored.items()
    ]


def _write_cmip6(
    folder: Path, truth: Truth, name: str, values: np.ndarray, units: str, methods: str,
    shift: float,
) -> Path:  # fmt: skip
    lat, lon = truth.grid.lat, truth.grid.lon
    if shift:
        lat, lon = shifted(truth.grid, shift)
    days = np.arange(N_DAYS) + 0.5
    time = {"units": "days since 1991-01-01", "calendar": "365_day", "bounds": "time_bnds"}
    attributes = {"units": units, "cell_methods": methods}
    variables = {
        "time": (("time",), days, time),
        "time_bnds": (("time", "bnds"), np.stack([days - 0.5, days + 0.5], 1)),
        "latitude": (("j", "i"), lat, {"units": "degrees_north"}),
        "longitude": (("j", "i"), lon, {"units": "degrees_east"}),
        name: (("time", "j", "i"), values.astype("f4"), attributes),
    }
    return write(folder / f"{name}_SIday_A_historical_r1i1p1f1_gn_1991.nc", variables, 1e20,
                 mip_era="CMIP6", table_id="SIday", variable_id=name)  # fmt: skip


def shifted(grid: Grid, cells: float) -> tuple[np.ndarray, np.ndarray]:
    """lat and lon of points that lie so many cells along both axes of `tiny_grid` away."""
    ny, nx = grid.shape
    y, x = np.meshgrid(np.arange(ny) - ny / 2, np.arange(nx) - nx / 2, indexing="ij")
    y, x = y + cells, x + cells
    return 90 - 0.45 * np.hypot(x, y), np.degrees(np.arctan2(y, x)) % 360


def write_nemo(folder: Path, truth: Truth, volumes: bool = True) -> list[Path]:
    """NEMO-SI3: XIOS writes no unit for the concentration, and drift on the faces."""
    at = ("time_counter", "y", "x")
    time = {"units": "seconds since 1991-01-01", "calendar": "noleap"}
    seconds = (np.arange(N_DAYS) + 0.5) * 86400
    sit = ("sivolu", truth["sit"]) if volumes else ("sithic", np.nan_to_num(truth.of_ice("sit")))
    snt = ("snvolu", truth["snt"]) if volumes else ("snthic", np.nan_to_num(truth.of_ice("snt")))
    variables = {
        "time_counter": (("time_counter",), seconds, time),
        "nav_lat": (at[1:], truth.grid.lat.astype("f4"), {"units": "degrees_north"}),
        "nav_lon": (at[1:], truth.grid.lon.astype("f4"), {"units": "degrees_east"}),
        "siconc": (at, truth.wet(truth["sic"]), {"units": ""}),
        sit[0]: (at, truth.wet(sit[1]), {"units": "m"}),
        snt[0]: (at, truth.wet(snt[1]), {"units": "m"}),
        "sivelu": (at, truth.wet(truth["siu"]), {"units": "m/s"}),
        "sivelv": (at, truth.wet(truth["siv"]), {"units": "m/s"}),
    }
    return [write(folder / "ORCA_1d_19910101_icemod.nc", variables, 1e20)]


def write_nextsim(folder: Path, truth: Truth) -> list[Path]:
    """neXtSIM on the grid of OPA: damage is 0 where intact."""
    at = ("time", "y", "x")
    time = {"units": "days since 1900-01-01 00:00:00", "calendar": "standard"}
    first = (np.datetime64("1991-01-01") - np.datetime64("1900-01-01")).astype(int)
    cell = {"cell_methods": "area: mean"}
    named = {"sic": "sic", "sit": "sit", "snt": "snt", "siu": "siu", "siv": "siv", "sid": "damage"}
    units = {"sic": "1", "sit": "m", "snt": "m", "siu": "m s-1", "siv": "m s-1", "sid": "1"}
    variables = {
        "time": (("time",), first + np.arange(N_DAYS) + 0.5, time),
        "latitude": (at[1:], truth.grid.lat.astype("f4"), {"units": "degrees_north"}),
        "longitude": (at[1:], truth.grid.lon.astype("f4"), {"units": "degrees_east"}),
    } | {
        name: (at, truth.wet(truth[ours]), {"units": units[ours]} | cell)
        for ours, name in named.items()
    }
    return [write(folder / "Moorings_1991.nc", variables, -1e14, source="neXtSIM model fields")]


def write_nextsim_dg(folder: Path, truth: Truth, text: bool = True) -> list[Path]:
    """neXtSIM-DG: groups, missing 1.7e38 that no attribute tells, damage 1 where intact; day 1.

    With `text`, the number of its time is wrong, as in files that were made by hand.
    """
    path, missing = folder / "restart.nc", 1.7e38
    stored = {"cice": truth["sic"], "hice": truth["sit"], "hsnow": truth["snt"],
              "u": truth["siu"], "v": truth["siv"], "damage": 1 - truth["sid"]}  # fmt: skip
    variables: Variables = {
        "latitude": (("ydim", "xdim"), truth.grid.lat),
        "longitude": (("ydim", "xdim"), truth.grid.lon),
        "mask": (("ydim", "xdim"), truth.grid.mask.astype("f8")),
    }
    for name, values in stored.items():
        day = np.where(truth.grid.mask, values[0].astype("f8"), missing)
        slopes = np.full((*day.shape, 2), 0.01)
        variables[name] = ("ydim", "xdim"), day
        if name in ("cice", "hice", "damage"):
            together = np.concatenate([day[..., None], slopes], axis=-1)
            variables[name] = ("ydim", "xdim", "dg_comp"), together
    xarray.Dataset().to_netcdf(path)
    for group in ("structure", "metadata"):
        xarray.Dataset(attrs={"type": "parametric_rectangular"}).to_netcdf(
            path, mode="a", group=group
        )
    seconds = np.datetime64("1991-01-01", "s").astype(int)
    time = xarray.Dataset({"time": ((), seconds, {"units": "seconds since 1970-01-01"})})
    if text:
        time = xarray.Dataset({"time": ((), 0), "formatted": ((), "1991-01-01T00:00:00Z")})
    time.to_netcdf(path, mode="a", group="metadata/time")
    xarray.Dataset(variables).to_netcdf(path, mode="a", group="data")
    return [path]


def write_piomas(folder: Path, truth: Truth) -> list[Path]:
    """PIOMAS: names with their year, months, no missing value."""
    named = {"sic": "area", "sit": "heff", "snt": "snow", "siu": "uvel", "siv": "vvel"}
    units = {"sic": "1", "sit": "m", "snt": "m"}
    variables: Variables = {
        f"{name}_1991": (("month", "y", "x"), truth[ours],
                         {"units": units.get(ours, "m/s (grid-relative)")})
        for ours, name in named.items()
    }  # fmt: skip
    variables |= {"lat": (("y", "x"), truth.grid.lat), "lon": (("y", "x"), truth.grid.lon)}
    return [write(folder / "piomas.nc", variables)]


def write_satellite(folder: Path, truth: Truth) -> list[Path]:
    """OSI SAF: percent in steps of 0.01, as int16."""
    path = folder / "ice_conc_nh_polstere-100_multi_199101.nc"
    time = {"units": "seconds since 1978-01-01", "calendar": "standard"}
    first = (np.datetime64("1991-01-01") - np.datetime64("1978-01-01")).astype(int)
    attributes = {"units": "%", "standard_name": "sea_ice_area_fraction"}
    variables = {
        "time": (("time",), (first + np.arange(N_DAYS) + 0.5) * 86400, time),
        "lat": (("yc", "xc"), truth.grid.lat, {"units": "degrees_north"}),
        "lon": (("yc", "xc"), truth.grid.lon, {"units": "degrees_east"}),
        "ice_conc": (("time", "yc", "xc"), truth.wet(100 * truth["sic"]), attributes),
    }
    packed = {"dtype": "i2", "scale_factor": 0.01, "_FillValue": np.int16(-999)}
    xarray.Dataset(variables).to_netcdf(path, encoding={"ice_conc": packed})
    return [path]
