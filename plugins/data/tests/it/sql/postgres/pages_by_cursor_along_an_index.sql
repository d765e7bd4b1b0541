-- step {"fields":["stage"],"orderBy":"-due","cursor":"WyItZHVlLC1pZCIsWyIyMDI2LTAxLTAxIiwieCJdXQ"}
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ($1::text COLLATE "C") AND (t."due", t."id") < (($2::text COLLATE "C"), ($3::text COLLATE "C"))) ORDER BY t."due" DESC NULLS LAST, t."id" DESC LIMIT 101
  [Text("won"), Text("2026-01-01"), Text("x")]
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ($1::text COLLATE "C") AND t."due" IS NULL) ORDER BY t."id" DESC LIMIT 101
  [Text("won")]
SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL AND t."stage" = ($1::text COLLATE "C")
  [Text("won")]

-- step {"fields":["stage"],"orderBy":"-due","cursor":"WyItZHVlLC1pZCIsW251bGwsIngiXV0"}
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."due" IS NULL AND t."id" < ($1::text COLLATE "C")) ORDER BY t."id" DESC LIMIT 101
  [Text("x")]
SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
  []

-- step {"fields":["stage"],"orderBy":"-due","cursor":{"before":"WyItZHVlLC1pZCIsWyIyMDI2LTAxLTAxIiwieCJdXQ"}}
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."due", t."id") > (($1::text COLLATE "C"), ($2::text COLLATE "C")) ORDER BY t."due" NULLS FIRST, t."id" LIMIT 101
  [Text("2026-01-01"), Text("x")]
SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
  []

-- step {"fields":["stage"],"orderBy":[{"field":"due","nulls":"last"}],"cursor":"WyJkdWUhLGlkIixbIjIwMjYtMDEtMDEiLCJ4Il1d"}
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."due", t."id") > (($1::text COLLATE "C"), ($2::text COLLATE "C")) ORDER BY t."due" NULLS FIRST, t."id" LIMIT 101
  [Text("2026-01-01"), Text("x")]
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND t."due" IS NULL ORDER BY t."id" LIMIT 101
  []
SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
  []

-- step {"fields":["stage"],"orderBy":"stage,-due","cursor":"WyJzdGFnZSwtZHVlLC1pZCIsWyJ3b24iLCIyMDI2LTAxLTAxIiwieCJdXQ"}
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ($1::text COLLATE "C") AND (t."due", t."id") < (($2::text COLLATE "C"), ($3::text COLLATE "C"))) ORDER BY t."due" DESC NULLS LAST, t."id" DESC LIMIT 101
  [Text("won"), Text("2026-01-01"), Text("x")]
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ($1::text COLLATE "C") AND t."due" IS NULL) ORDER BY t."id" DESC LIMIT 101
  [Text("won")]
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND t."stage" > ($1::text COLLATE "C") ORDER BY t."stage" NULLS FIRST, t."due" DESC NULLS LAST, t."id" DESC LIMIT 101
  [Text("won")]
SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
  []

