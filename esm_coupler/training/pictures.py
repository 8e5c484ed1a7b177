"""An early look at what a training has made: a picture beside its checkpoint."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..atomic import write_atomically
from ..fields import FIELDS
from ..generator.checkpoint import Checkpoint, read_checkpoint
from .data import read_days

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..config import TrainingConfig
    from ..grid import Grid

# a day near the maximum of the ice, and one near its minimum
DATES = (datetime.date(1990, 3, 1), datetime.date(1990, 9, 1))
SHOWN = ("sic", "sit")
# enough to judge by, and cheap
N_STEPS = 10

# (title, fields (field, y, x)) of each column
Columns = list[tuple[str, np.ndarray]]


def draw_product(config: TrainingConfig) -> None:
    """Write OUTPUT.png: states from the checkpoint as it is now, or days and what an autoencoder
    makes of them."""
    from ..generator.model import load_grid

    output = Path(config.output)
    checkpoint = read_checkpoint(output)
    columns = _samples(config) if checkpoint.kind == "generator" else _days(checkpoint, config)
    figure = draw(columns, checkpoint.manifest["fields"], load_grid(checkpoint))
    picture = output.with_suffix(".png")
    write_atomically(picture, lambda part: figure.savefig(part, dpi=110, format="png"))


def draw(columns: Columns, names: Sequence[str], grid: Grid) -> Figure:
    """A row of maps for each field of SHOWN that there is, each with one colour bar."""
    import cmocean
    from matplotlib.figure import Figure

    from ..verify.polar_map import PolarMap

    rows = [name for name in SHOWN if name in names]
    figure = Figure(figsize=(2.6 * len(columns), 2.7 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    polar = PolarMap(grid.lat, grid.lon, grid.mask)
    for name, row in zip(rows, axes, strict=True):
        maps = [np.where(grid.mask, fields[names.index(name)], np.nan) for _, fields in columns]
        upper = 1.0 if name == "sic" else max(0.5, float(np.nanpercentile(maps, 99.7)))
        colours = cmocean.cm.ice if name == "sic" else cmocean.cm.thermal
        for axis, (title, _), values in zip(row, columns, maps, strict=True):
            mesh = polar.field(axis, values, cmap=colours, vmin=0.0, vmax=upper)
            axis.set_title(title, fontsize=8)
        figure.colorbar(mesh, ax=list(row), label=f"{name} [{FIELDS[name].units}]", shrink=0.8)
    return figure


def _samples(config: TrainingConfig) -> Columns:
    """Two members of each date."""
    from ..generator.generator import Generator

    generator = Generator.load(config.output, config.device, config.threads)
    columns: Columns = []
    for date in DATES:
        made = generator.generate(2, date=date, n_steps=N_STEPS, sampler="dpm").values
        columns += [(f"generated, {date:%-d %B}", values) for values in made]
    return columns


def _days(checkpoint: Checkpoint, config: TrainingConfig) -> Columns:
    """A validation day near each date, before and behind the autoencoder."""
    from ..generator.model import load_space

    network, _ = load_space(checkpoint)
    days = read_days(config.data, config.validation_years[:1])
    wanted = [date.timetuple().tm_yday for date in DATES]
    nearest = [int(np.abs(days.day_of_year - day).argmin()) for day in wanted]
    with torch.inference_mode():
        truth = torch.from_numpy(days.fields[nearest])
        decoded = network.decode(network.encode(truth)).numpy()
    columns: Columns = []
    for day, before, behind in zip(days.day_of_year[nearest], truth.numpy(), decoded, strict=True):
        columns += [(f"day {day} of the year", before), ("decoded", behind)]
    return columns
