-- Insulators at 550 K
-- The ranking at any temperature within the stored grids, between whose points ln κ is linear in ln T.
SELECT rank, formula, material_id, temperature, kappa, kappa_p, kappa_c,
  coherence_share, protocol
FROM insulators_at(550)
WHERE rank <= 20
ORDER BY protocol, rank
