-- {"home.city":"a"}
CASE jsonb_typeof(t."home" #> ARRAY[($1::text COLLATE "C")]) WHEN 'string' THEN (t."home" #>> ARRAY[($2::text COLLATE "C")]) COLLATE "C" END = ($3::text COLLATE "C") [Text("city"), Text("city"), Text("a")]
-- {"place.latitude":{"$gt":1}}
CASE jsonb_typeof(t."place" #> ARRAY[($1::text COLLATE "C")]) WHEN 'number' THEN (t."place" #>> ARRAY[($2::text COLLATE "C")])::numeric END > $3::bigint [Text("latitude"), Text("latitude"), Integer(1)]
-- {"data.a.b":true}
CASE jsonb_typeof(t."data" #> ARRAY[($1::text COLLATE "C"), ($2::text COLLATE "C")]) WHEN 'boolean' THEN (t."data" #>> ARRAY[($3::text COLLATE "C"), ($4::text COLLATE "C")])::boolean END = $5::boolean [Text("a"), Text("b"), Text("a"), Text("b"), Boolean(true)]
-- {"data.a":null}
NULLIF(t."data" #> ARRAY[($1::text COLLATE "C")], 'null'::jsonb) IS NULL [Text("a")]
