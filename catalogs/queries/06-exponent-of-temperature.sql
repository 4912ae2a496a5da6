-- How κ falls with temperature
-- Exponent n of κ ∝ T^n from 300 to 500 K: −1 for three-phonon scattering alone, above it where coherences carry heat or isotopes scatter.
SELECT formula, material_id, models.name AS model, warm AS kappa_at_300_k, hot AS kappa_at_500_k,
  ln(hot / warm) / ln(500 / 300) AS exponent, coherent / warm AS coherence_share
FROM (
  SELECT material_id, model_digest, by_powers(temperatures, kappa, 300) AS warm,
    by_powers(temperatures, kappa, 500) AS hot, by_powers(temperatures, kappa_c, 300) AS coherent
  FROM conductivity
)
LEFT JOIN materials USING (material_id)
LEFT JOIN models USING (model_digest)
WHERE warm > 0 AND hot > 0
ORDER BY exponent DESC, material_id, model
