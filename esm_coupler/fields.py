"""What a sea-ice state is made of: names, units, bounds and CF attributes, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from .errors import FieldError


@dataclass(frozen=True)
class Field:
    """One variable of the state.

    `lower` and `upper` are the physical bounds; an input outside `plausible` is refused, because
    it is a fault of its sender, while an input between the two is projected.
    """

    name: str
    units: str
    lower: float
    upper: float
    plausible: tuple[float, float]
    standard_name: str
    long_name: str
    cell_methods: str

    @property
    def unit_text(self) -> str:
        """What stands behind a value in a message: nothing behind a pure number."""
        return "" if self.units == "1" else f" {self.units}"


_ICE = "area: mean where sea_ice"
_CELL = "area: mean"

FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("sic", "1", 0.0, 1.0, (-0.1, 1.1), "sea_ice_area_fraction",
              "sea-ice area fraction", _CELL),
        Field("sit", "m", 0.0, inf, (-1.0, 100.0), "sea_ice_thickness",
              "sea-ice volume per grid-cell area", _CELL),
        Field("snt", "m", 0.0, inf, (-1.0, 50.0), "surface_snow_thickness",
              "snow volume on sea ice per grid-cell area", _CELL),
        Field("siu", "m s-1", -inf, inf, (-10.0, 10.0), "sea_ice_x_velocity",
              "sea-ice drift along grid x", _ICE),
        Field("siv", "m s-1", -inf, inf, (-10.0, 10.0), "sea_ice_y_velocity",
              "sea-ice drift along grid y", _ICE),
        Field("sid", "1", 0.0, 1.0, (-0.1, 1.1), "sea_ice_damage",
              "sea-ice damage, 0 = intact", _ICE),
    )
}  # fmt: skip

DRIFT = ("siu", "siv")

# What drives an emulator: daily means at cell centres.
FORCINGS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("tas", "K", 0.0, inf, (150.0, 350.0), "air_temperature",
              "air temperature at 2 m", _CELL),
        Field("uas", "m s-1", -inf, inf, (-100.0, 100.0), "x_wind",
              "wind at 10 m along grid x", _CELL),
        Field("vas", "m s-1", -inf, inf, (-100.0, 100.0), "y_wind",
              "wind at 10 m along grid y", _CELL),
    )
}  # fmt: skip


def field(name: str) -> Field:
    """The field called `name`; FieldError if there is none."""
    try:
        return FIELDS[name]
    except KeyError:
        raise FieldError(
            f"field '{name}' is unknown: choose from {', '.join(FIELDS)}"
        ) from None
