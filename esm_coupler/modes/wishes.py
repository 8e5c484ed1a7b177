"""Which options of a perturbation go together, free of torch, so that namelists can be checked
without it."""

from __future__ import annotations

from collections.abc import Sequence


def fault_of(noise_level: float, varied_scale: float, target_spread: Sequence[float]) -> str:
    """What is wrong with the options of mode = 'perturb', or nothing."""
    if len(target_spread) != 2:
        return (
            f"target_spread has {len(target_spread)} values; give two, of sic and of sit (0 for "
            "one that is not asked for)"
        )
    if min(noise_level, varied_scale, *target_spread) < 0:
        return "noise_level, varied_scale and target_spread are 0 or more; one is negative"
    if noise_level > 0 and varied_scale > 0:
        return "noise_level and varied_scale are given; give one of both"
    if not (noise_level > 0 or varied_scale > 0 or max(target_spread) > 0):
        return (
            "mode = 'perturb' has no level; give noise_level, varied_scale or target_spread above 0"
        )
    return ""
