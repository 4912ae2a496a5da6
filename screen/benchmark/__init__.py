"""The benchmark: how accurate conductivities are against DFT, experiment and other codes."""
