-- deal {"fields":["name"],"orderBy":[{"field":"amount","nulls":"last"},{"field":"created_at","order":"desc"}]}
SELECT t."name", t."amount", t."created_at", t."id" FROM "deal" t ORDER BY t."amount" NULLS LAST, t."created_at" DESC NULLS LAST, t."id" DESC LIMIT 101
  []
SELECT COUNT(*) FROM "deal" t
  []

-- deal {"fields":["name"],"orderBy":"-amount","cursor":"WyItYW1vdW50LC1pZCIsWzUsIngiXV0"}
SELECT t."name", t."amount", t."id" FROM "deal" t WHERE ((t."amount" < $1::bigint OR t."amount" IS NULL) OR (t."amount" = $2::bigint AND t."id" < ($3::text COLLATE "C"))) ORDER BY t."amount" DESC NULLS LAST, t."id" DESC LIMIT 101
  [Integer(5), Integer(5), Text("x")]
SELECT COUNT(*) FROM "deal" t
  []

-- deal {"fields":["name"],"orderBy":"-created_at","cursor":"WyItY3JlYXRlZF9hdCwtaWQiLFsiMjAyNi0wMS0wMVQwMDowMDowMC4wMDBaIiwieCJdXQ"}
SELECT t."name", t."created_at", t."id" FROM "deal" t WHERE (t."created_at" <= ($1::text COLLATE "C") AND (t."created_at" < ($2::text COLLATE "C") OR (t."created_at" = ($3::text COLLATE "C") AND t."id" < ($4::text COLLATE "C")))) ORDER BY t."created_at" DESC NULLS LAST, t."id" DESC LIMIT 101
  [Text("2026-01-01T00:00:00.000Z"), Text("2026-01-01T00:00:00.000Z"), Text("2026-01-01T00:00:00.000Z"), Text("x")]
SELECT COUNT(*) FROM "deal" t
  []

-- deal {"fields":["name"],"orderBy":"-created_at","cursor":{"before":"WyItY3JlYXRlZF9hdCwtaWQiLFsiMjAyNi0wMS0wMVQwMDowMDowMC4wMDBaIiwieCJdXQ"}}
SELECT t."name", t."created_at", t."id" FROM "deal" t WHERE (t."created_at" >= ($1::text COLLATE "C") AND (t."created_at" > ($2::text COLLATE "C") OR (t."created_at" = ($3::text COLLATE "C") AND t."id" > ($4::text COLLATE "C")))) ORDER BY t."created_at" NULLS FIRST, t."id" LIMIT 101
  [Text("2026-01-01T00:00:00.000Z"), Text("2026-01-01T00:00:00.000Z"), Text("2026-01-01T00:00:00.000Z"), Text("x")]
SELECT COUNT(*) FROM "deal" t
  []

