//! Labels for what has none, and plurals of English words.

/// `first_name` is `First Name`.
pub(super) fn from_name(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut characters = word.chars();
        characters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
    };
    words.map(capital).collect::<Vec<_>>().join(" ")
}

/// `Company` is `Companies`. A guess for labels, nothing else depends on it.
pub(super) fn plural(label: &str) -> String {
    let consonant_before_y = label
        .strip_suffix('y')
        .and_then(|stem| stem.chars().last())
        .filter(|last| !"aeiou".contains(*last));
    if let (Some(_), Some(stem)) = (consonant_before_y, label.strip_suffix('y')) {
        return format!("{stem}ies");
    }
    let hissing = ["s", "x", "z", "ch", "sh"].iter().any(|end| label.ends_with(end));
    format!("{label}{}", if hissing { "es" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::{from_name, plural};

    #[test]
    fn labels_are_made_from_names() {
        let check = |name: &str, label: &str, many: &str| {
            assert_eq!(from_name(name), label);
            assert_eq!(plural(label), many);
        };
        check("account", "Account", "Accounts");
        check("sales_order_line", "Sales Order Line", "Sales Order Lines");
        check("company", "Company", "Companies");
        check("day", "Day", "Days");
        check("address", "Address", "Addresses");
        check("_hidden", "Hidden", "Hiddens");
    }
}
