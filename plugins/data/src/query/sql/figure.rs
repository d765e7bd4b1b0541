//! Sums and means as SQL, for figures over records, over children and over neighbours. Every database answers the same double:
//! SQLite adds doubles and keeps what is lost on the way, PostgreSQL adds decimals; and both round alike where a figure is made, so
//! that what a query compares and orders by is what it answers. Not here: which figure is asked for.

use super::SqlWriter;
use crate::query::filter::{FieldRef, Source};
use crate::store::{Construct, Family};

/// Digits behind the point that rounding knows of.
const SCALE_MAX: u32 = 15;

/// What is added up.
#[derive(Clone, Copy, Debug)]
pub(in crate::query) struct Addend<'f> {
    /// The field.
    pub(in crate::query) field: &'f FieldRef,
    /// Equal values once.
    pub(in crate::query) distinct: bool,
    /// PostgreSQL holds the values as decimals or whole numbers, which it adds exactly.
    pub(in crate::query) decimal: bool,
}

/// How a sum or a mean is rounded that has so many decimals, or no number of them.
pub(in crate::query) fn rounding(scale: Option<u32>) -> Construct {
    let digits = scale.filter(|scale| *scale <= SCALE_MAX);
    match digits.and_then(|digits| i8::try_from(digits).ok()) {
        Some(digits) => Construct::Round(digits),
        None => Construct::Figure,
    }
}

/// Whether PostgreSQL holds the values of a field as decimals. What is calculated is doubles there, whose sum depends on the order
/// in which they are added.
pub(in crate::query) fn is_decimal(field: &FieldRef) -> bool {
    matches!(field.source, Source::Column(_) | Source::Part(_) | Source::Evaluated(_))
}

impl SqlWriter {
    /// The sum or the mean as a double, not rounded; null when there is no value, or when it is not finite. `after` follows each
    /// call of a function.
    pub(in crate::query) fn added(&mut self, mean: bool, addend: &Addend<'_>, after: &dyn Fn(&mut Self)) -> &mut Self {
        match (self.dialect.family(), mean) {
            (Family::Sqlite, true) => self.call_over("AVG", addend, after),
            // `SUM` fails where whole numbers add up to more than 64 bits, and `TOTAL` makes nought of nothing.
            (Family::Sqlite, false) => self
                .push("CASE WHEN ")
                .call_over("COUNT", addend, after)
                .push(" > 0 THEN NULLIF(NULLIF(")
                .call_over("TOTAL", addend, after)
                .push(", 9e999), -9e999) END"),
            (Family::Postgres, false) => self
                .push("objectos_double(CAST(")
                .call_over("SUM", addend, after)
                .push(" AS numeric))"),
            // Its own mean would have more digits than a double.
            (Family::Postgres, true) => self
                .added(false, addend, after)
                .push(" / NULLIF(")
                .call_over("COUNT", addend, after)
                .push(", 0)"),
        }
    }

    fn call_over(&mut self, function: &str, addend: &Addend<'_>, after: &dyn Fn(&mut Self)) -> &mut Self {
        self.push(function).push("(");
        if addend.distinct {
            self.push("DISTINCT ");
        }
        if addend.decimal || self.dialect.family() == Family::Sqlite {
            self.field(addend.field);
        } else {
            // Its text has all digits of a double; cast at once, it would have 15.
            self.push("CAST(CAST(")
                .field(addend.field)
                .push(" AS text) AS numeric)");
        }
        self.push(")");
        after(self);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_rounded_by_its_decimals_or_to_fifteen_digits() {
        assert_eq!(rounding(None), Construct::Figure);
        assert_eq!(rounding(Some(2)), Construct::Round(2));
        assert_eq!(rounding(Some(15)), Construct::Round(15));
        assert_eq!(rounding(Some(16)), Construct::Figure);
    }
}
