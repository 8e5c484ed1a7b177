"""The host's arrays that are bound to one coupler."""

from __future__ import annotations

import numpy as np

from ..errors import FieldError
from .domain import Domain
from .forcing import Forcing
from .views import HostArray


class BoundArrays:
    """By name, in the order of binding: `coupled` ones go in and out, those of `forcing` in only.
    `views` are kept, so that a call makes none."""

    def __init__(self) -> None:
        self.coupled: dict[str, HostArray] = {}
        self.forcing = Forcing()
        self.views: list[np.ndarray] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Of the fields that generate and step work on."""
        return tuple(self.coupled)

    def check_new(self, array: HostArray, domain: Domain) -> None:
        """FieldError for one that is bound already, does not fit, or lies on another's memory."""
        if array.name in self._all():
            raise FieldError(f"field '{array.name}' is bound already: bind each field once")
        domain.check_extents(f"'{array.name}'", array.extents)
        for other in self._all().values():
            if array.overlaps(other):
                raise FieldError(
                    f"'{array.name}' lies on the memory of '{other.name}': give each its own array"
                )

    def keep(self, array: HostArray) -> None:
        """Add it."""
        kept = self.forcing.arrays if array.name in self.forcing.names else self.coupled
        kept[array.name] = array
        self._keep_views()

    def renew_views(self, domain: Domain) -> None:
        """Make all views anew, as if the arrays had just been bound."""
        for array in self._all().values():
            array.renew(domain)
        self._keep_views()

    def by_name(self) -> dict[str, np.ndarray]:
        """All views, for a recording."""
        return {name: array.view for name, array in self._all().items()}

    def forget(self) -> None:
        """The arrays are the host's alone again."""
        self.coupled.clear()
        self.forcing.arrays.clear()
        self.views.clear()

    def _all(self) -> dict[str, HostArray]:
        return {**self.coupled, **self.forcing.arrays}

    def _keep_views(self) -> None:
        self.views = [array.view for array in self._all().values() if array.n_bytes]
