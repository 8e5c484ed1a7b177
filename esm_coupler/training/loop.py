"""What all trainings share: batches, optimiser, moving average, resuming, progress."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import ConfigError
from ..generator.checkpoint import read_checkpoint, write_checkpoint
from ..generator.device import hardware
from .curve import Curve
from .pictures import draw_product
from .ranks import Ranks, check_batch

if TYPE_CHECKING:
    from ..config import TrainingConfig

log = logging.getLogger(__name__)
LOG_EVERY = 50
# What a resumed training may do otherwise than before it was stopped.
FREE_TO_CHANGE = (
    "data", "output", "minutes", "steps", "device", "threads", "checkpoint_every", "pictures",
)  # fmt: skip


@dataclass
class Trainer:
    """Adam with warm-up and cosine decay; keeps a moving average of the weights.

    `loss(indices)` gives the mean loss over a batch of training samples and figures for the log;
    `save(provenance)` writes the product while the model has the averaged weights; `picture`
    draws what the product can do. Under torchrun each rank sees its share of the batch, and the
    first one writes.
    """

    model: nn.Module
    config: TrainingConfig
    architecture: Mapping[str, Any]
    device: torch.device
    n_samples: int
    loss: Callable[[Tensor], tuple[Tensor, dict[str, float]]]
    save: Callable[[dict[str, Any]], None]
    validate: Callable[[], dict[str, float]]
    picture: Callable[[TrainingConfig], None] = draw_product
    step: int = 0
    seconds: float = 0.0
    average: dict[str, Tensor] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)  # since the last saved state
    ranks: Ranks = field(default_factory=Ranks.current)

    def __post_init__(self) -> None:
        check_batch(self.config.batch, self.ranks)
        torch.manual_seed(self.config.seed)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=self.config.learning_rate, betas=(0.9, 0.99),
            weight_decay=1e-2,
        )  # fmt: skip
        self.average = {k: v.detach().clone() for k, v in self.model.named_parameters()}
        if self.state_path.is_file():
            self.resume()
        self.curve = Curve(Path(self.config.output).with_suffix(".curve.csv"), self.step)

    @property
    def state_path(self) -> Path:
        """Where an interrupted training goes on from."""
        return Path(self.config.output).with_suffix(".training.safetensors")

    def run(self) -> None:
        """Train until the steps or the minutes are used up, whichever comes first."""
        started = time.monotonic() - self.seconds
        while self.progress() < 1:
            figures = self.advance()
            self.losses.append(figures["loss"])
            self.seconds = self.ranks.of_first(time.monotonic() - started, self.device)
            if self.step % LOG_EVERY == 0:
                self.report(figures)
            if self.step % self.config.checkpoint_every == 0 and self.progress() < 1:
                self.checkpoint()
        self.checkpoint()
        if self.ranks.is_first:
            self.state_path.unlink()

    def progress(self) -> float:
        """Share of the budget that is used, 0 to 1."""
        by_time = self.seconds / (60 * self.config.minutes)
        return min(1.0, max(by_time, self.step / self.config.steps))

    def advance(self) -> dict[str, float]:
        """One optimiser step."""
        # Batches and noise depend on the step alone, so that a resumed training sees the same.
        rng = np.random.default_rng([self.config.seed, self.step])
        torch.manual_seed(int(rng.integers(2**62)))
        indices = torch.from_numpy(rng.integers(self.n_samples, size=self.config.batch))
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        self.model.train()
        figures = self.gradient(self.ranks.share(indices))
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if torch.isfinite(norm):
            self.optimizer.step()
        else:
            log.warning("step %d left out: its gradient is not finite", self.step)
        self.step += 1
        self.update_average()
        return figures

    def gradient(self, indices: Tensor) -> dict[str, float]:
        """Gradient of the loss, and figures, as means over the ranks' shares of the batch."""
        half = self.config.precision == "bf16"
        with self.ranks.noise(), torch.autocast(self.device.type, torch.bfloat16, half):
            loss, figures = self.loss(indices)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        told = torch.tensor([float(loss.detach()), *figures.values()], device=self.device)
        self.ranks.average([*gradients, told])
        return dict(zip(("loss", *figures), told.tolist(), strict=True))

    def learning_rate(self) -> float:
        warm = min(1.0, (self.step + 1) / self.config.warmup_steps)
        return self.config.learning_rate * warm * (0.5 + 0.5 * np.cos(np.pi * self.progress()))

    def update_average(self) -> None:
        """Exponential moving average with a half-life in samples, shorter at the start."""
        halflife = min(self.config.ema_halflife, 0.1 * self.step * self.config.batch)
        decay = 0.5 ** (self.config.batch / halflife) if halflife else 0.0
        for name, parameter in self.model.named_parameters():
            self.average[name].lerp_(parameter.detach(), 1 - decay)

    def report(self, figures: dict[str, float]) -> None:
        text = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        share = self.progress()
        left = self.seconds * (1 - share) / share / 60
        log.info(
            "step %d  %.0f s  %.0f %%  %.0f min left  %s", self.step, self.seconds, 100 * share,
            left, text, extra={"share": share},
        )  # fmt: skip

    def checkpoint(self) -> None:
        """Write the product, its picture, the curve, and the state to resume from."""
        losses, self.losses = self.losses, []
        if not self.ranks.is_first:
            return
        current = {k: v.detach().clone() for k, v in self.model.named_parameters()}
        self.load_parameters(self.average)
        self.model.eval()
        figures = self.validate()
        self.report(figures)
        self.save({"steps": self.step, "seconds": round(self.seconds), **figures,
                   "settings": self.settings(), "torch": torch.__version__,
                   "hardware": hardware(self.device)})  # fmt: skip
        self.load_parameters(current)
        if self.config.pictures:
            self.picture(self.config)
        if losses:  # none: it was resumed at its end
            self.curve.add(self.step, self.seconds, {"loss": float(np.mean(losses)), **figures})
        self.write_state()

    @torch.no_grad()
    def load_parameters(self, values: dict[str, Tensor]) -> None:
        for name, parameter in self.model.named_parameters():
            parameter.copy_(values[name])

    def write_state(self) -> None:
        tensors: dict[str, np.ndarray] = {}
        for name, parameter in self.model.named_parameters():
            tensors["model." + name] = parameter.detach().cpu().numpy()
            tensors["average." + name] = self.average[name].cpu().numpy()
            for key in ("exp_avg", "exp_avg_sq"):
                tensors[f"{key}.{name}"] = self.optimizer.state[parameter][key].cpu().numpy()
        manifest = {"kind": "training", "step": self.step, "seconds": self.seconds,
                    "settings": self.settings()}  # fmt: skip
        write_checkpoint(self.state_path, manifest, tensors)

    def settings(self) -> dict[str, Any]:
        """Options of the namelist that decide what comes out, as JSON has them."""
        options = asdict(self.config) | dict(self.architecture)
        kept = {name: value for name, value in options.items() if name not in FREE_TO_CHANGE}
        return json.loads(json.dumps(kept))

    def refuse_other(self, settings: dict[str, Any]) -> None:
        """A training goes on with the options that it began with, or not at all."""
        for name, value in self.settings().items():
            if settings.get(name) != value:
                raise ConfigError(
                    f"{self.state_path} is a training with {name} = {settings.get(name)!r}, the "
                    f"namelist says {value!r}: set it back, or remove the file to begin anew"
                )

    @torch.no_grad()
    def resume(self) -> None:
        """Go on where an interrupted training stopped."""
        state = read_checkpoint(self.state_path, "training")
        self.refuse_other(state.manifest["settings"])
        self.step, self.seconds = state.manifest["step"], state.manifest["seconds"]
        for name, parameter in self.model.named_parameters():
            parameter.copy_(torch.from_numpy(state.tensors["model." + name]))
            self.average[name].copy_(torch.from_numpy(state.tensors["average." + name]))
            self.optimizer.state[parameter] = {
                "step": torch.tensor(float(self.step)),
                **{key: torch.from_numpy(state.tensors[f"{key}.{name}"]).to(parameter)
                   for key in ("exp_avg", "exp_avg_sq")},
            }  # fmt: skip
        log.info("resumed from %s at step %d", self.state_path, self.step)
