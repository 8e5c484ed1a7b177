"""`python -m esm_coupler.cli` is `esm-coupler`, for where the console script is not on PATH."""

from .main import main

main()
