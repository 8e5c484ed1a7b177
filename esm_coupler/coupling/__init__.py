"""Blocks of a running host <-> states on the global grid. Knows MPI, knows no networks."""
