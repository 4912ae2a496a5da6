SELECT any_value(formula) AS formula, any_value(kappa_300_median) AS kappa_300_median,
  any_value(kappa_300_spread) AS kappa_300_spread, any_value(models_disagree) AS models_disagree,
  any_value(kappa_300_sevennet_0) AS kappa_300_sevennet_0,
  any_value(kappa_300_mace_embedded) AS kappa_300_mace_embedded,
  any_value(kappa_300_chgnet_0_3_0) AS kappa_300_chgnet,
  any_value(kappa_reference_300) AS kappa_reference_300
FROM results GROUP BY material_id ORDER BY kappa_300_median
