-- What fails, and why
-- Failed stages by kind, with a message to start from.
SELECT stage, kind, count(*) AS outcomes, count(DISTINCT material_id) AS materials,
  min(material_id) AS example, arg_min(message, material_id) AS message
FROM failures
GROUP BY stage, kind
ORDER BY outcomes DESC, stage, kind
