"""Zero-shot conductivities of SevenNet-0 against those of k_SRME, same protocol.

Figures: /models/SevenNet/metrics.txt of k_SRME (Póta et al., arXiv 2408.00755), 300 K, no NAC.
Tolerance 2 %: their forces are float32 and their phono3py is of version 3.
"""

from pathlib import Path

import pytest

from screen.core.settings import campaign_from
from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import table

PUBLISHED = {"LiBr-rs": 1.4921, "MgO-rs": 35.1197, "GaAs-zb": 26.8946}  # W/m/K


@pytest.mark.slow
def test_conductivities_of_three_compounds_equal_the_published_ones(tmp_path: Path) -> None:
    pytest.importorskip("sevenn")
    campaign = campaign_from(
        {
            "name": "published",
            "run": tmp_path / "run",
            "source": {"name": "benchmark", "names": list(PUBLISHED)},
            "model": "sevennet",
            "protocol": "ksrme-2024",
            "properties": ["conductivity"],
            "cluster": {"name": "local"},
        }
    )
    state = run_campaign(campaign)
    assert state.statuses == {"complete": 3}
    ours = table(tmp_path / "run", "SELECT material_id, kappa_300 FROM results")
    for row in ours:
        print(row)  # pytest -s shows the figures
        assert row["kappa_300"] == pytest.approx(PUBLISHED[row["material_id"]], rel=0.02)
