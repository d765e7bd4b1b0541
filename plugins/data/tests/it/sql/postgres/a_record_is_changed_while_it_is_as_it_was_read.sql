-- a value
UPDATE "step" SET "amount" = $1::bigint, "updated_at" = ($2::text COLLATE "C"), "updated_by" = ($3::text COLLATE "C") WHERE "id" = ($4::text COLLATE "C") AND "updated_at" IS NOT DISTINCT FROM ($5::text COLLATE "C")
  [Integer(3), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("x"), Text("2026-01-01T00:00:00.000Z")]
SELECT 1 FROM "step" t WHERE lower(t."code") = lower(($1::text COLLATE "C")) AND t."id" <> ($2::text COLLATE "C") AND ((t."amount" > $3::bigint)) = $4::boolean LIMIT 1
  [Text("a"), Text("x"), Integer(1), Boolean(true)]

-- its parent
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM "step" t WHERE t."id" = ($1::text COLLATE "C"))
  [Text("y")]
UPDATE "step" SET "above" = ($1::text COLLATE "C"), "updated_at" = ($2::text COLLATE "C"), "updated_by" = ($3::text COLLATE "C") WHERE "id" = ($4::text COLLATE "C") AND "updated_at" IS NOT DISTINCT FROM ($5::text COLLATE "C")
  [Text("y"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("x"), Text("2026-01-01T00:00:00.000Z")]
WITH RECURSIVE up (id) AS (SELECT p."above" FROM "step" p WHERE p."id" = ($1::text COLLATE "C") UNION SELECT p."above" FROM "step" p JOIN up ON p."id" = up.id) SELECT 1 FROM up WHERE up.id = ($2::text COLLATE "C") LIMIT 1
  [Text("x"), Text("x")]

