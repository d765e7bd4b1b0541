-- deal {"fields":["name"],"expand":{"team":{"fields":["name"]}}}
SELECT t."name", t."team", t."id" FROM "deal" t ORDER BY t."id" LIMIT 101
  []
SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND t."id" IN (SELECT e.value FROM jsonb_array_elements_text($1::jsonb) e(value)) ORDER BY t."id" LIMIT 2
  [Json("[\"[\\\"x\\\"]\"]")]

-- deal {"fields":["name"],"expand":{"teams":{"fields":["name"],"orderBy":"name"}}}
SELECT t."name", t."teams", t."id" FROM "deal" t ORDER BY t."id" LIMIT 101
  []
SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND t."id" IN (SELECT e.value FROM jsonb_array_elements_text($1::jsonb) e(value)) ORDER BY t."name" NULLS FIRST, t."id" LIMIT 2
  [Json("[\"x\"]")]

