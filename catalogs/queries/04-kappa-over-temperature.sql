-- κ(T) of the best insulator
-- Populations and coherences at every stored temperature: lists of a row become rows.
SELECT formula, models.name AS model, unnest(temperatures) AS temperature,
  unnest(kappa) AS kappa, unnest(kappa_p) AS kappa_p, unnest(kappa_c) AS kappa_c
FROM conductivity
JOIN materials USING (material_id)
JOIN models USING (model_digest)
WHERE material_id = (SELECT material_id FROM insulators ORDER BY kappa LIMIT 1)
ORDER BY model, temperature
