"""Labels, units and meanings of what the page lists."""

from __future__ import annotations

from screen.core.columns import Column

KAPPA = "W/m/K"
SCORES = (
    Column("compounds", "BIGINT", "compounds", "Compounds with a reference that were tried"),
    Column("with_kappa", "BIGINT", "with κ", "Those that have κ; the others score SRE = 2"),
    Column("with_srme", "BIGINT", "with SRME", "Those whose modes were compared, or that failed"),
    Column(
        "mean_srme",
        "DOUBLE",
        "mean SRME",
        "Error of κ mode by mode, 0 exact and 2 worst, which a failure scores; only where the "
        "modes of all compounds were compared",
    ),
    Column(
        "mean_sre",
        "DOUBLE",
        "mean SRE",
        "Mean of |SRD| over all compounds, 0 exact and 2 worst; never above SRME",
    ),
    Column("median_sre", "DOUBLE", "median SRE", "Its median"),
    Column(
        "mean_srd",
        "DOUBLE",
        "mean SRD",
        "Mean of 2 (κ − κ_ref)/(κ + κ_ref) over all compounds: below 0, κ is too small on average",
    ),
    Column(
        "within_factor",
        "DOUBLE",
        "within factor 2",
        "Share of all compounds with κ between half and twice the reference",
    ),
    Column(
        "log_error",
        "DOUBLE",
        "log₁₀ error",
        "Mean |log₁₀ κ/κ_ref| over compounds with κ: 0.30 is a factor of 2",
    ),
    Column(
        "spearman",
        "DOUBLE",
        "Spearman ρ",
        "Rank correlation of κ and reference over compounds with κ: does the ranking hold?",
    ),
)
PROTOTYPES = (Column("prototype", "VARCHAR", "prototype", "Structure type"), *SCORES)
POTENTIALS = (Column("model", "VARCHAR", "potential", "Potential of this run"), *SCORES)
COMPOUNDS = (
    Column("formula", "VARCHAR", "formula", "Reduced formula"),
    Column("prototype", "VARCHAR", "prototype", "Structure type"),
    Column("kappa_300", "DOUBLE", "κ (300 K)", "κ_P + κ_C of the potential", KAPPA),
    Column("kappa_reference_300", "DOUBLE", "κ_ref (300 K)", "Reference, with NAC if κ is", KAPPA),
    Column("ratio_300", "DOUBLE", "κ/κ_ref", "κ over its reference"),
    Column("srd_300", "DOUBLE", "SRD", "2 (κ − κ_ref)/(κ + κ_ref); −2 for failed and unstable"),
    Column("sre_300", "DOUBLE", "SRE", "|SRD|: 0 is exact, 2 is the worst"),
    Column("srme_300", "DOUBLE", "SRME", "Error of κ mode by mode: 0 is exact, 2 is the worst"),
    Column("stable", "BOOLEAN", "stable", "No imaginary phonon and the space group was kept"),
    Column("failure_kind", "VARCHAR", "failure", "Kind of the first failure"),
    Column("nac", "BOOLEAN", "NAC", "The non-analytical term correction is included"),
    Column("reference", "VARCHAR", "reference", "Where the reference comes from"),
    Column("material_id", "VARCHAR", "material", "Identifier of the crystal in its source"),
)
LEADERBOARD = (
    Column("potential", "VARCHAR", "potential", "Name; those of this run come with an SRE"),
    Column("srme", "DOUBLE", "published κ_SRME", "Over 103 compounds, mode by mode: 0 to 2"),
    Column(
        "same",
        "DOUBLE",
        "published, same compounds",
        "Over the compounds of this run: SRME if its modes were compared, else SRE",
    ),
    Column("mean_srme", "DOUBLE", "SRME of this run", "Mean over its compounds"),
    Column("source", "VARCHAR", "source of κ_SRME", "Where it was published"),
    Column(
        "sre",
        "DOUBLE",
        "SRE of this run",
        "Mean over the compounds of this run: total κ only, never larger than their SRME",
    ),
    Column("coverage", "VARCHAR", "compounds", "How many of the 103 this run has tried"),
    Column("training_set", "VARCHAR", "trained on", "Training set"),
    Column("functional", "VARCHAR", "level of theory", "Of the training set"),
    Column("citation", "VARCHAR", "citation", "Publication of the potential"),
)
