"""The schedulers of diffusers that do the same as our samplers, on the same network and levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from ..generator.sampler import Denoise

    Rival = Callable[[Denoise, Tensor, Sequence[float], float], Tensor]

HOW_TO_INSTALL = "for the same network under diffusers: pip install 'esm_coupler[bench]'"


def rivals() -> dict[str, tuple[str, Rival]]:
    """Name of our sampler -> name of diffusers' scheduler and a function of (denoise, noise,
    sigmas, churn); empty without diffusers."""
    try:
        import diffusers  # noqa: F401
    except ImportError:
        return {}
    return {
        "heun": ("HeunDiscreteScheduler", _heun),
        "dpm": ("EDMDPMSolverMultistepScheduler", _dpm),
        "stochastic": ("EDMEulerScheduler with churn, as many evaluations", _churned_euler),
    }


def _heun(denoise: Denoise, noise: Tensor, sigmas: Sequence[float], churn: float) -> Tensor:
    import torch
    from diffusers import HeunDiscreteScheduler

    scheduler = HeunDiscreteScheduler(prediction_type="sample")
    scheduler.set_timesteps(len(sigmas) - 1)
    # its own levels come from a table of betas; each inner one is used twice
    inner = [level for sigma in sigmas[1:-1] for level in (sigma, sigma)]
    levels = [sigmas[0], *inner, 0.0]
    scheduler.sigmas = torch.tensor(levels)
    x = noise * sigmas[0]
    for timestep, sigma in zip(scheduler.timesteps, levels[:-1], strict=True):
        x = scheduler.step(denoise(x, sigma), timestep, x).prev_sample
    return x


def _dpm(denoise: Denoise, noise: Tensor, sigmas: Sequence[float], churn: float) -> Tensor:
    from diffusers import EDMDPMSolverMultistepScheduler

    scheduler = EDMDPMSolverMultistepScheduler(sigmas[-2], sigmas[0], sigma_data=1.0)
    return _run(scheduler, denoise, noise * sigmas[0], len(sigmas) - 1)


def _churned_euler(
    denoise: Denoise, noise: Tensor, sigmas: Sequence[float], churn: float
) -> Tensor:
    from diffusers import EDMEulerScheduler

    from ..generator.sampler import CHURNED_FROM, CHURNED_TO

    scheduler = EDMEulerScheduler(sigmas[-2], sigmas[0], sigma_data=1.0)
    between = {"s_churn": churn, "s_tmin": CHURNED_FROM, "s_tmax": CHURNED_TO}
    return _run(scheduler, denoise, noise * sigmas[0], 2 * len(sigmas) - 3, **between)


def _run(scheduler: Any, denoise: Denoise, x: Tensor, n_steps: int, **options: float) -> Tensor:
    # Our network scales its own input and output; nobody has to do it twice.
    scheduler.precondition_inputs = lambda sample, sigma: sample
    scheduler.precondition_outputs = lambda sample, output, sigma: output
    scheduler.set_timesteps(n_steps)
    for timestep, sigma in zip(scheduler.timesteps, scheduler.sigmas.tolist(), strict=False):
        output = denoise(scheduler.scale_model_input(x, timestep), sigma)
        x = scheduler.step(output, timestep, x, **options).prev_sample
    return x
