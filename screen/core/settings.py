"""Settings: frozen, validated, hashed; the named protocols; campaign files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from screen.core import registry
from screen.core.digest import digest_of_json
from screen.core.errors import SettingsError

Positive = Annotated[float, Field(gt=0)]
Temperature = Annotated[float, Field(gt=0, le=5000)]


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, identified by a digest."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @cached_property
    def digest(self) -> str:
        """Digest of all values, defaults included."""
        return digest_of_json(self.model_dump(mode="json"))


S = TypeVar("S", bound=Settings)


def validated(kind: type[S], values: Mapping[str, Any], where: str) -> S:
    """Make settings from plain values.

    Raises
    ------
    SettingsError
        A value is wrong or unknown; one line names ``where``, each key and its problem.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        found = error.errors()
        inner = [item["loc"] for item in found]
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}"
            f"{_given(item['input'])}"
            for item in found
            if not _follows(item["loc"], inner)
        )
        raise SettingsError(f"{where}: {problems}") from error


def _follows(place: tuple[int | str, ...], places: Sequence[tuple[int | str, ...]]) -> bool:
    """Say whether a problem is only that something inside of it is wrong."""
    return any(other != place and other[: len(place)] == place for other in places)


def _given(value: object) -> str:
    """Name the refused value where it is a plain one."""
    return f", not {value!r}" if isinstance(value, str | int | float | bool) else ""


def _rising(grid: tuple[float, ...]) -> tuple[float, ...]:
    """Refuse a grid that does not rise."""
    if list(grid) != sorted(set(grid)):
        raise ValueError(f"{grid} must rise, each once")
    return grid


