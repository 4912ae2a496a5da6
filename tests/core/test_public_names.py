"""``import screen`` offers few names and costs nothing."""

import subprocess
import sys

import screen


def test_every_public_name_can_be_loaded() -> None:
    assert sorted(screen.__all__) == screen.__all__
    assert set(screen.__all__) == set(screen._HOMES)
    assert len(screen.__all__) <= 15
    assert all(getattr(screen, name) is not None for name in screen.__all__)


def test_importing_screen_loads_no_heavy_package() -> None:
    heavy = ["torch", "dask", "duckdb", "phono3py", "pymatgen", "ase", "numpy"]
    code = f"import sys, screen; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
