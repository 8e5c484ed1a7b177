"""Areas and angles that follow from latitudes and longitudes are those of the simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray

import esm_coupler
from esm_coupler.hosts import geometry
from esm_coupler.testing import tiny_grid
from support.host_files import shifted

SAMPLE = Path(esm_coupler.__file__).parent / "data" / "sample" / "cice_arctic_1990.nc"


@pytest.fixture(scope="module")
def grid() -> dict[str, np.ndarray]:
    with xarray.open_dataset(SAMPLE) as file:
        names = ("lat", "lon", "cell_area", "angle", "mask")
        return {name: file[name].values.astype("f8") for name in names}


def test_cell_areas(grid: dict[str, np.ndarray]) -> None:
    area = geometry.cell_area(grid["lat"], grid["lon"])
    np.testing.assert_allclose(area, grid["cell_area"], rtol=2e-3)


def test_angles_are_those_of_the_north_east_corners_half_a_cell_on(
    grid: dict[str, np.ndarray],
) -> None:
    difference = geometry.angle(grid["lat"], grid["lon"]) - grid["angle"]
    turned = np.abs(np.angle(np.exp(1j * difference)))
    # Half a diagonal, 35 km, is at most 3.7 degrees of longitude up to 85 N.
    assert turned[(grid["lat"] < 85) & (grid["mask"] > 0)].max() < np.radians(4)


def test_a_regular_grid_looks_east() -> None:
    lon, lat = np.meshgrid(np.arange(0.0, 10), np.arange(60.0, 66))
    np.testing.assert_allclose(geometry.angle(lat, lon), 0, atol=0.02)


def test_cells_beside_land_without_coordinates(grid: dict[str, np.ndarray]) -> None:
    lat, lon = grid["lat"].copy(), grid["lon"].copy()
    lat[40:44, 50:55] = lon[40:44, 50:55] = np.nan
    area = geometry.cell_area(lat, lon)
    assert np.isfinite(area).all()
    np.testing.assert_allclose(area[39, 50:55], grid["cell_area"][39, 50:55], rtol=0.02)


@pytest.mark.parametrize("cells", [0.0, 0.5])
def test_offset_of_staggered_points(cells: float) -> None:
    grid = tiny_grid((12, 14))
    found = geometry.offset(shifted(grid, cells), (grid.lat, grid.lon))
    assert found == pytest.approx((cells, cells), abs=0.05)
