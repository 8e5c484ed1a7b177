"""Files of sea-ice models and of satellites, read into our names and units.

One small module a format says what its files call things (`convention.py`); `series.py` puts files
together. Knows neither networks nor MPI.
"""

from .series import Series, open_series

__all__ = ["Series", "open_series"]
