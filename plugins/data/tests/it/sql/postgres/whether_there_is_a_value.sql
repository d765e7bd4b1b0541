-- {"name":{"$exists":true}}
t."name" IS NOT NULL []
-- {"amount":{"$exists":false}}
t."amount" IS NULL []
-- {"tags":{"$exists":true}}
t."tags" IS NOT NULL []
-- {"team.name":{"$exists":false}}
j1."name" IS NULL []
