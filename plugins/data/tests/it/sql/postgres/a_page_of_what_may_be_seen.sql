-- deal {"fields":["name"],"where":{"team.name":"x"}}
SELECT t."name", t."id" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL AND j1."id" IN (SELECT t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND t."name" IS DISTINCT FROM ($1::text COLLATE "C")) WHERE (t."owner_id" = ($2::text COLLATE "C") AND j1."name" = ($3::text COLLATE "C")) ORDER BY t."id" LIMIT 101
  [Text("secret"), Text("ann"), Text("x")]
SELECT COUNT(*) FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL AND j1."id" IN (SELECT t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND t."name" IS DISTINCT FROM ($1::text COLLATE "C")) WHERE (t."owner_id" = ($2::text COLLATE "C") AND j1."name" = ($3::text COLLATE "C"))
  [Text("secret"), Text("ann"), Text("x")]

