//! Whether a value fits a filter: for the paths of a PATCH, which name values of an attribute that has several.

use serde_json::Value;

use super::{Filter, Operator};

impl Operator {
    /// Whether a text holds against another one.
    pub(super) fn holds(self, own: &str, other: &str) -> bool {
        match self {
            Self::Present => true,
            Self::Equal => own == other,
            Self::Unequal => own != other,
            Self::Contains => own.contains(other),
            Self::Begins => own.starts_with(other),
            Self::Ends => own.ends_with(other),
        }
    }
}

impl Filter {
    /// Whether a value, an object with parts in small letters, fits. `exact` texts are held against each other with their case.
    pub(in super::super) fn fits(&self, element: &Value, exact: bool) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.fits(element, exact)),
            Self::All(parts) => parts.iter().all(|part| part.fits(element, exact)),
            Self::Not(part) => !part.fits(element, exact),
            Self::Of { .. } => false,
            Self::Test {
                attribute,
                operator,
                value,
            } => {
                let own = element.get(attribute).unwrap_or(&Value::Null);
                match (operator, own, value) {
                    (Operator::Present, own, _) => !own.is_null(),
                    (operator, Value::String(own), Value::String(other)) if exact => operator.holds(own, other),
                    (operator, Value::String(own), Value::String(other)) => {
                        operator.holds(&own.to_lowercase(), &other.to_lowercase())
                    }
                    (Operator::Equal, own, other) => own == other,
                    (Operator::Unequal, own, other) => own != other,
                    _ => false,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use serde_json::json;

    #[test]
    fn one_value_fits_or_does_not() {
        let element = json!({ "value": "Ada@example.com", "type": "work", "primary": true });
        let check = |text: &str, exact: bool, expected: bool| {
            assert_eq!(parse(text).unwrap().fits(&element, exact), expected, "{text}");
        };
        check("type eq \"Work\"", false, true);
        check("type eq \"Work\"", true, false);
        check("type eq \"work\" and primary eq true", true, true);
        check("type eq \"home\" or value co \"ADA\"", false, true);
        check("type ne \"home\" and not (value ew \".org\")", true, true);
        check("primary eq \"true\"", false, false);
        check("display pr", false, false);
        check("value pr", false, true);
        check("emails[type eq \"work\"]", false, false);
    }
}
