"""Interatomic potentials; one file = one family, found by its name through ``core.registry``."""
