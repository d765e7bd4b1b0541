//! Functions of the store's own that take more than one step: logarithms and powers, and numbers as decimal text.
//!
//! They go the way of the evaluator's `number::power` and `number::decimal` step by step, with doubles throughout, so that they
//! answer the same to the last bit. Nothing is computed on the way that would not be finite, or so small that PostgreSQL refuses
//! it. `own` makes them; formulas call them (`dialect::construct::powers`, `letters`).

/// Name and arguments, result, and body in PL/pgSQL.
pub(super) const PROCEDURES: [(&str, &str, &str); 10] = [
    ("objectos_places(double precision)", "double precision", PLACES),
    ("objectos_neat(double precision)", "double precision", NEAT),
    ("objectos_logarithm(double precision)", "double precision[]", LOGARITHM),
    (
        "objectos_exponential(double precision, double precision)",
        "double precision",
        EXPONENTIAL,
    ),
    (
        "objectos_exp(double precision)",
        "double precision",
        "BEGIN RETURN objectos_neat(objectos_exponential($1, 0)); END",
    ),
    (
        "objectos_ln(double precision)",
        "double precision",
        "BEGIN RETURN CASE WHEN $1 > 0 THEN objectos_neat((objectos_logarithm($1))[1]) END; END",
    ),
    (
        "objectos_log(double precision, double precision)",
        "double precision",
        "BEGIN RETURN CASE WHEN $1 > 0 AND $2 > 0 AND $2 <> 1 \
         THEN objectos_neat((objectos_logarithm($1))[1] / (objectos_logarithm($2))[1]) END; END",
    ),
    (
        "objectos_power(double precision, double precision)",
        "double precision",
        POWER,
    ),
    ("objectos_number_text(double precision)", "text", NUMBER_TEXT),
    ("objectos_fixed(double precision, integer)", "text", FIXED),
];

/// The power of ten that makes 15 digits of a size: 1 to 10^18.
const PLACES: &str = "
DECLARE
    power double precision := 1;
BEGIN
    WHILE power < 1000000000000000000 AND $1 < 100000000000000 / power LOOP
        power := power * 10;
    END LOOP;
    RETURN power;
END";

/// Rounded to 15 digits; as it is below 0.0001 and from 10^15 on.
const NEAT: &str = "
DECLARE
    size double precision := abs($1);
    power double precision;
BEGIN
    IF $1 IS NULL OR size < 0.0001 OR size >= 1e15 THEN RETURN $1; END IF;
    power := objectos_places(size);
    RETURN sign($1) * (trunc(size * power + 0.5) / power);
END";

/// The natural logarithm of a number above 0 as the sum of two doubles.
const LOGARITHM: &str = "
DECLARE
    m double precision := $1;
    k double precision := 0;
    f double precision;
    g double precision;
    s double precision;
    z double precision;
    sh double precision;
    gh double precision;
    q double precision;
    series double precision := 1;
    a double precision;
    h double precision;
    t double precision;
    r double precision;
BEGIN
    WHILE m >= 1.5 OR m < 0.75 LOOP
        IF m >= 4294967296 THEN m := m / 4294967296; k := k + 32;
        ELSIF m >= 65536 THEN m := m / 65536; k := k + 16;
        ELSIF m >= 16 THEN m := m / 16; k := k + 4;
        ELSIF m >= 1.5 THEN m := m / 2; k := k + 1;
        ELSIF m * 4294967296 < 1 THEN m := m * 4294967296; k := k - 32;
        ELSIF m * 65536 < 1 THEN m := m * 65536; k := k - 16;
        ELSIF m * 16 < 1 THEN m := m * 16; k := k - 4;
        ELSE m := m * 2; k := k - 1;
        END IF;
    END LOOP;
    f := m - 1;
    g := m + 1;
    s := f / g;
    z := s * s;
    sh := 134217729 * s;
    sh := sh - (sh - s);
    gh := 134217729 * g;
    gh := gh - (gh - g);
    q := (((f - s * g) - (((sh * gh - s * g) + sh * (g - gh) + (s - sh) * gh) + (s - sh) * (g - gh))) - s * (m - (g - 1))) / g;
    series := series / 25;
    FOR n IN REVERSE 23..3 BY 2 LOOP
        series := CAST(1 AS double precision) / n + z * series;
    END LOOP;
    a := k * (CAST(3048493539143 AS double precision) / 4398046511104);
    h := 2 * s;
    t := a + h;
    r := ((a - (t - (t - a))) + (h - (t - a)))
        + (k * (CAST(544487923021427 AS double precision) / 2199023255552 / 4503599627370496) + 2 * (q + s * z * series));
    RETURN ARRAY[t + r, r - ((t + r) - t)];
END";

/// e to the power of the sum of two doubles.
const EXPONENTIAL: &str = "
DECLARE
    k integer;
    r double precision;
    v double precision := 1;
