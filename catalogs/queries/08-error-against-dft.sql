-- Error against DFT by potential
-- Symmetric relative error of κ at 300 K, 0 exact and 2 worst; what failed or is unstable scores 2 and misses the factor of 1.5.
SELECT model, protocol, count(*) AS materials, count(kappa_300) AS with_kappa,
  avg(sre_300) AS mean_sre_300, median(sre_300) AS median_sre_300,
  avg((srd_300 > -2 AND ratio_300 BETWEEN 1 / 1.5 AND 1.5)::INTEGER) AS share_within_factor_1_5
FROM benchmark
GROUP BY model, protocol
ORDER BY mean_sre_300
