-- deal {"fields":["name"],"where":{"amount":1},"orderBy":"-amount","limit":20,"offset":40}
SELECT t."name", t."amount", t."id" FROM "deal" t WHERE t."amount" = $1::bigint ORDER BY t."amount" DESC NULLS LAST, t."id" DESC LIMIT 21 OFFSET $2::bigint
  [Integer(1), Integer(40)]
SELECT COUNT(*) FROM "deal" t WHERE t."amount" = $1::bigint
  [Integer(1)]