class RelaxationSettings(Settings):
    """Two-stage relaxation: stage 1 with fixed symmetry, stage 2 without, unless left out."""

    fmax: Positive = 1e-4  # eV/Å, on forces and on the cell gradient
    max_steps: Annotated[int, Field(ge=1)] = 300  # per stage
    cell_mask: tuple[bool, bool, bool, bool, bool, bool] = (True,) * 6  # xx yy zz yz xz xy
    symprec: Positive = 1e-5  # Å, to compare space groups before and after
    standardize: bool = True  # start from the conventional standard cell of spglib
    free_stage: bool = True  # stage 2

    @model_serializer(mode="wrap")
    def _as_before_where_unset(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out ``free_stage`` where it runs: digests of results with both stay the same."""
        values: dict[str, Any] = handler(self)
        if self.free_stage:
            values.pop("free_stage", None)
        return values


class DisplacementSettings(Settings):
    """Displaced supercells for the force constants.

    ``supercells = "hints"`` takes the catalog's supercells and refuses crystals without;
    ``"minimum_image"`` takes the smallest diagonal supercells whose shortest lattice vector
    reaches the given length.

    ``fc3_scheme = "finite_differences"`` displaces pairs of atoms, reduced by symmetry;
    ``"random"`` all atoms at once, and fc3 is fitted. A fit whose error on held-out forces or
    whose condition number is above its limit gets two to four times as many supercells, once.
    Without ``fc3_cutoff`` no fc3 vanishes, as long as a fit has memory for all of them. The noise
    of ``float32``, 1e-6 eV/Å, is far below what a fit to random displacements notices.
    ``fc3_max_atoms`` bounds the cost of the forces, which grows with the atoms evaluated: a fit
    that asks for more has the largest cutoff that it can afford.
    """

    supercells: Literal["hints", "minimum_image"] = "minimum_image"
    fc2_minimum_image: Positive = 15.0  # Å
    fc3_minimum_image: Positive = 10.0  # Å
    distance: Positive = 0.03  # Å
    fc3_scheme: Literal["finite_differences", "random"] = "finite_differences"
    fc3_cutoff: Positive | None = None  # Å, fc3 of atoms farther apart vanish; None: see above
    oversampling: Positive = 4.0  # random: force components per unknown of the fc3 fit
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0  # random
    fc3_dtype: Literal["float32"] | None = None  # of the forces for fc3; None: the potential's
    max_fit_error: Positive = 0.05  # random: held-out error over rms of the anharmonic forces
    max_fit_condition: Positive = 100.0  # random: condition number of the design matrix
    max_supercells: Annotated[int, Field(ge=1)] | None = None  # refuse costlier crystals
    fc3_max_atoms: Annotated[int, Field(ge=1)] | None = None  # random: supercells × their atoms

    @model_serializer(mode="wrap")
    def _as_before_where_unset(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out ``fc3_max_atoms`` where unset: digests of results without it stay the same."""
        values: dict[str, Any] = handler(self)
        if self.fc3_max_atoms is None:
            values.pop("fc3_max_atoms", None)
        return values


class StabilitySettings(Settings):
    """When a crystal counts as dynamically unstable."""

    gamma_tolerance: Annotated[float, Field(ge=0)] = 0.01  # THz, acoustic modes at Γ
    tolerance: Annotated[float, Field(ge=0)] = 0.0  # THz, all other modes


class MeshSettings(Settings):
    """q-mesh: the catalog's (``hints``) or N_i = round(length · |b_i|) (``density``)."""

    rule: Literal["hints", "density"] = "density"
    length: Positive = 50.0  # Å


class ConductivitySettings(Settings):
    """Wigner transport equation in the relaxation-time approximation."""

    solver: str = "wigner"
    mesh: MeshSettings = MeshSettings()
    smearing: Positive | None = None  # THz, width σ of Gaussians for δ; None: tetrahedron method
    isotopes: bool = True  # isotope scattering
    isotope_abundances: dict[str, dict[int, Annotated[float, Field(ge=0)]]] = Field(
        default_factory=dict
    )  # element -> mass number -> fraction; other elements are natural
    boundary_mean_free_path: Positive | None = 1e6  # µm; None: no boundary

    @model_validator(mode="after")
    def _abundances_are_fractions(self) -> ConductivitySettings:
        for element, fractions in self.isotope_abundances.items():
            total = sum(fractions.values())
            if abs(total - 1) > 1e-6:
                raise ValueError(
                    f"isotope_abundances.{element} sums to {total:g}: give fractions that sum to 1"
                )
        return self


class ExpansionSettings(Settings):
    """Linear Grüneisen expansion tensor.

    ``gruneisen = "strained_cells"`` takes the response to strains that keep the symmetry, which
    alone decide α, from fc2 of strained cells, all others from fc3; ``"fc3"`` all from fc3.
    """

    mesh: MeshSettings = MeshSettings(length=40.0)
    strain: Annotated[float, Field(gt=0, le=0.03)] = 0.005  # of the strained cells
    gruneisen: Literal["strained_cells", "fc3"] = "strained_cells"
    temperatures: tuple[Annotated[float, Field(ge=0, le=5000)], ...] = Field(
        default=tuple(float(T) for T in range(0, 1001, 25)), min_length=1
    )  # K

    _rise = field_validator("temperatures")(_rising)


class QhaSettings(Settings):
    """Quasi-harmonic approximation; the mesh is that of the expansion, made odd."""

    volume_strains: tuple[Annotated[float, Field(gt=-0.2, le=0.3)], ...] = Field(
        default=(-0.02, -0.005, 0.01, 0.025, 0.04, 0.055), min_length=5
    )  # V/V₀ − 1
    shape_strains: tuple[Annotated[float, Field(ge=-0.1, le=0.1)], ...] = Field(
        default=(-0.01, 0.0, 0.01, 0.02), min_length=4
    )  # ln(c/a) against the relaxed shape at that volume, uniaxial crystals; four fit a cubic

    temperatures: tuple[Annotated[float, Field(ge=0, le=5000)], ...] = Field(
        default=tuple(float(T) for T in range(0, 1021, 20)), min_length=4
    )  # K, the last one is used up by the derivative

    _rise = field_validator("volume_strains", "shape_strains", "temperatures")(_rising)

    @field_validator("temperatures")
    @classmethod
    def _starts_at_zero_in_equal_steps(cls, grid: tuple[float, ...]) -> tuple[float, ...]:
        step = grid[1] - grid[0]
        if grid[0] != 0 or any(abs(b - a - step) > 1e-6 * step for a, b in pairwise(grid)):
            raise ValueError(f"{grid} must start at 0 and go on in equal steps: α is a difference")
        return grid

    @field_validator("shape_strains")
    @classmethod
    def _holds_the_relaxed_shape(cls, strains: tuple[float, ...]) -> tuple[float, ...]:
        if 0.0 not in strains:
            raise ValueError("shape_strains must hold 0, the relaxed shape")
        return strains


class Protocol(Settings):
    """Everything that decides a number, apart from the crystal and the potential."""

    name: str
    description: str = ""
    temperatures: tuple[Temperature, ...] = Field(min_length=1)
    relaxation: RelaxationSettings = RelaxationSettings()
    displacements: DisplacementSettings = DisplacementSettings()
    stability: StabilitySettings = StabilitySettings()
    conductivity: ConductivitySettings = ConductivitySettings()
    expansion: ExpansionSettings = ExpansionSettings()
    qha: QhaSettings = QhaSettings()

    _rise = field_validator("temperatures")(_rising)

    @cached_property
    def digest(self) -> str:
        """Digest of all values except name and description."""
        return digest_of_json(self.model_dump(mode="json", exclude={"name", "description"}))


_TO_800_K = tuple(float(T) for T in range(100, 801, 100))
_BENCHMARK_CELL = (True, True, True, False, False, False)  # angles are held
_BENCHMARK_MESH = MeshSettings(rule="hints")

PROTOCOLS: Mapping[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="ksrme-2024",
            description="Póta et al., arXiv 2408.00755: the 103 phononDB-PBE compounds, no NAC",
            temperatures=_TO_800_K,  # published: 300 K
            relaxation=RelaxationSettings(cell_mask=_BENCHMARK_CELL, standardize=False),
            displacements=DisplacementSettings(supercells="hints"),
            conductivity=ConductivitySettings(mesh=_BENCHMARK_MESH),
        ),
        Protocol(
            name="matbench-2026",
            description="matbench-discovery's default of 2026: symmetric relaxation alone, 0.01 Å",
            temperatures=_TO_800_K,  # published: 300 K
            relaxation=RelaxationSettings(
                cell_mask=_BENCHMARK_CELL, standardize=False, free_stage=False
            ),
            displacements=DisplacementSettings(supercells="hints", distance=0.01),
            conductivity=ConductivitySettings(mesh=_BENCHMARK_MESH),
        ),
        Protocol(
            name="screen",
            description="Any crystal: supercells by minimum image, mesh by q-density, 100–800 K",
            temperatures=tuple(float(T) for T in range(100, 801, 50)),
            displacements=DisplacementSettings(
                distance=0.02,  # higher orders leave half as much as at 0.03 Å
                fc3_scheme="random",
                fc3_dtype="float32",
                max_supercells=20_000,
            ),
        ),
        Protocol(
            name="quick",
            description="A first look in minutes: small supercells, fc3 from random displacements",
            temperatures=_TO_800_K,
            relaxation=RelaxationSettings(fmax=1e-3),
            displacements=DisplacementSettings(
                fc2_minimum_image=10.0,
                fc3_minimum_image=7.5,
                fc3_scheme="random",
                fc3_dtype="float32",
                oversampling=3.0,
            ),
            stability=StabilitySettings(tolerance=0.05),
            conductivity=ConductivitySettings(mesh=MeshSettings(length=25.0)),
            expansion=ExpansionSettings(mesh=MeshSettings(length=25.0)),
        ),
    )
}


