"""Real models: their thickness categories, their files, what they accept.

Knows neither networks nor MPI.
"""
