"""A generator on one rank: the members it makes, and those it keeps for later calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .device import TorchThread
from .visible import visible_gpus

if TYPE_CHECKING:
    import torch

    from ..generator.generator import Generator
    from ..state import State
    from .seating import Seat


@dataclass(frozen=True, eq=False)
class Member:
    """A generated state (field, y, x) float64 on the checkpoint's grid, and what is told of it."""

    values: np.ndarray
    seconds: float
    cells_out_of_bounds: int
    cells_changed: int


class Maker:
    """Loads the generator on its device. `check_time` raises where a call takes too long."""

    def __init__(self, seat: Seat, check_time: Callable[[], None]) -> None:
        self._seat = seat
        self._config = seat.config
        self.check_time = check_time
        self._kept: dict[tuple[int, int], Member] = {}  # (member, date)
        self.thread = TorchThread(seat.config.coupler.threads)
        self.generator: Generator = self.thread.call(self._load)

    def _load(self) -> Generator:
        from ..generator.generator import Generator

        options = self._config.generator
        return Generator.load(
            options.checkpoint, self._device(), self._config.coupler.threads, options.compile,
            options.precision, options.cuda_graph,
        )  # fmt: skip

    def _device(self) -> torch.device:
        """That of &generator_nml, with the number of this rank's GPU."""
        import torch

        from ..generator.device import only_visible, select_device

        gpu = self._seat.gpu
        name = visible_gpus()[gpu] if gpu is not None else ""
        is_mig = name.startswith("MIG-")
        with only_visible(name) if is_mig else nullcontext():
            device = select_device(self._config.generator.device, 0 if is_mig else gpu)
            if device.type == "cuda":
                torch.cuda.init()
        if device.index is not None:
            torch.cuda.set_device(device)  # of this thread; the host's have their own
        return device

    def identity(self) -> str:
        """What its bits depend on and may be another on another rank, in words."""
        import torch

        from ..generator.device import device_name, processor

        device = self.generator.device
        where = processor() if device.type == "cpu" else device_name(device)
        sha256 = self.generator.checkpoint_sha256[:12]
        return f"on {where} with torch {torch.__version__} and checkpoint {sha256}"

    def make(self, member: int, date: int) -> tuple[Member, str]:
        """The first of this rank's share of the members from `member` on; the others, and it, are
        kept for later calls instead of what was.

        Raises what making the first does. If another cannot be made, its own call shall raise that;
        here a text tells it, which is empty if all went well.
        """
        from ..generator.generator import batches

        self._kept.clear()
        some, *others = batches(self._share(member), self._config.generator.batch_members)
        made = dict(zip(some, self._made(some, date), strict=True))
        first, note = made[some[0]], ""
        try:
            for some in others:
                made |= zip(some, self._made(some, date), strict=True)
        except (Exception, SystemExit) as error:
            note = _not_made(some[0], error)
        if self._config.coupler.members_ahead > 1:
            self._kept = {(number, date): each for number, each in made.items()}
        return first, note

    def make_around(self, member: int, date: int, analysis: State) -> Member:
        """A member around an analysis; none is kept."""
        return self._made([member], date, analysis)[0]

    def make_ahead(self, member: int, date: int) -> str:
        """This rank's share, none of which was asked for yet; a text where one cannot be made."""
        try:
            return self.make(member, date)[1]
        except (Exception, SystemExit) as error:
            return _not_made(self._share(member)[0], error)

    def has(self, member: int, date: int) -> bool:
        return (member, date) in self._kept

    def kept(self, member: int, date: int) -> Member:
        return self._kept[member, date]

    def _share(self, member: int) -> range:
        """The members that this rank makes, of those from `member` on."""
        ahead = self._config.coupler.members_ahead
        return range(member + self._seat.number, member + ahead, self._seat.count)

    def _made(
        self, numbers: Sequence[int], date: int, analysis: State | None = None
    ) -> list[Member]:
        requests = [self._config.request(number, date, analysis) for number in numbers]
        samples = self.thread.call(lambda: self.generator.samples(requests, self.check_time))
        return [
            Member(s.state.values, s.seconds, s.report.cells_out_of_bounds, s.report.cells_changed)
            for s in samples
        ]

    def close(self) -> None:
        self._kept.clear()
        del self.generator
        self.thread.close()


def _not_made(member: int, error: BaseException) -> str:
    return f"note: member {member} could not be made ahead, it is made when asked for ({error})"
