"""Properties of a crystal; one file = one property, found by its name through ``core.registry``."""
