"""CICE history: iceh*.nc, with names for monthly means (`aice`) or for daily ones (`aice_d`).

`hi` and `hs` are volumes per cell area. CICE 6 user guide, section 4.2 (history output).
"""

from __future__ import annotations

from .convention import Convention, usual


def _both(name: str) -> tuple[str, str]:
    return name, f"{name}_d"


CICE = Convention(
    lambda dataset: "TLAT" in dataset.variables and CICE.has_field(dataset),
    usual(
        sic=_both("aice"), sit=_both("hi"), snt=_both("hs"),
        siu=_both("uvel"), siv=_both("vvel"),
    ),
    {
        "lat": ("TLAT",), "lon": ("TLON",), "mask": ("tmask",), "cell_area": ("tarea",),
        "angle": ("ANGLET", "ANGLE"),
    },
    drift_location="northeast",
)  # fmt: skip
