-- {"login":"Ann"}
lower(t."login") = lower(($1::text COLLATE "C")) [Text("Ann")]
-- {"login":{"$ilike":"A日%"}}
lower(t."login") LIKE ($1::text COLLATE "C") [Text("a日%")]
-- {"login":"Ärger"}
lower(t."login") IN (lower(($1::text COLLATE "C")), lower(($2::text COLLATE "C"))) [Text("ärger"), Text("Ärger")]
-- {"login":{"$in":["Ann","ÄÖÜÄÖÜ_Ä"]}}
(lower(t."login") = lower(($1::text COLLATE "C")) OR translate(lower(t."login"), ($2::text COLLATE "C"), ($3::text COLLATE "C")) LIKE ($4::text COLLATE "C")) [Text("Ann"), Text("ÄÖÜ"), Text("äöü"), Text("äöüäöü\\_ä")]
-- {"login":{"$in":["ÄÖÜÄÖÜÄ","ßÄÖÜÄÖÜ"]}}
EXISTS (SELECT 1 FROM jsonb_array_elements_text($1::jsonb) e(value) WHERE translate(lower(t."login"), ($2::text COLLATE "C"), ($3::text COLLATE "C")) LIKE e.value) [Json("[\"äöüäöüä\",\"ßäöüäöü\"]"), Text("ÄÖÜẞ"), Text("äöüß")]
-- {"login":{"$icontains":"GRÖ%"}}
translate(lower(t."login"), ($1::text COLLATE "C"), ($2::text COLLATE "C")) LIKE ($3::text COLLATE "C") [Text("Ö"), Text("ö"), Text("%grö\\%%")]
-- {"login":{"$startsWith":"ς_"}}
translate(lower(t."login"), ($1::text COLLATE "C"), ($2::text COLLATE "C")) LIKE ($3::text COLLATE "C") [Text("Σς"), Text("σσ"), Text("σ\\_%")]
-- {"login":{"$notContains":"ä"}}
(translate(lower(t."login"), ($1::text COLLATE "C"), ($2::text COLLATE "C")) LIKE ($3::text COLLATE "C")) IS NOT TRUE [Text("Ä"), Text("ä"), Text("%ä%")]
