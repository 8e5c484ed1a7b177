"""What an emulator's network needs of its sizes and its grid."""

from __future__ import annotations

import pytest
import torch

from esm_coupler.errors import DomainError
from esm_coupler.generator.architecture import EmulatorConfig
from esm_coupler.generator.step_network import StepNetwork
from esm_coupler.testing import tiny_grid


@pytest.mark.parametrize("channels", [(8, 8), (8, 8, 8, 8)])
def test_there_are_three_resolutions(channels: tuple[int, ...]) -> None:
    words = f"an emulator has {len(channels)} numbers of channels: give 3, for 2 x 2, 4 x 4"
    with pytest.raises(DomainError, match=words):
        StepNetwork(EmulatorConfig(channels=channels), tiny_grid())


@pytest.mark.parametrize("shape", [(16, 20), (17, 32)])
def test_they_divide_the_grid(shape: tuple[int, int]) -> None:
    words = f"the grid has {shape[1]} x {shape[0]} cells; an emulator needs sides .* multiples of 8"
    with pytest.raises(DomainError, match=words):
        StepNetwork(EmulatorConfig(channels=(8, 8, 8)), tiny_grid(shape))


@pytest.mark.parametrize("options", [{"noise": 0}, {"nfe": 4}, {"noise": 4}])
def test_noise_is_asked_for_as_the_network_needs_it(options: dict[str, int]) -> None:
    network = StepNetwork(EmulatorConfig(channels=(8, 8, 8), blocks=1, **options), tiny_grid())
    shapes = {"noise": [(4, 8, 16), (4, 4, 8), (4, 2, 4)], "nfe": [(20, 8, 16)]}
    expected = [] if options == {"noise": 0} else shapes[next(iter(options))]
    assert list(network.noise_shapes) == expected


def test_drift_is_of_splines_and_what_drifts_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    network = StepNetwork(EmulatorConfig(channels=(8, 8, 8), blocks=1, noise=2), tiny_grid((16, 32)))
    single = torch.zeros(1, 5, 16, 32)
    single[..., 8, 8] = 1.0
    latent = torch.nn.functional.pixel_unshuffle(single, 2)
    monkeypatch.setattr(network, "_body", lambda told, noise=(): latent)
    change = network._change(torch.empty(0), ())
    along = torch.tensor([1.0, 4.0, 1.0]) / 6
    for field in range(3):
        assert torch.equal(change[0, field], single[0, field])
    for field in (3, 4):
        torch.testing.assert_close(change[0, field, 7:10, 7:10], along[:, None] * along)
        assert float(change[0, field].sum()) == pytest.approx(1.0)
