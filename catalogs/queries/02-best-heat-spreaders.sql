-- Best heat spreaders that insulate
-- Stable materials of the highest κ at 300 K with a band gap of at least 1 eV, or an unknown one.
SELECT rank, formula, material_id, kappa, kappa_spread, expansion, band_gap,
  models_compared, models_disagree, fc3_fit_poor, protocol
FROM heat_spreaders
WHERE band_gap >= 1 OR band_gap IS NULL
ORDER BY protocol, rank
LIMIT 20
