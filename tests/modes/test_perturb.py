"""Members around an analysis: near it, no farther than asked, and nothing else than a member."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from esm_coupler.errors import DomainError, FieldError, InvalidValueError
from esm_coupler.generator.generator import Generator
from esm_coupler.modes.channels import field_of_channels
from esm_coupler.modes.perturb import Around, levels_below
from esm_coupler.generator.request import Request
from esm_coupler.generator.schedule import SAMPLER_NAMES
from esm_coupler.pairs import pair_variance
from esm_coupler.state import State, parse_date
from esm_coupler.testing import tiny_grid
from support.acceptance import accepted

DATE = 19900301
FEW = {"date": DATE, "n_steps": 8, "sampler": "dpm"}


def values(generator: Generator, analysis: State, members=2, **options) -> np.ndarray:
    return generator.perturb(analysis, members, **{**FEW, "noise_level": 0.5, **options}).values


def test_a_member_is_the_same_in_any_company(generator, analysis):
    alone = values(generator, analysis, [3])
    assert np.array_equal(alone[0], values(generator, analysis, 4)[2])
    assert np.array_equal(alone[0], values(generator, analysis, [4, 3])[1])


def test_the_level_of_a_spread_does_not_depend_on_the_members(generator, analysis):
    wish = {"noise_level": 0.0, "target_spread": (0.03, 0.0)}
    alone = values(generator, analysis, [3], **wish)
    generator._kept = None  # as in another process
    assert np.array_equal(alone[0], values(generator, analysis, 4, **wish)[2])


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_members_dates_seeds_samplers_and_analyses_differ(generator, analysis, sampler):
    other = State(analysis.values * 0.9, analysis.names, analysis.grid)
    states = [
        values(generator, analysis, [1], sampler=sampler),
        values(generator, analysis, [2], sampler=sampler),
        values(generator, analysis, [3], sampler=sampler),
        values(generator, analysis, [1], sampler=sampler, seed=2),
        values(generator, analysis, [1], sampler=sampler, date=19900302),
        values(generator, other, [1], sampler=sampler),
    ]
    assert len({state.tobytes() for state in states}) == len(states)


def test_members_are_acceptable(generator, analysis):
    for member in values(generator, analysis, 4, noise_level=3.0):
        assert accepted(State(member, analysis.names, analysis.grid))
        assert not member[:, ~analysis.grid.mask].any()


@pytest.mark.parametrize("space", ["generator", "mixing"])
def test_little_noise_gives_the_analysis_whatever_the_space_loses(space, analysis, request):
    near = values(request.getfixturevalue(space), analysis, 2, noise_level=1e-3)
    for index, name in enumerate(analysis.names):
        assert np.abs(near[:, index] - analysis[name]).max() < 0.01, name


def test_an_autoencoder_alone_would_not_give_it(mixing, analysis):
    fields = torch.from_numpy(analysis.values[None]).float()
    with torch.inference_mode():
        back = mixing.model.space.fields(mixing.model.space.latents(fields))[0].numpy()
    assert np.abs(back - analysis.values).max() > 0.1


def test_the_mean_of_a_pair_is_the_analysis_where_no_bound_is_touched(generator, analysis):
    """But for the curve of concentration's logit, which is of second order in the deviation."""
    pair = values(generator, analysis, 2)
    free = ((pair[:, 0] > 0) & (pair[:, 0] < 1)).all(axis=0) & (pair[:, 1] > 0.2).all(axis=0)
    assert free.sum() > 50
    moved = np.abs(pair[0, 0] - pair[1, 0])[free]
    assert np.median(moved) > 0.02
    missed = np.abs(pair[:, 0].mean(axis=0) - analysis["sic"])[free]
    assert missed.max() < 0.02 and np.median(missed) < 0.1 * np.median(moved)


def test_deviations_are_those_of_the_exact_solution(generator, analysis):
    """Of white noise: down the levels z + sigma e becomes (z + sigma e) / sqrt(1 + sigma^2)."""
    sigma, request = 0.7, Request(1, parse_date(DATE), n_steps=60, refine_steps=60)
    with torch.inference_mode():
        around = Around(generator.model, analysis, request.date)
        deviations = around.deviations(request, sigma, lambda: None)
    for number, deviation in enumerate(deviations):
        noise = request.noise(generator.model.space.shapes[number], number)
        exact = noise * sigma / np.sqrt(1 + sigma**2)
        assert float((deviation - exact).abs().max()) < 0.02


def test_the_levels_begin_at_the_one_that_is_asked_for():
    request = Request(1, parse_date(DATE))
    for sigma in (0.001, 0.5, 80.0):
        levels = levels_below(request, 0, sigma)
        assert levels[0] == sigma and levels[-1] == 0
        assert all(a > b for a, b in zip(levels, levels[1:], strict=False))


