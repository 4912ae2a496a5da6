-- κ by structure type
-- Stable materials: how many, and the quartiles of κ at 300 K.
SELECT coalesce(prototype, 'unknown') AS prototype, models.name AS model, count(*) AS materials,
  quantile_cont(kappa_300, 0.25) AS lower_quartile, median(kappa_300) AS kappa_300,
  quantile_cont(kappa_300, 0.75) AS upper_quartile
FROM conductivity
JOIN stability USING (material_id, model_digest, protocol_digest)
LEFT JOIN materials USING (material_id)
LEFT JOIN models USING (model_digest)
WHERE stable AND kappa_300 IS NOT NULL
GROUP BY ALL
ORDER BY kappa_300, prototype, model
