-- deal {"groupBy":[{"field":"created_at","granularity":"minute","timezone":"UTC"}],"aggregations":[{"function":"count","alias":"n"}]}
SELECT * FROM (SELECT substr(t."created_at", 1, 16) AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" NULLS FIRST LIMIT 101
  []
SELECT COUNT(*) FROM (SELECT substr(t."created_at", 1, 16) AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t
  []

-- deal {"groupBy":[{"field":"created_at","granularity":"week","timezone":"+02:00"}],"aggregations":[{"function":"count","alias":"n"}]}
SELECT * FROM (SELECT to_char(CAST(substr(to_char(CAST(substr(t."created_at", 1, 23) AS timestamp) + (7200) * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS'), 1, 10) AS date), 'IYYY-"W"IW') AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" NULLS FIRST LIMIT 101
  []
SELECT COUNT(*) FROM (SELECT to_char(CAST(substr(to_char(CAST(substr(t."created_at", 1, 23) AS timestamp) + (7200) * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS'), 1, 10) AS date), 'IYYY-"W"IW') AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t
  []

