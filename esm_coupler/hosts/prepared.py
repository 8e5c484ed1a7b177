"""Our own layout: what `esm-coupler prepare` writes and the training simulation comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .convention import Convention, usual

if TYPE_CHECKING:
    from xarray import Dataset

GRID = ("lat", "lon", "mask", "cell_area", "angle")


def _recognises(dataset: Dataset) -> bool:
    return all(name in dataset.variables for name in GRID) and PREPARED.has_field(dataset)


PREPARED = Convention(
    _recognises,
    usual(sic="sic", sit="sit", snt="snt", siu="siu", siv="siv", sid="sid"),
    {name: (name,) for name in GRID},
    drift_location="northeast",  # of the simulation; a prepared file has an attribute
)
