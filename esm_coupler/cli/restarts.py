"""Members as restarts of a host model: a folder for each, resumable, its pointer file last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import replace_file, require_output, write_dataset
from ..errors import OutputError, RestartError
from ..hosts.restart_file import write_restart
from ..hosts.restart_models import MODELS, POINTER_LENGTH, RestartModel, require_acceptable
from .analysis_file import analysis_of
from .progress import log_line, with_bar

if TYPE_CHECKING:
    from ..config import Config
    from ..generator.generator import Generator
    from ..generator.request import Request

REMEDY = "set overwrite = .true. in &ensemble_nml"


@dataclass(frozen=True, eq=False)
class Template:
    """The restart that every member is a copy of, judged before anything is made."""

    model: RestartModel
    restart: Any
    kcatbound: int
    sha256: str

    @classmethod
    def read(cls, config: Config) -> Template:
        """RestartError unless its model accepts the template."""
        ensemble = config.ensemble
        model, path = MODELS[ensemble.output_format], Path(ensemble.template)
        restart = model.read(path)
        require_acceptable(restart.file, model.checks(restart, ensemble.kcatbound))
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        return cls(model, restart, ensemble.kcatbound, sha256)


def write_restarts(config: Config, template: Template, generator: Generator) -> Path:
    """Make the members that are not made yet; the folder of them all.

    RestartError if the template is of another grid or date, OutputError if a file is in the way.
    """
    from ..state import parse_date

    ensemble = config.ensemble
    template.model.require(template.restart, generator.grid, parse_date(ensemble.date))
    folder = Path(ensemble.output)
    require_folder(folder)
    first, analysis = ensemble.first_member, analysis_of(config, generator)
    for number in with_bar(list(range(first, first + ensemble.members)), "members"):
        request = config.request(number, analysis=analysis)
        _member(request, config, template, generator, folder / f"member_{number:04d}")
    return folder


def write_initial(config: Config, generator: Generator) -> Path:
    """Write the file of each member that NEMO reads with nn_iceini_file = 1; the folder of all.

    OutputError if one is in the way.
    """
    from ..hosts.si3_initial import initial_dataset
    from ..state import parse_date

    ensemble, day = config.ensemble, parse_date(config.ensemble.date)
    folder = Path(ensemble.output)
    paths = {number: folder / f"member_{number:04d}" / "ice_initial.nc" for number in
             range(ensemble.first_member, ensemble.first_member + ensemble.members)}  # fmt: skip
    require_folder(folder)
    for path in paths.values():  # before the work, not after it
        require_folder(path.parent)
        require_output(path, ensemble.overwrite, REMEDY)
    analysis = analysis_of(config, generator)
    for number in with_bar(list(paths), "members"):
        request = config.request(number, analysis=analysis)
        sample = generator.sample(request)
        dataset = initial_dataset(sample.state, day)
        dataset.attrs |= generator.provenance(request)
        write_dataset(dataset, paths[number], overwrite=True)
        log_line(f"member {number}: {sample.seconds:.1f} s, {paths[number]}")
    return folder


def require_folder(folder: Path) -> None:
    """Make the folder; OutputError if it cannot be had."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {folder} for the restarts: {error.strerror}; choose another "
            "output in &ensemble_nml, in a folder that exists"
        ) from error


def _member(
    request: Request, config: Config, template: Template, generator: Generator, folder: Path
) -> None:
    ensemble, number = config.ensemble, request.member
    provenance = {
        **generator.provenance(request), "member": number, "date": ensemble.date,
        "template_sha256": template.sha256, "kcatbound": template.kcatbound,
    }  # fmt: skip
    provenance = json.loads(json.dumps(provenance))  # as it will be read
    path = folder / template.model.name(template.restart)
    _require_short(path, template.model)
    if _is_finished(path, template, provenance):
        log_line(f"member {number}: made before")
        return
    require_folder(folder)
    require_output(path, ensemble.overwrite or _is_of(path, template, provenance), REMEDY)
    sample = generator.sample(request)
    wish = request.perturbation
    analysis = wish.analysis if wish is not None and not ensemble.analysis else None
    values = template.model.member(template.restart, sample.state, template.kcatbound, analysis)
    write_restart(template.restart.file, path, values, provenance)
    _point_to(path, template)
    log_line(f"member {number}: {sample.seconds:.1f} s, {path}")


def _point_to(path: Path, template: Template) -> None:
    """Judge what was written, then name it in the pointer file."""
    written = template.model.read(path)
    require_acceptable(written.file, template.model.checks(written, template.kcatbound))
    if template.model.pointer:
        replace_file(path.parent / template.model.pointer, f"{path.resolve()}\n".encode())


def _require_short(path: Path, model: RestartModel) -> None:
    target = str(path.resolve())
    if model.pointer and len(target.encode()) > POINTER_LENGTH:
        raise OutputError(
            f"the path {target[:40]}... of a restart has more than the {POINTER_LENGTH} bytes that "
            "a pointer file can hold: choose a shorter output in &ensemble_nml"
        )


def _is_of(path: Path, template: Template, provenance: dict[str, Any]) -> bool:
    """Whether a restart is there and was made from just this."""
    try:
        return path.exists() and template.model.read(path).file.provenance == provenance
    except RestartError:
        return False


def _is_finished(path: Path, template: Template, provenance: dict[str, Any]) -> bool:
    pointer = path.parent / (template.model.pointer or path.name)
    if not pointer.exists() or not _is_of(path, template, provenance):
        return False
    written = template.model.read(path)
    return not any(found.fatal for found in template.model.checks(written, template.kcatbound))
