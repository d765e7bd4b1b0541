//! Operators of filters and all their spellings, in one table.

use crate::model::nearest;

/// What a test does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The same value; null is the same as null.
    Eq,
    /// Another value; a null field matches.
    Ne,
    /// Greater.
    Gt,
    /// Greater or the same.
    Gte,
    /// Less.
    Lt,
    /// Less or the same.
    Lte,
    /// One of a list.
    In,
    /// None of a list; a null field matches.
    Nin,
    /// Between two values, both included.
    Between,
    /// Holds a text, or an element.
    Contains,
    /// Does not; a null field matches.
    NotContains,
    /// Holds a text, whatever the case of its letters.
    IContains,
    /// Begins with a text.
    StartsWith,
    /// Ends with a text.
    EndsWith,
    /// Has a pattern with `%` and `_`.
    Like,
    /// Has a pattern, whatever the case of its letters.
    ILike,
    /// Is null, for true; is not, for false.
    Null,
    /// Is not null, for true; is, for false.
    Exists,
    /// Is null or empty, for true; neither, for false.
    Empty,
    /// Is among the vectors that are nearest to one.
    Near,
}

/// The canonical `$` spelling first, then others of object form.
const OBJECT_SPELLINGS: &[(Operator, &[&str])] = &[
    (Operator::Eq, &["$eq"]),
    (Operator::Ne, &["$ne"]),
    (Operator::Gt, &["$gt"]),
    (Operator::Gte, &["$gte"]),
    (Operator::Lt, &["$lt"]),
    (Operator::Lte, &["$lte"]),
    (Operator::In, &["$in"]),
    (Operator::Nin, &["$nin", "$notIn", "$not_in"]),
    (Operator::Between, &["$between"]),
    (Operator::Contains, &["$contains"]),
    (
        Operator::NotContains,
        &["$notContains", "$notcontains", "$not_contains"],
    ),
    (Operator::IContains, &["$icontains"]),
    (Operator::StartsWith, &["$startsWith", "$startswith", "$starts_with"]),
    (Operator::EndsWith, &["$endsWith", "$endswith", "$ends_with"]),
    (Operator::Like, &["$like"]),
    (Operator::ILike, &["$ilike"]),
    (Operator::Null, &["$null", "$isNull", "$isnull"]),
    (Operator::Exists, &["$exists", "$notnull", "$notNull"]),
    (Operator::Empty, &["$empty"]),
    (Operator::Near, &["$near", "$nearest"]),
];

/// Spellings of array form; looked up in lower case with blanks as `_`.
const ARRAY_SPELLINGS: &[(Operator, &[&str])] = &[
    (Operator::Eq, &["=", "==", "===", "eq", "equals", "equal", "is"]),
    (
        Operator::Ne,
        &[
            "!=",
            "!==",
            "<>",
            "ne",
            "neq",
            "not_equals",
            "not_equal",
            "notequals",
            "is_not",
            "does_not_equal",
        ],
    ),
    (
        Operator::Gt,
        &[
            ">",
            "gt",
            "greater_than",
            "greaterthan",
            "is_greater_than",
            "after",
            "is_after",
        ],
    ),
    (
        Operator::Gte,
        &[
            ">=",
            "gte",
            "ge",
            "greater_than_or_equal",
            "greater_than_or_equals",
            "greater_than_or_equal_to",
            "greaterthanorequal",
            "is_on_or_after",
            "greater_or_equal",
            "on_or_after",
        ],
    ),
    (
        Operator::Lt,
        &[
            "<",
            "lt",
            "less_than",
            "lessthan",
            "is_less_than",
            "before",
            "is_before",
        ],
    ),
    (
        Operator::Lte,
        &[
            "<=",
            "lte",
            "le",
            "less_than_or_equal",
            "less_than_or_equals",
            "less_than_or_equal_to",
            "lessthanorequal",
            "less_or_equal",
            "on_or_before",
            "is_on_or_before",
        ],
    ),
    (Operator::In, &["in", "any_of", "is_any_of", "one_of"]),
    (Operator::Nin, &["nin", "not_in", "notin", "none_of", "is_none_of"]),
    (Operator::Between, &["between"]),
    (Operator::Contains, &["contains", "includes"]),
    (
        Operator::NotContains,
        &[
            "notcontains",
            "not_contains",
            "does_not_contain",
            "excludes",
            "not_includes",
        ],
    ),
    (Operator::IContains, &["icontains"]),
    (Operator::StartsWith, &["startswith", "starts_with", "begins_with"]),
    (Operator::EndsWith, &["endswith", "ends_with"]),
    (Operator::Like, &["like"]),
    (Operator::ILike, &["ilike"]),
    (Operator::Null, &["is_null", "isnull", "null"]),
    (
        Operator::Exists,
        &["is_not_null", "isnotnull", "not_null", "notnull", "exists"],
    ),
    (Operator::Empty, &["is_empty", "isempty", "empty"]),
];

/// Spellings of array form whose value is the opposite of what the operator says.
const NOT_EMPTY: &[&str] = &["is_not_empty", "isnotempty", "not_empty"];

/// What an operator of array form stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayOperator {
    /// The operator.
    pub operator: Operator,
    /// Takes no value; this one is meant.
    pub implied: Option<bool>,
}

impl Operator {
    /// By its spelling in object form.
    #[must_use]
    pub fn of_object_form(spelling: &str) -> Option<Self> {
        OBJECT_SPELLINGS
            .iter()
            .find(|(_, names)| names.contains(&spelling))
            .map(|(operator, _)| *operator)
    }

    /// The nearest spelling of object form.
    #[must_use]
    pub fn nearest_of_object_form(spelling: &str) -> Option<&'static str> {
        nearest(
            spelling,
            OBJECT_SPELLINGS
                .iter()
                .flat_map(|(_, names)| names.iter().copied().take(1)),
        )
    }

    /// By its spelling in array form.
    #[must_use]
    pub fn of_array_form(spelling: &str) -> Option<ArrayOperator> {
        let name = spelling.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        if NOT_EMPTY.contains(&name.as_str()) {
            return Some(ArrayOperator {
                operator: Self::Empty,
                implied: Some(false),
            });
        }
        let (operator, _) = ARRAY_SPELLINGS
            .iter()
            .find(|(_, names)| names.contains(&name.as_str()))?;
        let implied = matches!(operator, Self::Null | Self::Exists | Self::Empty).then_some(true);
        Some(ArrayOperator {
            operator: *operator,
            implied,
        })
    }

    /// The nearest spelling of array form.
    #[must_use]
    pub fn nearest_of_array_form(spelling: &str) -> Option<&'static str> {
        nearest(
            spelling,
            ARRAY_SPELLINGS.iter().flat_map(|(_, names)| names.iter().copied()),
        )
    }

    /// The canonical spelling, for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        OBJECT_SPELLINGS
            .iter()
            .find(|(operator, _)| *operator == self)
            .map_or("$eq", |(_, names)| names[0])
    }
}
