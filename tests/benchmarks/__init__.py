"""Measurements, run by hand or by `make bench`; never part of the timed tests."""
