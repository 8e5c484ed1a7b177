"""What the scores of trainings look at."""

import numpy as np
import pytest
import torch

from esm_coupler.training.view_crps import ViewCrps
from esm_coupler.training.views import PATCH, places, roughnesses

NY, NX = 32, 48
MASK = np.zeros((NY, NX), dtype=bool)
MASK[1:-1, 1:-1] = True  # a ring of land
MASK[10, 20] = False  # an island


def test_how_fields_bend_is_seen_where_all_neighbours_are_ocean() -> None:
    mask = torch.from_numpy(MASK).float().expand(5, -1, -1)
    x, y = torch.arange(MASK.shape[1]).float(), torch.arange(MASK.shape[0]).float()
    bowl = (x**2 + 3 * y[:, None] ** 2).expand(2, 5, -1, -1)  # its Laplacian is 8
    found = [(view, weight) for view, weight in places(bowl, mask) if (view[0] == 8).any()]
    assert len(found) == 1
    ((view, weight),) = found
    assert torch.equal(view, 8 * weight.expand_as(view))
    ny, nx = MASK.shape
    assert weight[0].sum() == (ny - 4) * (nx - 4) - 5  # the ring of land, the island




FIELDS = 2
EVERYWHERE = torch.from_numpy(MASK).float().expand(FIELDS, -1, -1)
DAYS = torch.arange(1, 361, 6)


def waves(days: int, seed: int, cells: int = 4) -> torch.Tensor:
    """(day, field, y, x): waves of unit size and of any phase along x."""
    drawn = torch.rand(days, FIELDS, 1, 1, generator=torch.Generator().manual_seed(seed))
    phase = 2 * np.pi * (drawn + torch.arange(NX) / cells)
    return torch.cos(phase).expand(-1, -1, NY, -1)


def test_the_roughness_of_a_patch_is_how_much_fields_bend_there() -> None:
    for cells, which in ((8, 0), (16, 1), (32, 2)):  # so many cells a wave, 8 blocks
        seen, share = roughnesses(3 * waves(1, 1, cells), EVERYWHERE)[which]
        assert seen.shape[-2:] == share.shape[-2:] == (NY // PATCH, NX // PATCH)
        expected = 3 * (2 - 2 * np.cos(2 * np.pi / 8)) * np.sqrt(0.5)
        assert seen[..., 1].numpy() == pytest.approx(expected, rel=0.3)
    assert float(roughnesses(3 * waves(1, 1, 32), EVERYWHERE)[0][0].max()) < 0.1  # too long a wave


def test_members_are_to_be_rough_on_the_days_when_the_truth_is() -> None:
    strength = torch.rand(60, 1, 1, 1, generator=torch.Generator().manual_seed(1)) * 2
    truth = strength * waves(60, 2)
    crps = ViewCrps(truth, DAYS, EVERYWHERE)
    alike = torch.stack([strength * waves(60, seed) for seed in (3, 4)])
    other = torch.stack([strength.roll(7, 0) * waves(60, seed) for seed in (3, 4)])
    right, wrong = (crps(members, truth, DAYS) for members in (alike, other))
    assert float(wrong[1].mean()) > 3 * float(right[1].mean())  # as roughness sees it
    assert float(wrong[0].mean()) < 1.5 * float(right[0].mean())  # hardly seen in places


def test_each_season_has_its_sizes() -> None:
    summer = (DAYS > 183)[:, None, None, None]
    typical = torch.where(summer, 10.0, 1.0) * waves(60, 1)
    crps, truth = ViewCrps(typical, DAYS, EVERYWHERE), waves(1, 2)
    january, july = (
        float(crps(truth[None] + 0.5, truth, torch.tensor([day]))[0].mean()) for day in (10, 190)
    )
    assert january == pytest.approx(10 * july, rel=0.1)


def test_a_basin_smaller_than_a_patch_has_a_score() -> None:
    mask = torch.ones(FIELDS, 8, 16)
    truth = torch.randn(60, FIELDS, 8, 16)
    crps = ViewCrps(truth, DAYS, mask)
    assert all(torch.isfinite(part).all() for part in crps(truth[None] + 1, truth, DAYS))
