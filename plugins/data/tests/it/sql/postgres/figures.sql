-- deal {"aggregations":[{"function":"count","alias":"n"},{"function":"sum","field":"amount","alias":"evil\" name","filter":{"name":"a"}},{"function":"count_distinct","field":"name","alias":"names"}],"groupBy":["team",{"field":"closed","granularity":"quarter"}],"having":{"n":{"$gt":1}},"orderBy":"-n"}
SELECT * FROM (SELECT t."team" AS "g0", substr(t."closed", 1, 4) || '-Q' || ((CAST(substr(t."closed", 6, 2) AS INTEGER) + 2) / 3) AS "g1", COUNT(*) AS "a0", SUM(t."amount") FILTER (WHERE t."name" = ($1::text COLLATE "C")) AS "a1", COUNT(DISTINCT t."name") AS "a2" FROM "deal" t GROUP BY 1, 2) t WHERE t."a0" > $2::bigint ORDER BY t."a0" DESC NULLS LAST, t."g0" NULLS FIRST, t."g1" NULLS FIRST LIMIT 101
  [Text("a"), Integer(1)]
SELECT COUNT(*) FROM (SELECT t."team" AS "g0", substr(t."closed", 1, 4) || '-Q' || ((CAST(substr(t."closed", 6, 2) AS INTEGER) + 2) / 3) AS "g1", COUNT(*) AS "a0", SUM(t."amount") FILTER (WHERE t."name" = ($1::text COLLATE "C")) AS "a1", COUNT(DISTINCT t."name") AS "a2" FROM "deal" t GROUP BY 1, 2) t WHERE t."a0" > $2::bigint
  [Text("a"), Integer(1)]

