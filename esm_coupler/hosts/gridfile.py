"""Files that hold a grid and no ice: CMIP6 areacello, NEMO mesh_mask, CICE grid and kmt."""

from __future__ import annotations

from .convention import Convention

GRID_FILE = Convention(
    lambda dataset: any(
        name in dataset.variables for names in GRID_FILE.grid.values() for name in names
    ),
    (),
    {
        "lat": ("lat", "latitude", "nav_lat", "TLAT", "tlat", "gphit"),
        "lon": ("lon", "longitude", "nav_lon", "TLON", "tlon", "glamt"),
        "mask": ("mask", "tmask", "kmt"),
        "cell_area": ("cell_area", "areacello", "tarea"),
        "angle": ("ANGLET", "anglet", "angle"),
    },
)
