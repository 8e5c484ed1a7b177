"""States held within their bounds exactly, with a gradient that leads back into them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from esm_coupler.generator.held import WAY_BACK, held
from esm_coupler.generator.projection import project
from esm_coupler.generator.uncensored import MIN_THICKNESS, OPEN_WATER
from esm_coupler.state import State
from esm_coupler.testing import tiny_grid


def wild(dtype: torch.dtype = torch.float64, size: int = 4000) -> dict[str, torch.Tensor]:
    """Within, on and beyond all bounds."""
    torch.manual_seed(0)
    sic = 0.5 + torch.randn(size, dtype=dtype)
    return {
        "sic": torch.where(torch.rand(size) < 0.1, 1e-3 * torch.randn(size, dtype=dtype), sic),
        "sit": 20 * torch.randn(size, dtype=dtype),
        "snt": 5 * torch.randn(size, dtype=dtype),
    }


def one(sic: float, sit: float, snt: float) -> dict[str, torch.Tensor]:
    values = {"sic": sic, "sit": sit, "snt": snt}
    return {
        name: torch.tensor([value], dtype=torch.float64, requires_grad=True)
        for name, value in values.items()
    }


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_bounds_are_met_and_reached(dtype: torch.dtype) -> None:
    fields = held(wild(dtype))
    sic, sit, snt = (fields[name] for name in ("sic", "sit", "snt"))
    assert ((sic == 0) | ((sic >= OPEN_WATER / 2) & (sic <= 1))).all()
    assert (sic == 0).sum() > 100 and (sic == 1).sum() > 100
    assert ((sit > 0) == (sic > 0)).all()
    assert (snt >= 0).all() and (snt == 0).sum() > 100
    assert not snt[sic == 0].any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_projection_has_nothing_to_do_also_after_rounding_to_real32(dtype: torch.dtype) -> None:
    grid = tiny_grid()
    held_fields = held(wild(dtype, 16 * 32))
    values = np.stack([held_fields[n].numpy().reshape(16, 32) for n in ("sic", "sit", "snt")])
    for rounded in (values, values.astype("f4")):
        state = State(rounded.astype("f8") * grid.mask, ("sic", "sit", "snt"), grid)
        same, report = project(state)
        assert report.cells_out_of_bounds == 0
        assert np.array_equal(same.values, state.values)


def test_what_is_within_bounds_is_left_as_it_is() -> None:
    fields = one(0.5, 1.0, 0.1)
    for name, value in held(fields).items():
        assert value.item() == fields[name].item()


def test_what_is_no_ice_has_no_volume_and_no_snow() -> None:
    fields = held(one(0.4 * OPEN_WATER, 1.0, 0.2))
    assert [value.item() for value in fields.values()] == [0.0, 0.0, 0.0]


def test_ice_has_a_least_thickness_and_its_snow_floats() -> None:
    fields = held(one(0.5, -3.0, 4.0))
    assert fields["sit"].item() == MIN_THICKNESS * 0.5
    assert fields["snt"].item() == pytest.approx(0.330 * MIN_THICKNESS * 0.5, rel=1e-5)
    assert fields["snt"].item() < 0.330 * fields["sit"].item()


def test_other_fields_pass() -> None:
    drift = torch.ones(1)
    assert held(one(0.5, 1, 0) | {"siu": drift})["siu"] is drift


@pytest.mark.parametrize(
    ("values", "name", "way"),
    [
        ((-0.2, 0.0, 0.0), "sic", 1), ((1.3, 1.0, 0.0), "sic", -1), ((0.5, -1, 0.0), "sit", 1),
        ((0.5, 50.0, 0.0), "sit", -1), ((0.5, 1.0, -0.3), "snt", 1), ((0.5, 1.0, 3.0), "snt", -1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("inwards", [True, False])
def test_beyond_a_bound_a_gradient_passes_inwards_only(
    values: tuple[float, ...], name: str, way: int, inwards: bool
) -> None:
    """way: the direction in which the bound is. A descent goes against its gradient."""
    fields = one(*values)
    descent = way if inwards else -way
    (-descent * held(fields)[name]).sum().backward()
    passed = fields[name].grad.item()
    assert passed == pytest.approx(-descent * WAY_BACK if inwards else 0.0, rel=1e-6)


def test_within_bounds_the_whole_gradient_passes() -> None:
    fields = one(0.5, 1.0, 0.1)
    sum(held(fields).values()).sum().backward()
    assert [fields[name].grad.item() for name in fields] == [1.0, 1.0, 1.0]


def test_what_is_not_a_number_is_no_open_water() -> None:
    assert torch.isnan(held(one(float("nan"), 1.0, 0.1))["sic"]).all()
