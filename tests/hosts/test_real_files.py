"""Real files of models and satellites: ESM_COUPLER_DATA names the folder that has them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from esm_coupler.errors import DataError
from esm_coupler.hosts import Series, open_series
from esm_coupler.hosts.summary import Summary

FOLDER = os.environ.get("ESM_COUPLER_DATA", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="ESM_COUPLER_DATA names no folder of real files")


def opened(pattern: str, **options: object) -> Series:
    """The files that match, of which there has to be one at least."""
    paths = sorted(Path(FOLDER).glob(pattern))
    assert paths, f"{FOLDER} has no {pattern}"
    return open_series(paths, **options)


def summed(series: Series) -> Summary:
    """Read everything, as prepare does; what it prints is shown by pytest -s."""
    summary = Summary(series)
    for days in series.ranges():
        summary.add(*series.read(days))
    print(f"\n{', '.join(path.name for path in series.files[:2])}\n{summary.table()}")
    return summary


@pytest.mark.parametrize(
    "pattern, years, format, names, n_days, first",
    [
        ("cice_arctic/*1991.nc", (), "prepared", "sic sit snt siu siv", 365, "1991-01-01"),
        ("cice_restarts/iceh_box2001*.nc", (), "cice", "sic sit snt siu siv", 1, "2005-01-10"),
        ("cmip6/siconc_SImon_CESM2*", (), "cmip6", "sic", 1980, "1850-01-16"),
        ("cmip6/siconc_SImon_IPSL*", (), "cmip6", "sic", 1980, "1850-01-16"),
        ("cmip6/simass_SImon_NorESM2*", (), "cmip6", "sit", 1, "2015-01-16"),
        ("nextsim_dg/init_topaz*", (), "nextsim-dg", "sic sit snt siu siv", 1, "2010-01-01"),
        ("nextsim_dg/init_25km*", (), "nextsim-dg", "sic sit snt siu siv", 1, "2010-01-01"),
        ("nextsim_grid/nextsim_opa_512.nc", (), "nextsim", "sit", 1, "2015-01-01"),
        ("piomas/*", (2010, 2016), "piomas", "sit", 24, "2010-01-15"),
        ("piomas/*", (1979,), "piomas", "siu siv", 12, "1979-01-15"),
        ("nsidc/*monthly*", (), "satellite", "sic", 324, "1990-01-15"),
        ("other/Arctic20*", (), "satellite", "sic sit", 5, "2016-02-01"),
        ("other/seaice_conc_daily*", (), "satellite", "sic", 1, "2020-09-30"),
    ],
)  # fmt: skip
def test_a_file_is_read(
    pattern: str, years: tuple[int, ...], format: str, names: str, n_days: int, first: str
) -> None:
    series = opened(pattern, years=years)
    summed(series)
    assert series.formats == (format,)
    assert series.names == tuple(names.split())
    assert (len(series.days), str(series.days[0])) == (n_days, first)


@pytest.mark.parametrize(
    "pattern, years, what, least, most",
    [
        # September 2012 and the winters: NSIDC Sea Ice Index, less the pole hole
        ("nsidc/*monthly*", (), "extent", (3.3, 3.7), (15.0, 16.2)),
        # PIOMAS volume of September 2016 and April 2010 as the Polar Science Center gives it
        ("piomas/*", (2010, 2016), "volume", (4.2, 4.8), (22.0, 24.5)),
        ("cice_arctic/*1991.nc", (), "extent", (3.9, 4.3), (11.0, 12.0)),
        ("nextsim_dg/init_topaz*", (), "extent", (9.0, 14.5), (9.0, 14.5)),
    ],
)
def test_extent_and_volume_are_those_of_the_arctic(
    pattern: str, years: tuple[int, ...], what: str, least: tuple, most: tuple
) -> None:
    values = getattr(summed(opened(pattern, years=years)), what)
    assert least[0] < min(values) < least[1]
    assert most[0] < max(values) < most[1]


@pytest.mark.parametrize(
    "pattern, said",
    [
        ("cmip6/siconc_SIday_CanESM5*", "'siconc' has no time step: leave out the file"),
        ("cmip6/tsice_*", "has no sic, sit"),
        ("cice_restarts/box2001*", "has none of the formats"),
        ("nextsim_dg/init_rect30x30.nc", r"'cice' is of \(y, x\), needed is \(time, y, x\) with"),
        ("piomas/*", "'sic' has 12 days and 'sit' has 24"),
        ("nsidc/*daily*", "'ice_conc' is nan on 2015-01-06 at i=144, j=10"),
        ("other/ice_conc_sh_polstere*", "'ice_conc' is .* on 2018-01-25 at i=1, j=1"),
        ("other/ice_drift*", "has no sic, sit"),
    ],
)
def test_a_file_that_lacks_something_is_refused_in_a_sentence(pattern: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as refusal:
        summed(opened(pattern))
    print(f"\n{str(refusal.value).replace(FOLDER, '')}")
    assert "\n" not in str(refusal.value)


def test_damage_of_nextsim_dg_is_turned_round() -> None:
    series = opened("nextsim_dg/bbm_box_64x64_restart.nc")
    damage = series.read(range(1))[0][0, series.names.index("sid")]
    assert 0 < np.median(damage[series.mask]) < 0.1
    assert damage.max() > 0.5


def test_the_grid_of_cice_gives_its_own_angles_to_a_model_without() -> None:
    paths = [Path(FOLDER) / "cice_restarts" / name for name in ("grid.nc", "kmt.nc")]
    history = sorted(Path(FOLDER).glob("cice_arctic/*1991.nc"))
    with_grid = open_series([*history, *paths], format=None)
    assert with_grid.grid.mask_hash == open_series(history).grid.mask_hash
