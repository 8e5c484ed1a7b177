"""Namelists as users write them, well and badly."""

from __future__ import annotations

VALID = """\
! a comment with 'quotes' and a / in it
&coupler_nml
  engine = 'loopback'   ! and one behind a value
  threads = 2,
/
&generator_nml checkpoint = "it's.safetensors", n_steps = +7 /
&host_nml
  wind(1, 2) = 3*0.5, file%name = 'a/b', title = 'it''s', on = .true.
/
&ensemble_nml
  members = 3
  date = '1990-03-04'
  overwrite = T
/
&training_nml
  kind = 'autoencoder', data = 'years', output = 'out.safetensors'
  train_years = 1984, 1985 1986
  validation_years = 1991
  minutes = 3, learning_rate = 1.5d-3
/
&denoiser_nml dropout = .2 /
"""


def with_line(group: str, line: str) -> str:
    """A namelist of one group with one line in it."""
    return f"&{group}\n  {line}\n/\n"
