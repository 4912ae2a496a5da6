-- Where the hours go
-- Time of every stage by potential: in all, for one computation, and of the dearest material.
SELECT stage, model, count(*) AS computations, sum(wall_s) / 3600 AS hours,
  median(wall_s) AS wall_s, max(peak_mb) AS peak_mb, arg_max(material_id, wall_s) AS dearest
FROM costs
GROUP BY stage, model
ORDER BY hours DESC, stage, model
