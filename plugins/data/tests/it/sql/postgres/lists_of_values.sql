-- deal {"groupBy":["team"],"aggregations":[{"function":"array_agg","field":"name","alias":"list","distinct":false}]}
SELECT * FROM (SELECT t."team" AS "g0", jsonb_agg(t."name" ORDER BY t."name" NULLS FIRST) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" NULLS FIRST LIMIT 101
  []
SELECT COUNT(*) FROM (SELECT t."team" AS "g0", jsonb_agg(t."name" ORDER BY t."name" NULLS FIRST) AS "a0" FROM "deal" t GROUP BY 1) t
  []

-- deal {"groupBy":["team"],"aggregations":[{"function":"array_agg","field":"amount","alias":"list","distinct":true}]}
SELECT * FROM (SELECT t."team" AS "g0", jsonb_agg(DISTINCT t."amount" ORDER BY t."amount" NULLS FIRST) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" NULLS FIRST LIMIT 101
  []
SELECT COUNT(*) FROM (SELECT t."team" AS "g0", jsonb_agg(DISTINCT t."amount" ORDER BY t."amount" NULLS FIRST) AS "a0" FROM "deal" t GROUP BY 1) t
  []

-- deal {"groupBy":["team"],"aggregations":[{"function":"string_agg","field":"name","alias":"list","distinct":false}]}
SELECT * FROM (SELECT t."team" AS "g0", string_agg(t."name"::text COLLATE "C", ',' ORDER BY t."name"::text COLLATE "C" NULLS FIRST) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" NULLS FIRST LIMIT 101
  []
SELECT COUNT(*) FROM (SELECT t."team" AS "g0", string_agg(t."name"::text COLLATE "C", ',' ORDER BY t."name"::text COLLATE "C" NULLS FIRST) AS "a0" FROM "deal" t GROUP BY 1) t
  []

-- deal {"groupBy":["team"],"aggregations":[{"function":"string_agg","field":"name","alias":"list","distinct":true}]}
SELECT * FROM (SELECT t."team" AS "g0", string_agg(DISTINCT t."name"::text COLLATE "C", ',' ORDER BY t."name"::text COLLATE "C" NULLS FIRST) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" NULLS FIRST LIMIT 101
  []
SELECT COUNT(*) FROM (SELECT t."team" AS "g0", string_agg(DISTINCT t."name"::text COLLATE "C", ',' ORDER BY t."name"::text COLLATE "C" NULLS FIRST) AS "a0" FROM "deal" t GROUP BY 1) t
  []

-- measured: {"groupBy":["team"],"aggregations":[{"function":"array_agg","field":"name","alias":"list","distinct":false}]}
SELECT CAST(COALESCE(SUM(m."v0"), 0) AS BIGINT), CAST(COALESCE(SUM(m."b0"), 0) AS BIGINT) FROM (SELECT t."team" AS "g0", COUNT(*) AS "v0", COALESCE(SUM(octet_length(CAST(t."name" AS text))), 0) AS "b0" FROM "deal" t GROUP BY 1) m
  []

-- measured: {"groupBy":["team"],"aggregations":[{"function":"string_agg","field":"name","alias":"list","distinct":true}]}
SELECT CAST(COALESCE(SUM(m."v0"), 0) AS BIGINT), CAST(COALESCE(SUM(m."b0"), 0) AS BIGINT) FROM (SELECT t."team" AS "g0", COUNT(DISTINCT t."name") AS "v0", COUNT(DISTINCT t."name") * COALESCE(MAX(octet_length(CAST(t."name" AS text))), 0) AS "b0" FROM "deal" t GROUP BY 1) m
  []