BEGIN
    IF $1 IS NULL OR $1 > 709.78 THEN RETURN NULL; END IF;
    IF $1 < -708 THEN RETURN 0; END IF;
    -- Less than that adds nothing to 1, and its quotients would be refused.
    IF abs($1) < 1e-40 THEN RETURN 1; END IF;
    k := CAST(trunc($1 * 1.44268 + 1100.5) AS integer) - 1100;
    r := (($1 - k * (CAST(3048493539143 AS double precision) / 4398046511104))
        - k * (CAST(544487923021427 AS double precision) / 2199023255552 / 4503599627370496)) + $2;
    IF abs(r) >= 1e-40 THEN
        FOR n IN REVERSE 14..1 LOOP
            v := 1 + r / n * v;
        END LOOP;
    END IF;
    WHILE k > 0 LOOP
        v := v * (CAST(1 AS bigint) << LEAST(k, 62));
        k := k - LEAST(k, 62);
    END LOOP;
    WHILE k < 0 LOOP
        v := v / (CAST(1 AS bigint) << LEAST(-k, 62));
        k := k + LEAST(-k, 62);
    END LOOP;
    RETURN v;
END";

const POWER: &str = "
DECLARE
    size double precision := abs($1);
    signed double precision := 1;
    pair double precision[];
    h double precision;
    yh double precision;
    hh double precision;
    v double precision := 1;
BEGIN
    IF $1 IS NULL OR $2 IS NULL THEN RETURN NULL; END IF;
    IF $2 = 0 THEN RETURN 1; END IF;
    IF $1 = 0 THEN RETURN CASE WHEN $2 > 0 THEN 0 END; END IF;
    IF $1 < 0 AND abs($2) < 9007199254740992 THEN
        IF $2 <> trunc($2) THEN RETURN NULL; END IF;
        IF CAST($2 AS bigint) % 2 <> 0 THEN signed := -1; END IF;
    END IF;
    pair := objectos_logarithm(size);
    h := pair[1];
    IF h = 0 THEN RETURN signed; END IF;
    IF abs($2) > 1e20 THEN RETURN CASE WHEN ($2 < 0) = (h > 0) THEN 0 END; END IF;
    -- Less than that leaves 1, and its products would be refused.
    IF abs($2) < 1e-30 THEN RETURN signed; END IF;
    IF $2 > 0 AND h > 0 AND $2 * h < 36.8 AND $2 = trunc($2) AND size = trunc(size) THEN
        FOR n IN 1..CAST($2 AS integer) LOOP
            v := v * size;
        END LOOP;
        RETURN signed * v;
    END IF;
    yh := 134217729 * $2;
    yh := yh - (yh - $2);
    hh := 134217729 * h;
    hh := hh - (hh - h);
    RETURN signed * objectos_neat(objectos_exponential($2 * h,
        (((yh * hh - $2 * h) + yh * (h - hh) + ($2 - yh) * hh) + ($2 - yh) * (h - hh)) + $2 * pair[2]));
END";

/// As `TEXT()` writes it.
const NUMBER_TEXT: &str = "
DECLARE
    size double precision := abs($1);
    minus text := CASE WHEN $1 < 0 THEN '-' ELSE '' END;
    places integer := 0;
    power double precision;
    digits text;
BEGIN
    IF $1 IS NULL THEN RETURN NULL; END IF;
    IF $1 >= -9223372036854775808 AND $1 < 9223372036854775808 THEN
        IF trunc($1) = $1 THEN RETURN CAST(CAST($1 AS bigint) AS text); END IF;
        power := objectos_places(size);
        digits := CAST(CAST(trunc(size * power + 0.5) AS bigint) AS text);
        IF digits = '0' THEN RETURN digits; END IF;
        places := length(CAST(CAST(power AS bigint) AS text)) - 1;
        digits := lpad(digits, GREATEST(length(digits), places + 1), '0');
        RETURN minus || rtrim(rtrim(left(digits, length(digits) - places) || '.' || right(digits, places), '0'), '.');
    END IF;
    WHILE size >= 1e15 LOOP
        IF size >= CAST(1e22 AS double precision) * 1e15 THEN size := size / 1e22; places := places + 22;
        ELSIF size >= 1e26 THEN size := size / 1e11; places := places + 11;
        ELSIF size >= 1e20 THEN size := size / 1e5; places := places + 5;
        ELSE size := size / 10; places := places + 1;
        END IF;
    END LOOP;
    RETURN minus || CAST(CAST(trunc(size + 0.5) AS bigint) AS text) || repeat('0', places);
END";

/// With so many digits behind the point, 0 to 15.
const FIXED: &str = "
DECLARE
    power double precision := CAST('1' || repeat('0', $2) AS double precision);
    shifted double precision := 4503599627370496;
    digits text;
BEGIN
    IF $1 IS NULL THEN RETURN NULL; END IF;
    IF abs($1) < shifted THEN shifted := abs($1) * power; END IF;
    IF shifted < 4503599627370496 THEN
        digits := CAST(CAST(trunc(shifted + CASE WHEN shifted < 35184372088832
            THEN objectos_multiply(shifted, 2.220446049250313e-16) ELSE 0 END + 0.5) AS bigint) AS text);
        digits := lpad(digits, GREATEST(length(digits), $2 + 1), '0');
        RETURN CASE WHEN $1 < 0 AND rtrim(digits, '0') <> '' THEN '-' ELSE '' END
            || left(digits, length(digits) - $2) || CASE WHEN $2 > 0 THEN '.' ELSE '' END || right(digits, $2);
    END IF;
    digits := objectos_number_text($1);
    IF $2 = 0 THEN RETURN digits; END IF;
    IF strpos(digits, '.') = 0 THEN digits := digits || '.'; END IF;
    RETURN substr(digits || repeat('0', $2), 1, strpos(digits, '.') + $2);
END";
