-- deal {"fields":["name"],"distinct":true,"orderBy":"name"}
SELECT DISTINCT t."name" FROM "deal" t ORDER BY 1 NULLS FIRST LIMIT 101
  []
SELECT COUNT(*) FROM (SELECT DISTINCT t."name" FROM "deal" t) t
  []

