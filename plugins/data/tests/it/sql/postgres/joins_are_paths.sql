-- deal {"object":"deal","fields":["deal.name","t.name"],"where":{"t.name":"x"},"joins":[{"type":"inner","object":"team","alias":"t","on":{"team":{"$field":"t.id"}}}]}
SELECT t."name", j1."name", t."id" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (j1."name" = ($1::text COLLATE "C") AND j1."id" IS NOT NULL) ORDER BY t."id" LIMIT 101
  [Text("x")]
SELECT COUNT(*) FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (j1."name" = ($1::text COLLATE "C") AND j1."id" IS NOT NULL)
  [Text("x")]

