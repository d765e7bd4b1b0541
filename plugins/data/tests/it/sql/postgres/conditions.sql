-- {"name":"a"}
t."name" = ($1::text COLLATE "C") [Text("a")]
-- {"name":null}
t."name" IS NULL []
-- {"name":{"$ne":"a"}}
t."name" IS DISTINCT FROM ($1::text COLLATE "C") [Text("a")]
-- {"amount":{"$gte":1,"$lt":"2.5"}}
(t."amount" >= $1::bigint AND t."amount" < $2::numeric) [Integer(1), Real(2.5)]
-- {"amount":{"$in":[1,null]}}
(t."amount" IS NULL OR t."amount" IN ($1::bigint)) [Integer(1)]
-- {"amount":{"$nin":[1,2]}}
(t."amount" IS NULL OR t."amount" NOT IN ($1::bigint, $2::bigint)) [Integer(1), Integer(2)]
-- {"amount":{"$between":[1,2]}}
t."amount" BETWEEN $1::bigint AND $2::bigint [Integer(1), Integer(2)]
-- {"name":{"$contains":"a'b"}}
0 < strpos(t."name", ($1::text COLLATE "C")) [Text("a'b")]
-- {"name":{"$icontains":"AB"}}
0 < strpos(lower(t."name"), ($1::text COLLATE "C")) [Text("ab")]
-- {"name":{"$startsWith":"ab"}}
(t."name" >= ($1::text COLLATE "C") AND t."name" < ($2::text COLLATE "C")) [Text("ab"), Text("ac")]
-- {"name":{"$endsWith":"ab"}}
right(t."name", 2) = ($1::text COLLATE "C") [Text("ab")]
-- {"name":{"$like":"a%*"}}
t."name" LIKE ($1::text COLLATE "C") [Text("a%*")]
-- {"name":{"$empty":true}}
(t."name" IS NULL OR t."name" = '') []
-- {"tags":{"$contains":"x"}}
(t."tags" ?| ARRAY[($1::text COLLATE "C")]) [Text("x")]
-- {"$not":{"name":"a"}}
(t."name" = ($1::text COLLATE "C")) IS NOT TRUE [Text("a")]
-- {"$or":[{"name":"a"},{"amount":1}],"closed":"2026-01-01"}
((t."name" = ($1::text COLLATE "C") OR t."amount" = $2::bigint) AND t."closed" = ($3::text COLLATE "C")) [Text("a"), Integer(1), Text("2026-01-01")]
-- {"name":{"$gt":{"$field":"id"}}}
t."name" > t."id" []
-- {"team.name":"x"}
j1."name" = ($1::text COLLATE "C") [Text("x")]
-- {"double":{"$gt":4}}
(objectos_multiply(CAST(t."amount" AS double precision), CAST($1::bigint AS double precision))) > $2::bigint [Integer(2), Integer(4)]
-- {"late":true}
((t."closed" < ($1::text COLLATE "C"))) = $2::boolean [Text("2026-02-28"), Boolean(true)]
-- {}
1 = 1 []
