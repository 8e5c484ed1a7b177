"""Fields without their bounds: what a censored likelihood calls x*, written down.

In x = clip(x*, lower, upper) an autoencoder has to learn x* where x lies on a bound (Finn et al.
2024). Here it is chosen, so that it is smooth: concentration falls on below 0 with the distance
from the ice, and rises a little above 1 with the distance into the pack; drift fades out over open
water; volumes go on over land. Between its bounds concentration is seen as a softened logit, on
which years of much and of little ice lie evenly about their mean: late summer has wide areas of a
few per cent beside the pack, and a symmetric error would make them ice. Bounds that depend on other
fields are bounds of the clip like any other: ice of at most 20 m, snow of at most what its ice can
float.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from ..errors import FieldError
from ..fields import DRIFT
from .projection import MAX_ICE_THICKNESS, MAX_SNOW_DEPTH, MAX_SNOW_PER_ICE

# A simulation leaves a tail of tiny concentrations in open water: below this there is no ice.
OPEN_WATER = 1e-3
MIN_THICKNESS = 0.05  # m of ice, where there is any
FALL, RISE, FARTHEST = 0.08, 0.01, 6.0  # of x* per cell beyond the bounds, and for how many cells
SOFTNESS = 0.01  # of the logit, so that it ends at 0 and 1
_LARGEST_LOGIT = float(np.log((1 + SOFTNESS) / SOFTNESS))
FADE = 10.0  # cells over which drift fades
_INSIDE = 1 - 2e-6  # what lies on a limit still does in real32

VOLUMES = ("sit", "snt")  # seen as square roots: thin ice matters as much as thick ice


def uncensored(fields: np.ndarray, names: tuple[str, ...], mask: np.ndarray) -> np.ndarray:
    """x* float32 (sample, field, y, x) of fields in physical units; mask (y, x) is True on ocean.

    `censored` takes it back. FieldError without a concentration, which says where ice is.
    """
    if "sic" not in names:
        raise FieldError(f"states of {', '.join(names)} have no 'sic', which says where ice is")
    onto_land = _nearest(mask)
    return np.stack([_of_day(day.astype(np.float64), names, mask, onto_land) for day in fields])


def _of_day(
    fields: np.ndarray, names: tuple[str, ...], mask: np.ndarray, onto_land: tuple[np.ndarray, ...]
) -> np.ndarray:
    ice = (fields[names.index("sic")] > 0) & mask
    moving = np.logical_or.reduce([fields[names.index(n)] != 0 for n in DRIFT if n in names])
    result = np.empty(fields.shape, np.float32)
    for index, name in enumerate(names):
        field = fields[index]
        if name in DRIFT:
            result[index] = _faded(field, moving, mask)
        elif name in VOLUMES:
            result[index] = np.sqrt(field.clip(min=0))[onto_land]
        elif name == "sic":
            result[index] = _beyond(field, ice, mask)[onto_land]
        else:
            result[index] = field[_nearest(ice)] if ice.any() else 0.0
    return result


def _beyond(sic: np.ndarray, ice: np.ndarray, mask: np.ndarray) -> np.ndarray:
    full = sic >= 1
    depth, distance = _distance(full | ~mask), _distance(~ice)
    share = sic.clip(0, 1)
    logit = np.log((share + SOFTNESS) / (1 - share + SOFTNESS))
    between = 0.5 + logit / (2 * _LARGEST_LOGIT)
    return np.where(ice, np.where(full, 1 + RISE * depth, between), -FALL * distance)


def _distance(inside: np.ndarray) -> np.ndarray:
    """Cells to the nearest one that is not inside, at most FARTHEST."""
    if inside.all():
        return np.full(inside.shape, FARTHEST)
    return np.minimum(distance_transform_edt(inside), FARTHEST)


def _nearest(there: np.ndarray) -> tuple[np.ndarray, ...]:
    """Index arrays of the nearest of these cells."""
    return tuple(distance_transform_edt(~there, return_distances=False, return_indices=True))


def _faded(field: np.ndarray, moving: np.ndarray, mask: np.ndarray) -> np.ndarray:
    if not moving.any():
        return field
    distance, indices = distance_transform_edt(~moving, return_indices=True)
    faded = field[tuple(indices)] * np.exp(-distance / FADE)
    return np.where(moving, field, np.where(mask, faded, 0.0))


def censored(latent: Tensor, names: tuple[str, ...]) -> Tensor:
    """Fields (sample, field, y, x) in physical units of x*, each within its bounds; also where
    no ocean is. Area comes with volume, and snow floats, by construction."""
    x = dict(zip(names, latent.unbind(dim=1), strict=True))
    sic = _share(x["sic"].clamp(0, 1))
    # At half of it, so that the least ice of the data survives round-off.
    x["sic"] = sic = torch.where(sic < OPEN_WATER / 2, 0.0, sic)
    if "sit" in x:
        thickest = MAX_ICE_THICKNESS * _INSIDE * sic
        x["sit"] = _between(x["sit"], MIN_THICKNESS * sic, thickest)
    if "snt" in x:
        deepest = MAX_SNOW_DEPTH * _INSIDE * sic
        if "sit" in x:
            deepest = torch.minimum(deepest, MAX_SNOW_PER_ICE * _INSIDE * x["sit"])
        x["snt"] = _between(x["snt"], torch.zeros_like(sic), deepest)
    if "sid" in x:
        x["sid"] = torch.where(sic > 0, x["sid"].clamp(0, 1), 0.0)
    return torch.stack([x[name] for name in names], dim=1)


def _share(between: Tensor) -> Tensor:
    """Concentration of what lies between the bounds; exactly 0 and 1 on them."""
    odds = ((2 * between - 1) * _LARGEST_LOGIT).exp()
    share = (odds * (1 + SOFTNESS) - SOFTNESS) / (1 + odds)
    return torch.where(between < 1, share.clamp(0, 1), 1.0)


def _between(root: Tensor, least: Tensor, most: Tensor) -> Tensor:
    return torch.minimum(torch.maximum(root.clamp(min=0).square(), least), most)