@pytest.mark.parametrize("target", [(0.03, 0.0), (0.0, 0.05), (0.03, 0.06)])
def test_the_spread_is_the_one_that_is_asked_for(generator, analysis, target):
    """That of members which found it, to what `EXACT` says; of others, but for chance."""
    members = values(generator, analysis, 128, noise_level=0.0, target_spread=target)
    ice = analysis["sic"] > 0
    for wanted, field in zip(target, (0, 1), strict=True):
        if wanted:
            for some, error in ((members[:64], 0.02), (members[64:], 0.1)):
                spread = np.sqrt(pair_variance(some[:, field])[ice].mean())
                assert spread == pytest.approx(wanted, rel=error)


def test_a_level_can_be_given_with_the_spread_that_it_is_stretched_to(generator, analysis):
    kept = []
    for target in (0.02, 0.03):
        values(generator, analysis, 1, noise_level=2.0, target_spread=(target, 0.0))
        kept.append(generator._kept[1].level)
    assert kept[0].sigma == kept[1].sigma == 2.0
    assert kept[0].stretch[0] < kept[1].stretch[0]


def test_more_varies_with_a_longer_scale(generator, analysis):
    levels = []
    for scale in (200.0, 1200.0):
        values(generator, analysis, 1, noise_level=0.0, varied_scale=scale)
        levels.append(generator._kept[1].level.sigma)
    assert levels[0] < levels[1]


def test_a_channel_moves_its_field_and_no_other(generator):
    """Each part of the drift moves both of its components."""
    space = generator.model.space
    calm = [torch.zeros(1, *shape) for shape in space.shapes]
    # far from all bounds: half of a cell ice, 4 m of it, some snow
    for field, value in enumerate((0.5, 2.0, 0.5)):
        calm[0][:, field] = value
    before = space.fields(tuple(calm))
    for number, shape in enumerate(space.shapes):
        for channel, field in enumerate(field_of_channels(space)):
            latents = [latent.clone() for latent in calm]
            latents[number][:, channel, 1, 1] += 0.1
            changed = (space.fields(tuple(latents)) != before).any(dim=(0, 2, 3))
            moved = changed.nonzero().flatten().tolist()
            assert moved == ([field] if field < 3 else [3, 4])
        assert shape[0] == channel + 1


def broken(analysis: State, name: str, j: int, i: int, value: float) -> State:
    values = analysis.values.copy()
    values[analysis.names.index(name), j, i] = value
    return State(values, analysis.names, analysis.grid)


@pytest.mark.parametrize(
    ("name", "cell", "value", "words"),
    [
        ("sic", (8, 8), np.nan, "the analysis is refused: field 'sic' is nan at i=9, j=9"),
        ("sit", (8, 8), 1e30, "the analysis is refused: field 'sit' is 1e.30 m at i=9, j=9"),
        ("sic", (0, 5), 0.5, "the analysis has 'sic' = 0.5 on land at i=6, j=1"),
        ("siu", (15, 5), 0.1, "the analysis has 'siu' = 0.1 m s-1 on land at i=6, j=16"),
    ],
)
def test_an_analysis_that_is_none_is_refused(generator, analysis, name, cell, value, words):
    with pytest.raises(InvalidValueError, match=words):
        values(generator, broken(analysis, name, *cell, value))


def test_an_analysis_without_a_field_or_of_another_grid_is_refused(generator, analysis):
    few = State(analysis.values[:2], ("sic", "sit"), analysis.grid)
    with pytest.raises(FieldError, match="the analysis has no 'snt'"):
        values(generator, few)
    other = State(np.zeros((5, 16, 16)), analysis.names, tiny_grid((16, 16)))
    with pytest.raises(DomainError, match="the analysis has 16 x 16 cells, the checkpoint has 32"):
        values(generator, other)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"noise_level": 0.0}, "mode = 'perturb' has no level"),
        ({"varied_scale": 500.0}, "noise_level and varied_scale are given"),
        ({"noise_level": -1.0}, "one is negative"),
        ({"noise_level": 0.0, "varied_scale": 10.0}, "it must be from 100 to 3200 km"),
        ({"noise_level": 0.0, "target_spread": (0.0, 3.0)}, "target_spread .sit 3 m. cannot be re"),
        ({"target_spread": (0.9, 0.0)}, "no field is stretched by more than 2"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(generator, analysis, options, words):
    with pytest.raises(InvalidValueError, match=words):
        values(generator, analysis, **options)


def test_a_mixing_space_takes_one_target(mixing, analysis):
    with pytest.raises(InvalidValueError, match="mixes its fields"):
        values(mixing, analysis, noise_level=0.0, target_spread=(0.05, 0.1))


def test_no_ice_has_no_spread(generator, analysis):
    nothing = State(np.zeros_like(analysis.values), analysis.names, analysis.grid)
    with pytest.raises(InvalidValueError, match="the analysis has no ice"):
        values(generator, nothing, noise_level=0.0, target_spread=(0.05, 0.0))


def test_the_origin_tells_the_analysis_and_the_level(generator, analysis):
    attributes = generator.perturb(analysis, 1, noise_level=0.5, **FEW).attributes
    assert attributes["mode"] == "perturb" and attributes["noise_level"] == 0.5
    assert attributes["analysis_sha256"] == analysis.sha256
    assert attributes["nfe"] < 2 * (8 + 5)
