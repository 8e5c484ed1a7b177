"""Commented namelists and the reference of all options, made from the dataclasses themselves."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

from .option_text import allowed_value, choices, is_date, is_text, options
from .options import GROUPS

WIDTH = 96

# mode -> (what it is for, its groups, values that differ from the defaults)
MODES: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "generate": (
        "An ensemble of sea-ice states: esm-coupler generate FILE",
        ("generator_nml", "ensemble_nml"),
        {},
    ),
    "train-autoencoder": (
        "The training of an autoencoder: esm-coupler train FILE",
        ("training_nml", "autoencoder_nml"),
        {},
    ),
    "train-denoiser": (
        "The training of the denoisers of a space, which makes a generator: esm-coupler train FILE",
        ("training_nml", "denoiser_nml", "refiner_nml"),
        {"kind": "denoiser", "output": "generator.safetensors"},
    ),
    "train-one-step": (
        "The training of a generator of one step, from fair CRPS: esm-coupler train FILE",
        ("training_nml", "denoiser_nml"),
        {"kind": "one_step", "space": "fields", "output": "one_step.safetensors"},
    ),
    "train-emulator": (
        "The training of an emulator, from days in a row with their forcing: esm-coupler train FILE",
        ("training_nml", "emulator_nml"),
        {"kind": "emulator", "output": "emulator.safetensors"},
    ),
    "forecast": (
        "States taken forward by an emulator, under a given forcing: esm-coupler forecast FILE",
        ("coupler_nml", "generator_nml", "forecast_nml", "ensemble_nml"),
        {"initial": "initial.nc", "forcing": "forcing.nc", "output": "forecast.nc"},
    ),
    "couple": (
        "A Fortran or C host: the file that coupler%start or esm_start reads. Groups host_... are "
        "the host's own",
        ("coupler_nml", "generator_nml", "ensemble_nml", "forecast_nml"),
        {},
    ),
}


def template(mode: str) -> str:
    """The commented namelist of a mode: every option at its default, or an example value."""
    purpose, groups, values = MODES[mode]
    head = _comment(f"{purpose}.", "") + _comment("esm-coupler validate FILE checks it.", "")
    return head + "".join(_group(name, values) for name in groups)


def reference() -> str:
    """Markdown with one table of options per group."""
    lines = [
        "# Namelist reference",
        "",
        "Made from the dataclasses by `esm-coupler namelist --reference`; do not edit.",
        "",
        "A group or key that is not listed, a value of another type, a key given twice and a",
        "missing `/` are errors, and nothing is applied from a file with an error. Groups whose",
        "name begins with `host_` belong to the host and are skipped. Paths are relative to the",
        "folder in which the program runs.",
    ]
    for name, kind in GROUPS.items():
        lines += ["", f"## &{name}", "", inspect.getdoc(kind) or "", ""]
        lines += ["| key | default | allowed | meaning |", "|---|---|---|---|"]
        lines += [_row(key, option) for key, option in options(kind).items()]
    return "\n".join(lines) + "\n"


def fortran(value: Any) -> str:
    """A Python value as a namelist writes it."""
    if isinstance(value, bool):
        return ".true." if value else ".false."
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, tuple):
        return ", ".join(fortran(item) for item in value)
    return repr(value)


def _group(name: str, values: dict[str, Any]) -> str:
    kind = GROUPS[name]
    text = "\n" + _comment(inspect.getdoc(kind) or "", "") + f"&{name}\n"
    for key, option in options(kind).items():
        # What a text or a date may be shows in its value.
        plain = is_text(kind, key) and not choices(option) or is_date(option)
        allowed = "" if plain else f"; {allowed_value(option)}"
        text += _comment(f"{option.description}{allowed}", "  ")
        text += f"  {key} = {fortran(values.get(key, _example(option)))}\n"
    return text + "/\n"


def _example(option: Any) -> Any:
    return option.examples[0] if option.is_required() else option.default


def _row(key: str, option: Any) -> str:
    default = "required" if option.is_required() else f"`{fortran(option.default)}`"
    return f"| `{key}` | {default} | {allowed_value(option)} | {option.description} |"


def _comment(text: str, indent: str) -> str:
    prefix = f"{indent}! "
    lines = textwrap.wrap(text, WIDTH - len(prefix), break_on_hyphens=False)
    return "".join(f"{prefix}{line}\n" for line in lines)
