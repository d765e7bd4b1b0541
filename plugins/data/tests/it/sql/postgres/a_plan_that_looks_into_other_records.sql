-- deal {"fields":["name"]}
SELECT t."name", t."id" FROM "deal" t WHERE t."team" IN (SELECT t."team" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE j1."name" = ($1::text COLLATE "C")) ORDER BY t."id" LIMIT 101
  [Text("x")]
SELECT COUNT(*) FROM "deal" t WHERE t."team" IN (SELECT t."team" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE j1."name" = ($1::text COLLATE "C"))
  [Text("x")]

