-- Where heat tunnels
-- Stable materials by the share of coherences in κ at 300 K, which the Boltzmann equation leaves out.
SELECT formula, material_id, model, kappa, kappa_p, kappa_c, coherence_share
FROM kappa_at(300)
WHERE stable
ORDER BY coherence_share DESC, material_id, model
LIMIT 50