def protocol_named(name: str) -> Protocol:
    """Return a named protocol.

    Raises
    ------
    SettingsError
        The name is unknown; the message lists the known ones.
    """
    if name not in PROTOCOLS:
        raise SettingsError(f"no protocol {name!r}; known: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


class ModelSettings(Settings):
    """Which potential to use."""

    family: str
    name: str | None = None  # None: the family's default
    weights: Path | None = None  # a local file instead of a known name
    head: str | None = None  # readout of a network that has several levels of theory
    dtype: Literal["float64", "float32"] = "float64"
    device: str = "auto"  # auto, cpu, cuda, cuda:1 ...
    kernels: Literal["plain", "cuequivariance"] = "plain"  # families mace and sevennet
    environment: str | None = None  # managed environment or interpreter; None: the family's
    calculator: str | None = None  # family ase: "package.module:Calculator"
    arguments: dict[str, Any] = Field(default_factory=dict)  # family ase: the calculator's

    @model_validator(mode="after")
    def _no_option_is_ignored(self) -> ModelSettings:
        own = "." in self.family  # somebody else's module may read all of them
        if self.kernels != "plain" and not own and self.family not in {"mace", "sevennet"}:
            raise ValueError(
                f"kernels = {self.kernels!r} is for mace and sevennet, not {self.family}"
            )
        if self.family == "ase" and self.device not in {"auto", "cpu"}:
            raise ValueError("give the device of an ASE calculator in its arguments")
        if (self.calculator or self.arguments) and not own and self.family != "ase":
            raise ValueError(f"calculator and arguments are for the family ase, not {self.family}")
        return self


class SourceSettings(Settings):
    """Where candidates come from; options other than ``name`` are the adapter's own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """Query for the source adapter."""
        return dict(self.model_extra or {})


class ClusterSettings(Settings):
    """Where tasks run; options other than ``name`` are the adapter's own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = "local"

    @property
    def options(self) -> dict[str, Any]:
        """Options for the cluster adapter."""
        return dict(self.model_extra or {})


class PurposeSettings(Settings):
    """Whom a purpose keeps by the estimated κ(300 K): those within the limit, of them the best."""

    limit: Positive | None = None  # W/m/K: insulators at most, heat spreaders at least
    best: Annotated[int, Field(ge=1)] | None = None  # number of materials
    fraction: Annotated[float, Field(gt=0, le=1)] | None = None  # of all that have an estimate

    @model_validator(mode="after")
    def _says_whom_to_keep(self) -> PurposeSettings:
        if self.best is not None and self.fraction is not None:
            raise ValueError("give best or fraction, not both")
        if self.limit is None and self.best is None and self.fraction is None:
            raise ValueError("give limit (W/m/K), best (a number) or fraction")
        return self

    @property
    def compares(self) -> bool:
        """Whether the verdict on one material depends on the others."""
        return self.best is not None or self.fraction is not None


class FunnelSettings(Settings):
    """Who gets third-order force constants: candidates that one of the purposes keeps."""

    insulators: PurposeSettings | None = None  # lowest κ
    heat_spreaders: PurposeSettings | None = None  # highest κ

    @model_validator(mode="after")
    def _has_a_purpose(self) -> FunnelSettings:
        if self.insulators is None and self.heat_spreaders is None:
            raise ValueError("give insulators, heat_spreaders or both")
        return self


class BudgetSettings(Settings):
    """What a run folder may cost in all; once it is spent, nothing new starts."""

    core_hours: Positive | None = None  # processor time of all stages
    gpu_hours: Positive | None = None  # wall time of stages with the potential on a GPU


class Campaign(Settings):
    """A campaign file: candidates × potentials under one protocol."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    source: SourceSettings
    models: Annotated[tuple[ModelSettings, ...], Field(min_length=1)]
    protocol: Protocol
    properties: Annotated[tuple[str, ...], Field(min_length=1)] = ("conductivity", "expansion")
    cluster: ClusterSettings = ClusterSettings()
    funnel: FunnelSettings | None = None  # None: every stable candidate goes all the way
    budget: BudgetSettings = BudgetSettings()
    run: Path | None = None  # run folder; None: runs/<name> beside the working directory
    artifacts: str | None = None  # folder or URL (s3://bucket/prefix) of records; None: in the run

    @property
    def run_folder(self) -> Path:
        """Folder that holds everything the campaign writes."""
        return self.run if self.run is not None else Path("runs") / self.name


def read_campaign(path: Path) -> Campaign:
    """Read a campaign file (TOML).

    ``protocol`` is a name, or a table with ``base = "<name>"`` and the values that differ.

    Raises
    ------
    SettingsError
        The file is missing, is not TOML, or a value is wrong; the message names the key.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read the campaign file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    return campaign_from(raw, where=str(path))


def campaign_from(raw: Mapping[str, Any], where: str = "campaign") -> Campaign:
    """Validate a campaign given as plain values; see ``read_campaign``."""
    values = dict(raw)
    values["protocol"] = _resolve_protocol(values.get("protocol", "screen"))
    values["models"] = _models(values, where)
    if isinstance(values.get("source"), str):
        values["source"] = {"name": values["source"]}
    return validated(Campaign, values, where)


def _models(values: dict[str, Any], where: str) -> list[Any]:
    """Read ``models``, or ``model`` for one; a name stands for a family or one of its cards."""
    if "model" in values and "models" in values:
        raise SettingsError(f"{where}: give model or models, not both")
    if "model" not in values and "models" not in values:
        raise SettingsError(f'{where}: models is missing, e.g. models = ["sevennet-0"]')
    one = [values.pop("model")] if "model" in values else values["models"]
    if not isinstance(one, list | tuple):
        raise SettingsError(f"{where}: models is a list of names or tables, not {one!r}")
    return [model_named(item) if isinstance(item, str) else item for item in one]


def model_named(name: str) -> ModelSettings:
    """Potential of that name, or the default of the family of that name.

    Raises
    ------
    SettingsError
        Neither is known; the message lists them.
    """
    families = registry.names("models")
    if name in families:
        return ModelSettings(family=name)
    cards = [card for family in families for card in registry.find("models", family).CARDS]
    for card in cards:
        if card.name == name:
            return ModelSettings(family=card.family, name=name)
    raise SettingsError(
        f"no potential {name!r}; families: {', '.join(families)}; potentials: "
        f"{', '.join(card.name for card in cards)}; for a local file give a table with family and "
        "weights"
    )


def _resolve_protocol(value: Any) -> Any:
    """Turn a protocol's name, or a table with ``base``, into full values."""
    if isinstance(value, str):
        return protocol_named(value).model_dump()
    if isinstance(value, Mapping) and "base" in value:
        changes = {key: item for key, item in value.items() if key != "base"}
        base = protocol_named(str(value["base"])).model_dump()
        changes.setdefault("name", f"{base['name']}-modified")
        return _merged(base, changes)
    return value


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested tables; ``changes`` wins."""
    merged = dict(base)
    for key, value in changes.items():
        inner = merged.get(key)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(inner, value) if both else value  # type: ignore[arg-type]
    return merged
