-- deal {"fields":["name","team.name"],"where":{"team.size":{"$gt":1}},"orderBy":"team.name"}
SELECT t."name", j1."name", t."id" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (SELECT COUNT(*) FROM "deal" s WHERE s."team" = j1."id") > $1::bigint ORDER BY j1."name" NULLS FIRST, t."id" LIMIT 101
  [Integer(1)]
SELECT COUNT(*) FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (SELECT COUNT(*) FROM "deal" s WHERE s."team" = j1."id") > $1::bigint
  [Integer(1)]

