-- team {"fields":["name"],"where":{"deal":{"$some":{"amount":{"$gt":5}}}}}
SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND t."id" IN (SELECT t."team" FROM "deal" t WHERE t."amount" > $1::bigint) ORDER BY t."id" LIMIT 101
  [Integer(5)]
SELECT COUNT(*) FROM "team" t WHERE t."deleted_at" IS NULL AND t."id" IN (SELECT t."team" FROM "deal" t WHERE t."amount" > $1::bigint)
  [Integer(5)]

-- team {"fields":["name"],"where":{"deal":{"$every":{"team.name":"x"}}}}
SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND (t."id" IN (SELECT t."team" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (j1."name" = ($1::text COLLATE "C")) IS NOT TRUE)) IS NOT TRUE ORDER BY t."id" LIMIT 101
  [Text("x")]
SELECT COUNT(*) FROM "team" t WHERE t."deleted_at" IS NULL AND (t."id" IN (SELECT t."team" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (j1."name" = ($1::text COLLATE "C")) IS NOT TRUE)) IS NOT TRUE
  [Text("x")]

