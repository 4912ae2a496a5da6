-- Where potentials differ most
-- Lowest and highest κ of a material over the potentials, and which ones; stable by all of them or not.
SELECT any_value(formula) AS formula, material_id, protocol, count(*) AS potentials,
  min(kappa_300) AS lowest_kappa_300, arg_min(model, kappa_300) AS lowest_by,
  max(kappa_300) AS highest_kappa_300, arg_max(model, kappa_300) AS highest_by,
  max(kappa_300) / min(kappa_300) AS factor, bool_and(stable) AS stable_by_all
FROM results
WHERE kappa_300 > 0
GROUP BY material_id, protocol
HAVING count(*) > 1
ORDER BY factor DESC, material_id
