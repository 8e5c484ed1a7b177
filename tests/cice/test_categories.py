"""The adapter's categories are those of the restart writer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from esm_coupler.hosts.category_bounds import category_bounds
from esm_coupler.hosts.itd import Categories, rescale
from hosts.test_itd import CHOICES, background, totals


def by_the_adapter(built: Path, bounds: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(cell, 3 ncat) from columns (cell, 3 + 3 ncat)."""
    lines = [f"{len(columns)} {len(bounds) - 1}", " ".join(map(repr, bounds.tolist()))]
    lines += [" ".join(map(repr, column)) for column in columns.tolist()]
    done = subprocess.run(
        [built / "itd_columns"], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    return np.array([line.split() for line in done.stdout.splitlines()], np.float64)


@pytest.mark.parametrize(("n", "kcatbound"), CHOICES)
@pytest.mark.parametrize("with_ice", [True, False])
def test_categories_are_those_of_python(
    built: Path, n: int, kcatbound: int, with_ice: bool
) -> None:
    bounds = category_bounds(n, kcatbound)
    rng = np.random.default_rng(n + 100 * with_ice)
    before = background(rng, bounds)
    if not with_ice:
        before = Categories(*[np.zeros_like(before.area)] * 3)
    wanted_totals = totals(rng, bounds)
    wanted = rescale(*wanted_totals, before, bounds)
    columns = np.vstack([*wanted_totals, before.area, before.volume, before.snow]).T
    made = by_the_adapter(built, bounds, columns).T
    np.testing.assert_allclose(
        made, np.vstack([wanted.area, wanted.volume, wanted.snow]), rtol=1e-9, atol=1e-13
    )
    for total, part in zip(wanted_totals, np.split(made, 3), strict=True):
        np.testing.assert_allclose(part.sum(axis=0), total, rtol=0, atol=1e-12)


def test_a_column_with_its_own_totals_comes_back_to_the_bit(built: Path) -> None:
    bounds = category_bounds(5)
    before = background(np.random.default_rng(3), bounds)
    columns = np.vstack([*before.total(), before.area, before.volume, before.snow]).T
    made = by_the_adapter(built, bounds, columns)
    assert made.tobytes() == np.ascontiguousarray(columns[:, 3:]).tobytes()
