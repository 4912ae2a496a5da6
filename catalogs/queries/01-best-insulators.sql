-- Best insulators
-- Stable materials of the lowest κ at 300 K, each protocol apart; ± is half the range over potentials.
SELECT rank, formula, material_id, kappa, kappa_spread, coherence_share, expansion,
  band_gap, models_compared, models_disagree, fc3_fit_poor, protocol
FROM insulators
WHERE rank <= 20
ORDER BY protocol, rank
