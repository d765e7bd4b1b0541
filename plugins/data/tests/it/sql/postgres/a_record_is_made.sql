-- plain
INSERT INTO "note" ("id", "step", "steps", "created_at", "updated_at", "created_by", "updated_by", "owner_id") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  [Text("n"), Null, Null, Text("2026-02-28T12:00:00.000Z"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("local"), Text("local")]

-- what it points to is there
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM "step" t WHERE t."id" = ($1::text COLLATE "C"))
  [Text("x")]
SELECT 1 FROM jsonb_array_elements_text($1::jsonb) e(value) WHERE NOT EXISTS (SELECT 1 FROM "step" t WHERE t."id" = e.value)
  [Json("[\"x\",\"y\"]")]
INSERT INTO "note" ("id", "step", "steps", "created_at", "updated_at", "created_by", "updated_by", "owner_id") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  [Text("n"), Text("x"), Json("[\"x\",\"y\"]"), Text("2026-02-28T12:00:00.000Z"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("local"), Text("local")]

-- of what it points to nothing is in the bin
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM "team" t WHERE t."id" = ($1::text COLLATE "C") AND t."deleted_at" IS NULL)
  [Text("x")]
SELECT 1 FROM jsonb_array_elements_text($1::jsonb) e(value) WHERE NOT EXISTS (SELECT 1 FROM "team" t WHERE t."id" = e.value AND t."deleted_at" IS NULL)
  [Json("[\"x\"]")]
INSERT INTO "step" ("id", "code", "amount", "above", "team", "teams", "created_at", "updated_at", "created_by", "updated_by", "owner_id") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  [Text("s"), Null, Null, Null, Text("x"), Json("[\"x\"]"), Text("2026-02-28T12:00:00.000Z"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("local"), Text("local")]

-- no other has its values
INSERT INTO "step" ("id", "code", "amount", "above", "team", "teams", "created_at", "updated_at", "created_by", "updated_by", "owner_id") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  [Text("s"), Text("A"), Integer(2), Null, Null, Null, Text("2026-02-28T12:00:00.000Z"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("local"), Text("local")]
SELECT 1 FROM "step" t WHERE lower(t."code") = lower(($1::text COLLATE "C")) AND t."id" <> ($2::text COLLATE "C") AND ((t."amount" > $3::bigint)) = $4::boolean LIMIT 1
  [Text("A"), Text("s"), Integer(1), Boolean(true)]

-- it does not stand above itself
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM "step" t WHERE t."id" = ($1::text COLLATE "C"))
  [Text("x")]
INSERT INTO "step" ("id", "code", "amount", "above", "team", "teams", "created_at", "updated_at", "created_by", "updated_by", "owner_id") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  [Text("s"), Null, Null, Text("x"), Null, Null, Text("2026-02-28T12:00:00.000Z"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("local"), Text("local")]
WITH RECURSIVE up (id) AS (SELECT p."above" FROM "step" p WHERE p."id" = ($1::text COLLATE "C") UNION SELECT p."above" FROM "step" p JOIN up ON p."id" = up.id) SELECT 1 FROM up WHERE up.id = ($2::text COLLATE "C") LIMIT 1
  [Text("s"), Text("s")]

