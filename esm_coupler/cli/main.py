"""The command `esm-coupler`: verbs, exit status, and errors in one sentence.

Exit status 0: done. 1: failed, and stderr says why. 2: wrong usage.
"""

from __future__ import annotations

import sys

import typer

from ..errors import EsmCouplerError
from .bench import bench
from .bench_coupling import coupling
from .bench_device import device
from .bench_emulator import emulator
from .bench_sampler import sampler
from .check import check
from .config import config
from .doctor import doctor
from .evaluate import evaluate
from .experiment import experiment
from .forecast import forecast
from .generate import generate
from .hindcast import hindcast
from .inspect import inspect
from .namelist import namelist
from .plot import plot
from .prepare import prepare
from .replay import replay
from .train import train
from .twin import twin
from .validate import validate
from .weights import weights

app = typer.Typer(
    help="Sea-ice states from latent diffusion, for Fortran and C models and for the shell.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (
    generate, forecast, prepare, train, evaluate, experiment, inspect, validate, namelist, config,
    doctor, plot, weights, replay, check, twin, hindcast,
):  # fmt: skip
    app.command()(verb)
for part in (coupling, sampler, device, emulator):
    bench.command()(part)
app.add_typer(bench, name="bench")


def main() -> None:
    """Run the verb on the command line; a user's error becomes one sentence and status 1."""
    try:
        app()
    except (EsmCouplerError, OSError) as error:
        sys.exit(f"esm-coupler: {error}")
    except MemoryError:
        sys.exit("esm-coupler: out of memory; ask for fewer members or a smaller batch")
