"""Where tasks run; one file = one scheduler, found by its name through ``core.registry``."""
