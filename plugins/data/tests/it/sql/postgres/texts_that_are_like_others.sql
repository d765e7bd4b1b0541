-- {"name":{"$notContains":"a'b"}}
(0 < strpos(t."name", ($1::text COLLATE "C"))) IS NOT TRUE [Text("a'b")]
-- {"tags":{"$notContains":"x"}}
(t."tags" ?| ARRAY[($1::text COLLATE "C")]) IS NOT TRUE [Text("x")]
-- {"name":{"$ilike":"A%b_"}}
lower(t."name") LIKE ($1::text COLLATE "C") [Text("a%b_")]
-- {"team.name":{"$ilike":"%Ä*"}}
translate(lower(j1."name"), ($1::text COLLATE "C"), ($2::text COLLATE "C")) LIKE ($3::text COLLATE "C") [Text("Ä"), Text("ä"), Text("%ä*")]
