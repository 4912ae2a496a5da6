-- Heat spreaders that expand like silicon
-- Linear expansion within 1.5·10⁻⁶/K of silicon's 2.6·10⁻⁶/K at 300 K, best conductor first.
SELECT rank, formula, material_id, kappa, expansion,
  expansion - 2.6e-6 AS expansion_mismatch, band_gap, protocol
FROM heat_spreaders
WHERE abs(expansion - 2.6e-6) <= 1.5e-6
ORDER BY protocol, rank
