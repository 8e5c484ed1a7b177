"""neXtSIM: output on a grid (as of OPA-neXtSIM, CREG025), and the groups of neXtSIM-DG.

Thickness and snow are means over the cell. `damage` is 0 where intact in neXtSIM and 1 where intact
in neXtSIM-DG. Both write velocities at cell centres.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .convention import Convention, open_plain, usual

if TYPE_CHECKING:
    from xarray import Dataset

GRID = {
    "lat": ("latitude",), "lon": ("longitude",), "mask": ("mask",), "cell_area": ("cell_area",),
}  # fmt: skip
MISSING = 1e30  # neXtSIM-DG writes 1.7e38 or -2e90, with or without an attribute that says so


def _recognises(dataset: Dataset) -> bool:
    says_so = "nextsim" in str(dataset.attrs.get("source", "")).lower()
    return (says_so or "latitude" in dataset.variables) and NEXTSIM.has_field(dataset)


NEXTSIM = Convention(
    _recognises, usual(sic="sic", sit="sit", snt="snt", siu="siu", siv="siv", sid="damage"), GRID
)


def open_dg(path: Path) -> Dataset:
    """The groups of a neXtSIM-DG file as one flat dataset of (y, x) with a scalar time."""
    dataset = open_plain(path, "data")
    # The first coefficient of a discontinuous Galerkin field is its mean over the cell.
    first = {name: 0 for name in ("dg_comp", "time") if name in dataset.dims}
    dataset = dataset.isel(first)
    axes = {"ydim": "y", "xdim": "x"}
    dataset = dataset.rename({old: new for old, new in axes.items() if old in dataset.dims})
    dataset = dataset.transpose("y", "x", ...)
    wanted = [name for name, variable in dataset.items() if variable.dims == ("y", "x")]
    dataset = dataset[wanted].map(lambda values: values.where(abs(values) < MISSING))
    if "damage" in dataset:
        dataset["damage"] = 1 - dataset["damage"]
    return dataset.assign(_time(path)).assign_attrs(source="neXtSIM-DG")


def _time(path: Path) -> dict[str, Any]:
    """The time that the file gives as a text, which stands in one of two places; or nothing.

    The number beside the text is another day in files that were made by hand.
    """
    try:
        group = open_plain(path, "metadata/time")
    except OSError:
        return {}
    text = group["time"].attrs.get("formatted")
    if "formatted" in group:
        text = group["formatted"].values
    if text is None:
        return {"time": group["time"].variable}
    seconds = np.datetime64(str(text).rstrip("Z"), "s").astype(np.int64)
    units = {"units": "seconds since 1970-01-01", "calendar": "standard"}
    return {"time": ((), seconds, units)}


NEXTSIM_DG = Convention(
    lambda dataset: dataset.attrs.get("source") == "neXtSIM-DG",
    usual(sic="cice", sit="hice", snt="hsnow", siu="u", siv="v", sid="damage"),
    GRID,
)
