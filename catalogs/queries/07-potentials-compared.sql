-- Where potentials differ most
-- Lowest and highest κ of a material over the potentials, and which ones; stable by all of them or not.
SELECT any_value(formula) AS formula, material_id, protocols.name AS protocol, count(*) AS potentials,
  min(kappa_300) AS lowest_kappa_300, arg_min(models.name, kappa_300) AS lowest_by,
  max(kappa_300) AS highest_kappa_300, arg_max(models.name, kappa_300) AS highest_by,
  max(kappa_300) / min(kappa_300) AS factor, bool_and(stable) AS stable_by_all
FROM conductivity
LEFT JOIN stability USING (material_id, model_digest, protocol_digest)
LEFT JOIN materials USING (material_id)
LEFT JOIN models USING (model_digest)
LEFT JOIN protocols USING (protocol_digest)
WHERE kappa_300 > 0
GROUP BY material_id, protocols.name
HAVING count(*) > 1
ORDER BY factor DESC, material_id
