-- step {"fields":["stage"],"orderBy":"-due","cursor":"WyItZHVlLGlkIixbIjIwMjYtMDEtMDEiLCJ4Il1d"}
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ($1::text COLLATE "C") AND (t."due" <= ($2::text COLLATE "C") AND (t."due" < ($3::text COLLATE "C") OR (t."due" = ($4::text COLLATE "C") AND t."id" > ($5::text COLLATE "C"))))) ORDER BY t."due" DESC NULLS LAST, t."id" LIMIT 101
  [Text("won"), Text("2026-01-01"), Text("2026-01-01"), Text("2026-01-01"), Text("x")]
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ($1::text COLLATE "C") AND t."due" IS NULL) ORDER BY t."id" LIMIT 101
  [Text("won")]
SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL AND t."stage" = ($1::text COLLATE "C")
  [Text("won")]

-- step {"fields":["stage"],"orderBy":"-due","cursor":"WyItZHVlLGlkIixbbnVsbCwieCJdXQ"}
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."due" IS NULL AND t."id" > ($1::text COLLATE "C")) ORDER BY t."id" LIMIT 101
  [Text("x")]
SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
  []

-- step {"fields":["stage"],"orderBy":"-due","cursor":{"before":"WyItZHVlLGlkIixbIjIwMjYtMDEtMDEiLCJ4Il1d"}}
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."due" >= ($1::text COLLATE "C") AND (t."due" > ($2::text COLLATE "C") OR (t."due" = ($3::text COLLATE "C") AND t."id" < ($4::text COLLATE "C")))) ORDER BY t."due" NULLS FIRST, t."id" DESC LIMIT 101
  [Text("2026-01-01"), Text("2026-01-01"), Text("2026-01-01"), Text("x")]
SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
  []

-- step {"fields":["stage"],"orderBy":[{"field":"due","nulls":"last"}],"cursor":"WyJkdWUhLGlkIixbIjIwMjYtMDEtMDEiLCJ4Il1d"}
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."due", t."id") > (($1::text COLLATE "C"), ($2::text COLLATE "C")) ORDER BY t."due" NULLS FIRST, t."id" LIMIT 101
  [Text("2026-01-01"), Text("x")]
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND t."due" IS NULL ORDER BY t."id" LIMIT 101
  []
SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
  []

-- step {"fields":["stage"],"orderBy":"stage,-due","cursor":"WyJzdGFnZSwtZHVlLGlkIixbIndvbiIsIjIwMjYtMDEtMDEiLCJ4Il1d"}
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ($1::text COLLATE "C") AND (t."due" <= ($2::text COLLATE "C") AND (t."due" < ($3::text COLLATE "C") OR (t."due" = ($4::text COLLATE "C") AND t."id" > ($5::text COLLATE "C"))))) ORDER BY t."due" DESC NULLS LAST, t."id" LIMIT 101
  [Text("won"), Text("2026-01-01"), Text("2026-01-01"), Text("2026-01-01"), Text("x")]
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ($1::text COLLATE "C") AND t."due" IS NULL) ORDER BY t."id" LIMIT 101
  [Text("won")]
SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND t."stage" > ($1::text COLLATE "C") ORDER BY t."stage" NULLS FIRST, t."due" DESC NULLS LAST, t."id" LIMIT 101
  [Text("won")]
SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
  []

