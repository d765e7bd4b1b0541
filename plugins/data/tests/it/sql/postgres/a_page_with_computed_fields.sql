-- deal {"fields":["double","late"],"orderBy":"double"}
SELECT t."amount", t."closed", (objectos_multiply(CAST(t."amount" AS double precision), CAST($1::bigint AS double precision))), t."id" FROM "deal" t ORDER BY (objectos_multiply(CAST(t."amount" AS double precision), CAST($2::bigint AS double precision))) NULLS FIRST, t."id" LIMIT 101
  [Integer(2), Integer(2)]
SELECT COUNT(*) FROM "deal" t
  []

-- team {"fields":["size"]}
SELECT (SELECT COUNT(*) FROM "deal" s WHERE s."team" = t."id"), t."id" FROM "team" t WHERE t."deleted_at" IS NULL ORDER BY t."id" LIMIT 101
  []
SELECT COUNT(*) FROM "team" t WHERE t."deleted_at" IS NULL
  []

