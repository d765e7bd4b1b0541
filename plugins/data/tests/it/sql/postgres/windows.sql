-- deal {"fields":["name"],"limit":5,"windowFunctions":[{"function":"row_number","alias":"place","over":{"partitionBy":["team"],"orderBy":[{"field":"amount","order":"desc"}]}},{"function":"sum","field":"amount","alias":"around","over":{"orderBy":["closed"],"frame":{"type":"rows","start":"1 PRECEDING","end":"CURRENT ROW"}}},{"function":"lag","field":"name","alias":"before","offset":2}]}
SELECT t."name", ROW_NUMBER() OVER (PARTITION BY t."team" ORDER BY t."amount" DESC NULLS LAST, t."id"), objectos_double(CAST(SUM(t."amount") OVER (ORDER BY t."closed" NULLS FIRST ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS numeric)), LAG(t."name", 2) OVER (ORDER BY t."id"), t."id" FROM "deal" t ORDER BY t."id" LIMIT 6
  []
SELECT COUNT(*) FROM "deal" t
  []

-- deal {"groupBy":["team"],"aggregations":[{"function":"count","alias":"n"}],"windowFunctions":[{"function":"rank","alias":"rank","over":{"orderBy":[{"field":"n","order":"desc"}]}}]}
SELECT t.*, RANK() OVER (ORDER BY t."a0" DESC NULLS LAST) FROM (SELECT t."team" AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" NULLS FIRST LIMIT 101
  []
SELECT COUNT(*) FROM (SELECT t."team" AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t
  []

