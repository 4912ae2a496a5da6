"""One thread per process in tests: two cores are shared by workers, browsers and servers."""

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

pytest_plugins = ["tests.command_line"]
