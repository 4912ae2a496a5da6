-- How κ falls with temperature
-- Exponent n of κ ∝ T^n from 300 to 500 K: −1 for three-phonon scattering, above it where coherences carry heat.
SELECT warm.formula, material_id, warm.model,
  warm.kappa AS kappa_at_300_k, hot.kappa AS kappa_at_500_k,
  ln(hot.kappa / warm.kappa) / ln(hot.temperature / warm.temperature) AS exponent,
  warm.coherence_share
FROM kappa_at(300) AS warm
JOIN kappa_at(500) AS hot USING (material_id, model_digest, protocol_digest)
WHERE warm.kappa > 0 AND hot.kappa > 0
ORDER BY exponent DESC, material_id, model
