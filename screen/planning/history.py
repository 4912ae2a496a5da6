"""What stages have cost: the ledger of a run beside the sizes of its materials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from screen.core.errors import MaterialError, SettingsError
from screen.core.identities import told_apart
from screen.core.records import Candidate, Rejected
from screen.core.registry import find
from screen.core.settings import Campaign, read_campaign
from screen.pipeline.funnel import ESTIMATE
from screen.pipeline.spending import runs_on_gpu
from screen.pipeline.stages import Stage, pipeline_for
from screen.planning.features import Features, features_of
from screen.planning.sizes import Size, size_of
from screen.store.database import Snapshot, open_snapshot
from screen.store.layout import campaign_file

_COSTS = """
SELECT material_id, replace(stage, '_parts', '') AS stage, models.name AS potential,
  sum(cpu_s) AS cpu_s, sum(wall_s) AS wall_s, max(peak_mb) AS peak_mb,
  sum(evaluations)::BIGINT AS evaluations, any_value(host || ':' || pid) AS process,
  min(started_at) AS started_at
FROM costs JOIN models USING (model_digest)
WHERE protocol_digest = ?
GROUP BY ALL
ORDER BY started_at
"""


@dataclass(frozen=True)
class Measured:
    """One stage of one material that has been computed."""

    material: str
    stage: str
    potential: str  # name
    at_model: bool  # a stage that may ask the potential
    features: Features
    size: Size
    seconds: float  # of a processor core, or of a GPU where the potential ran on one
    on_gpu: bool
    peak_mb: float  # of its process so far
    evaluations: int
    process: str
    first: bool  # of its kind in its process: it also loads and compiles


def measured_stages(run: Path) -> list[Measured]:
    """Stages that a run has computed under the protocol of its campaign file.

    Raises
    ------
    SettingsError
        The run has no campaign file.
    ThermoscreenError
        Its source or its results cannot be read.
    """
    file = campaign_file(run)
    if not file.is_file():
        raise SettingsError(f"{file} is missing: a ledger is the run folder of `thermoscreen run`")
    campaign = read_campaign(file)
    with open_snapshot(run) as snapshot:
        return measured_of(snapshot, campaign, sizes_of_source(campaign))


def measured_of(
    snapshot: Snapshot, campaign: Campaign, sizes: Mapping[str, Size]
) -> list[Measured]:
    """Put sizes beside the rows of the ledger, in the order in which they started."""
    rows = snapshot.query(_COSTS, [campaign.protocol.digest]).to_pylist()
    on_gpu = runs_on_gpu(campaign)
    asking = {stage.name for stage in stages_of(campaign) if stage.resource == "model"}
    seen: set[tuple[str, str]] = set()
    found = []
    for row in rows:
        size = sizes.get(row["material_id"])
        if size is None:
            continue
        kind = (row["process"], row["stage"])
        found.append(
            Measured(
                material=row["material_id"],
                stage=row["stage"],
                potential=row["potential"],
                at_model=row["stage"] in asking,
                features=features_of(row["stage"], size, campaign.protocol),
                size=size,
                seconds=row["wall_s"] if on_gpu and row["evaluations"] else row["cpu_s"],
                on_gpu=on_gpu and bool(row["evaluations"]),
                peak_mb=row["peak_mb"],
                evaluations=row["evaluations"],
                process=row["process"],
                first=kind not in seen,
            )
        )
        seen.add(kind)
    return found


def sizes_of_source(campaign: Campaign) -> dict[str, Size]:
    """Sizes of all candidates that have one, by id."""
    source = find("sources", campaign.source.name)
    entries = told_apart(source.candidates(campaign.source.options))
    sizes: dict[str, Size] = {}
    for entry in entries:
        size = size_or_failure(entry, campaign)
        if isinstance(size, Size):
            sizes[entry.id] = size
    return sizes


def stages_of(campaign: Campaign) -> tuple[Stage, ...]:
    """Stages of a material that goes all the way."""
    estimate = (ESTIMATE,) if campaign.funnel else ()
    return pipeline_for([*campaign.properties, *estimate])


def size_or_failure(entry: Candidate | Rejected, campaign: Campaign) -> Size | str:
    """Size of a candidate, or the kind of failure that it will end with at once."""
    if isinstance(entry, Rejected):
        return entry.kind
    try:
        return size_of(entry, campaign.protocol)
    except MaterialError as error:
        return error.kind
