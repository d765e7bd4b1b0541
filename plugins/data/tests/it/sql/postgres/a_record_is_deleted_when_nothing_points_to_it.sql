-- for good
DELETE FROM "step" WHERE "id" = ($1::text COLLATE "C") AND "updated_at" IS NOT DISTINCT FROM ($2::text COLLATE "C")
  [Text("x"), Text("2026-01-01T00:00:00.000Z")]
SELECT 1 FROM "step" WHERE "above" = ($1::text COLLATE "C") LIMIT 1
  [Text("x")]
SELECT 1 FROM "note" WHERE "step" = ($1::text COLLATE "C") LIMIT 1
  [Text("x")]
SELECT 1 FROM "note" WHERE EXISTS (SELECT 1 FROM jsonb_array_elements_text("steps") e(value) WHERE e.value = ($1::text COLLATE "C")) LIMIT 1
  [Text("x")]

-- into the bin
UPDATE "team" SET "updated_at" = ($1::text COLLATE "C"), "updated_by" = ($2::text COLLATE "C"), "deleted_at" = ($3::text COLLATE "C") WHERE "id" = ($4::text COLLATE "C") AND "updated_at" IS NOT DISTINCT FROM ($5::text COLLATE "C")
  [Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("2026-02-28T12:00:00.000Z"), Text("x"), Text("2026-01-01T00:00:00.000Z")]

