"""What a run has spent of its budget, by the cost ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from screen.core.records import Execution, Failure
from screen.core.settings import BudgetSettings, Campaign, ModelSettings

HOUR = 3600.0  # s


class Spending:
    """Core-hours and GPU-hours so far, against what they may come to.

    A stage that asks a potential on a GPU takes GPU-hours, by wall time; every stage takes
    core-hours, by processor time.
    """

    def __init__(self, settings: BudgetSettings, on_gpu: bool) -> None:
        self._settings = settings
        self._on_gpu = on_gpu
        self.core_hours = 0.0
        self.gpu_hours = 0.0

    def add(self, executions: Iterable[Execution]) -> None:
        """Count finished computations."""
        for execution in executions:
            self.core_hours += execution.cpu_s / HOUR
            if self._on_gpu and execution.evaluations:
                self.gpu_hours += execution.wall_s / HOUR

    @property
    def exhausted(self) -> str | None:
        """Say which cap is reached; None while there is money left."""
        pairs = (
            ("core_hours", self.core_hours, self._settings.core_hours),
            ("gpu_hours", self.gpu_hours, self._settings.gpu_hours),
        )
        for name, spent, cap in pairs:
            if cap is not None and spent >= cap:
                return f"{spent:.4g} of {name} = {cap:g} are spent; raise [budget] and run again"
        return None

    def failure(self) -> Failure:
        """Why a material was not gone on with."""
        return Failure("budget", "over_budget", self.exhausted or "the budget is spent")


def runs_on_gpu(campaign: Campaign) -> bool:
    """Say whether a potential of a campaign runs on a GPU, by its device or by the cluster."""
    return any(_on_gpu(model, campaign) for model in campaign.models)


def _on_gpu(model: ModelSettings, campaign: Campaign) -> bool:
    if model.device != "auto":
        return model.device.startswith("cuda")
    options = campaign.cluster.options
    of_model = options.get("model", {})  # jobs or pods of the potentials, on slurm and kubernetes
    given = {**options, **(of_model if isinstance(of_model, Mapping) else {})}
    return campaign.cluster.name == "cuda" or any("gpu" in key and given[key] for key in given)
