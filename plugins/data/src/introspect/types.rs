//! From the types that databases declare to the types of fields.

/// What a field is declared as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldShape {
    /// `type`.
    pub(super) kind: &'static str,
    /// Further keys with their values.
    pub(super) keys: Vec<(&'static str, u32)>,
}

fn shape(kind: &'static str, keys: &[(&'static str, u32)]) -> Option<FieldShape> {
    Some(FieldShape {
        kind,
        keys: keys.to_vec(),
    })
}

/// The field for a declared type; none for one that has no field (bytes, geometry, …).
pub(super) fn field_of(declared: &str) -> Option<FieldShape> {
    let declared = declared.trim().to_ascii_lowercase();
    if let Some(element) = declared.strip_suffix("[]") {
        return field_of(element)
            .filter(|element| element.kind == "text")
            .and_then(|_| shape("tags", &[]));
    }
    let (name, sizes) = split(&declared);
    let first = sizes.first().copied();
    match name.rsplit('.').next().unwrap_or_default() {
        "text" | "clob" | "citext" | "uuid" | "name" | "tinytext" | "mediumtext" | "longtext" | "inet" | "cidr"
        | "xml" => shape("text", &[]),
        "varchar" | "character varying" | "char" | "character" | "bpchar" | "nchar" | "nvarchar"
        | "varying character" | "native character" => match first {
            Some(length) if length > 0 => shape("text", &[("maxLength", length)]),
            _ => shape("text", &[]),
        },
        "int" | "integer" | "bigint" | "smallint" | "tinyint" | "mediumint" | "int2" | "int4" | "int8" | "serial"
        | "bigserial" | "smallserial" | "unsigned big int" | "oid" => shape("number", &[("scale", 0)]),
        "numeric" | "decimal" => match (first, sizes.get(1).copied()) {
            (Some(precision), None | Some(0)) => shape("number", &[("precision", precision), ("scale", 0)]),
            (Some(precision), Some(scale)) => shape("number", &[("precision", precision), ("scale", scale)]),
            _ => shape("number", &[]),
        },
        "real" | "double" | "double precision" | "float" | "float4" | "float8" | "objectos_number" => {
            shape("number", &[])
        }
        "money" => shape("currency", &[("scale", 2)]),
        "boolean" | "bool" => shape("boolean", &[]),
        "date" | "date_text" | "objectos_date" => shape("date", &[]),
        "datetime"
        | "datetime_text"
        | "objectos_datetime"
        | "timestamp"
        | "timestamptz"
        | "timestamp without time zone"
        | "timestamp with time zone" => shape("datetime", &[]),
        "time" | "time_text" | "objectos_time" | "timetz" | "time without time zone" | "time with time zone" => {
            shape("time", &[])
        }
        "json" | "jsonb" | "json_text" => shape("json", &[]),
        _ => None,
    }
}

/// `timestamp(3) without time zone`: the name without its numbers, and the numbers.
fn split(declared: &str) -> (String, Vec<u32>) {
    let Some((before, rest)) = declared.split_once('(') else {
        return (declared.to_owned(), Vec::new());
    };
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let numbers = inside
        .split(',')
        .filter_map(|number| number.trim().parse().ok())
        .collect();
    let name = format!("{} {}", before.trim(), after.trim());
    (name.trim().to_owned(), numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_become_fields() {
        let check = |declared: &str, kind: &str, keys: &[(&'static str, u32)]| {
            let found = field_of(declared).unwrap_or_else(|| panic!("{declared} has no field"));
            assert_eq!((found.kind, found.keys.as_slice()), (kind, keys), "{declared}");
        };
        check("TEXT", "text", &[]);
        check("character varying(80)", "text", &[("maxLength", 80)]);
        check("numeric(12,2)", "number", &[("precision", 12), ("scale", 2)]);
        check("NUMERIC", "number", &[]);
        check("bigint", "number", &[("scale", 0)]);
        check("timestamp(3) without time zone", "datetime", &[]);
        check("DATETIME_TEXT", "datetime", &[]);
        check("crm.objectos_date", "date", &[]);
        check("text[]", "tags", &[]);
        assert_eq!(field_of("bytea"), None);
        assert_eq!(field_of("integer[]"), None);
    }
}
