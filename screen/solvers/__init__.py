"""Thermal transport solvers; one file = one solver, found by its name through ``core.registry``."""
