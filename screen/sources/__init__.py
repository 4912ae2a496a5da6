"""Catalogs of candidate crystals; one file = one source, found by its name through ``core.registry``."""
