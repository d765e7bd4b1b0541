-- team {"fields":["name"],"expand":{"deal":{"fields":["name"]}}}
SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL ORDER BY t."id" LIMIT 101
  []
SELECT t."c0", t."c1", t."c2" FROM (SELECT t."name" AS "c0", t."id" AS "c1", t."team" AS "c2", ROW_NUMBER() OVER (PARTITION BY t."team" ORDER BY t."id") AS "place" FROM "deal" t WHERE t."team" IN (SELECT e.value FROM jsonb_array_elements_text($1::jsonb) e(value))) t WHERE t."place" <= $2::bigint ORDER BY t."c2", t."place" LIMIT 20001
  [Json("[\"[\\\"x\\\"]\"]"), Integer(100)]

-- team {"fields":["name"],"expand":{"deal":{"fields":["name"],"where":{"amount":{"$gt":1}},"orderBy":"-amount","limit":3,"offset":2}}}
SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL ORDER BY t."id" LIMIT 101
  []
SELECT t."c0", t."c1", t."c2", t."c3" FROM (SELECT t."name" AS "c0", t."amount" AS "c1", t."id" AS "c2", t."team" AS "c3", ROW_NUMBER() OVER (PARTITION BY t."team" ORDER BY t."amount" DESC NULLS LAST, t."id" DESC) AS "place" FROM "deal" t WHERE (t."amount" > $1::bigint AND t."team" IN (SELECT e.value FROM jsonb_array_elements_text($2::jsonb) e(value)))) t WHERE t."place" <= $3::bigint AND t."place" > $4::bigint ORDER BY t."c3", t."place" LIMIT 20001
  [Integer(1), Json("[\"[\\\"x\\\"]\"]"), Integer(5), Integer(2)]

-- deal {"fields":["name"],"expand":{"step":{"fields":["name"],"limit":1}}}
SELECT t."name", t."id" FROM "deal" t WHERE t."name" = ($1::text COLLATE "C") ORDER BY t."id" LIMIT 101
  [SharedText("seen")]
SELECT t."c0", t."c1", t."c2" FROM (SELECT t."name" AS "c0", t."id" AS "c1", t."deal" AS "c2", ROW_NUMBER() OVER (PARTITION BY t."deal" ORDER BY t."id") AS "place" FROM "step" t WHERE (t."name" = ($1::text COLLATE "C") AND t."deal" IN (SELECT e.value FROM jsonb_array_elements_text($2::jsonb) e(value)))) t WHERE t."place" <= $3::bigint ORDER BY t."c2", t."place" LIMIT 20001
  [Text("seen"), Json("[\"[\\\"x\\\"]\"]"), Integer(1)]

