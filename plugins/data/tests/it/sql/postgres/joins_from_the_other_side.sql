-- deal {"object":"deal","fields":["deal.name","t.name"],"joins":[{"type":"full","object":"team","alias":"t","on":{"team":{"$field":"t.id"}}}]}
SELECT t."name", j1."name", t."id", j1."id" FROM (SELECT t.* FROM "deal" t) t FULL JOIN (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL) j1 ON j1."id" = t."team" ORDER BY t."id" NULLS FIRST, j1."id" NULLS FIRST LIMIT 101
  []
SELECT COUNT(*) FROM (SELECT t.* FROM "deal" t) t FULL JOIN (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL) j1 ON j1."id" = t."team"
  []

-- deal {"object":"deal","fields":["deal.name","t.name"],"joins":[{"type":"right","object":"team","alias":"t","on":{"team":{"$field":"t.id"}}}]}
SELECT t."name", j1."name", t."id", j1."id" FROM (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL AND t."name" = ($1::text COLLATE "C")) j1 LEFT JOIN (SELECT t.* FROM "deal" t WHERE t."amount" = $2::bigint) t ON j1."id" = t."team" ORDER BY t."id" NULLS FIRST, j1."id" NULLS FIRST LIMIT 101
  [Text("x"), Integer(1)]
SELECT COUNT(*) FROM (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL AND t."name" = ($1::text COLLATE "C")) j1 LEFT JOIN (SELECT t.* FROM "deal" t WHERE t."amount" = $2::bigint) t ON j1."id" = t."team"
  [Text("x"), Integer(1)]

-- note {"object":"note","fields":["note.title","t.name"],"search":"red","joins":[{"type":"full","object":"team","alias":"t","on":{"team":{"$field":"t.id"}}}]}
SELECT t."title", j1."name", t."id", j1."id" FROM (SELECT t.* FROM "note" t) t FULL JOIN (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL) j1 ON j1."id" = t."team" WHERE t."id" = ANY(ARRAY(SELECT w."id" FROM "note" w WHERE objectos_vector(w."title", w."body") @@ objectos_query($1::jsonb, FALSE))) ORDER BY t."id" NULLS FIRST, j1."id" NULLS FIRST LIMIT 101
  [Json("[\"red\"]")]
SELECT COUNT(*) FROM (SELECT t.* FROM "note" t) t FULL JOIN (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL) j1 ON j1."id" = t."team" WHERE t."id" = ANY(ARRAY(SELECT w."id" FROM "note" w WHERE objectos_vector(w."title", w."body") @@ objectos_query($1::jsonb, FALSE)))
  [Json("[\"red\"]")]

