-- note {"fields":["title"],"search":{"query":"red \"wine\" 北京","operator":"and"}}
SELECT t."title", t."id" FROM "note" t WHERE (t.ctid = ANY(ARRAY(SELECT w.ctid FROM "note" w WHERE objectos_vector(w."title", w."body") @@ objectos_query($1::jsonb, TRUE))) AND (0 < strpos(lower(t."title"), ($2::text COLLATE "C")) OR 0 < strpos(lower(t."body"), ($3::text COLLATE "C")))) ORDER BY t."id" LIMIT 101
  [Json("[\"red\",\"wine\"]"), Text("北京"), Text("北京")]
SELECT COUNT(*) FROM "note" t WHERE (t.ctid = ANY(ARRAY(SELECT w.ctid FROM "note" w WHERE objectos_vector(w."title", w."body") @@ objectos_query($1::jsonb, TRUE))) AND (0 < strpos(lower(t."title"), ($2::text COLLATE "C")) OR 0 < strpos(lower(t."body"), ($3::text COLLATE "C"))))
  [Json("[\"red\",\"wine\"]"), Text("北京"), Text("北京")]

-- note {"fields":["title"],"search":{"query":"red","fields":["title"]}}
SELECT t."title", t."id" FROM "note" t WHERE (t.ctid = ANY(ARRAY(SELECT w.ctid FROM "note" w WHERE objectos_vector(w."title", w."body") @@ objectos_query($1::jsonb, FALSE))) AND (EXISTS (SELECT FROM unnest(objectos_words(t."title")) w(word) WHERE starts_with(w.word, (objectos_words(($2::text COLLATE "C")))[1])))) ORDER BY t."id" LIMIT 101
  [Json("[\"red\"]"), Text("red")]
SELECT COUNT(*) FROM "note" t WHERE (t.ctid = ANY(ARRAY(SELECT w.ctid FROM "note" w WHERE objectos_vector(w."title", w."body") @@ objectos_query($1::jsonb, FALSE))) AND (EXISTS (SELECT FROM unnest(objectos_words(t."title")) w(word) WHERE starts_with(w.word, (objectos_words(($2::text COLLATE "C")))[1]))))
  [Json("[\"red\"]"), Text("red")]

-- team {"fields":["name"],"search":"red"}
SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND 0 < strpos(' ' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(lower(t."name"), '-', ' '), '_', ' '), '.', ' '), ',', ' '), ';', ' '), ':', ' '), '/', ' '), '(', ' '), ')', ' '), '"', ' '), '''', ' '), '@', ' '), '&', ' '), '+', ' '), '
', ' '), '	', ' '), ($1::text COLLATE "C")) ORDER BY t."id" LIMIT 101
  [Text(" red")]
SELECT COUNT(*) FROM "team" t WHERE t."deleted_at" IS NULL AND 0 < strpos(' ' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(lower(t."name"), '-', ' '), '_', ' '), '.', ' '), ',', ' '), ';', ' '), ':', ' '), '/', ' '), '(', ' '), ')', ' '), '"', ' '), '''', ' '), '@', ' '), '&', ' '), '+', ' '), '
', ' '), '	', ' '), ($1::text COLLATE "C"))
  [Text(" red")]

