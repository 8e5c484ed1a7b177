"""A network compiled by torch for the one shape that it is used with."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from ..errors import ConfigError


def compile_network(network: nn.Module, use: Callable[[], object]) -> None:
    """Compile `network` in place, and at once, by `use`, so that no later call has to wait.

    ConfigError if torch cannot, such as without a C++ compiler.
    """
    network.compile(dynamic=False)
    try:
        use()
    except RuntimeError as error:  # all that torch.compile raises
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"compile = .true.: torch cannot compile the network ({reason}): install a C++ "
            "compiler (g++, or name one in CXX), or set compile = .false. in &generator_nml"
        ) from error
