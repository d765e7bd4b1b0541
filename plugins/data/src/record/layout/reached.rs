//! Where computed fields look: the objects behind formulas and roll-ups, so that whoever reads such a field is asked for them as
//! well. Known once for each catalogue. Which records and fields of them count is the query's matter.

use std::collections::HashMap;

use crate::model::{Catalogue, ObjectModel};

/// By object: the objects that its computed fields read, directly or by computed fields of others. Those that read none are not
/// in it.
pub(super) fn all(catalogue: &Catalogue) -> HashMap<String, Vec<String>> {
    let direct: HashMap<&str, Vec<String>> = catalogue
        .objects()
        .map(|object| (object.name.as_str(), direct(catalogue, object)))
        .filter(|(_, reached)| !reached.is_empty())
        .collect();
    direct
        .keys()
        .map(|object| ((*object).to_owned(), closure(&direct, object)))
        .collect()
}

fn closure(direct: &HashMap<&str, Vec<String>>, object: &str) -> Vec<String> {
    let mut reached: Vec<String> = direct.get(object).cloned().unwrap_or_default();
    let mut looked_at = 0;
    while let Some(next) = reached.get(looked_at).cloned() {
        for further in direct.get(next.as_str()).into_iter().flatten() {
            if !reached.contains(further) {
                reached.push(further.clone());
            }
        }
        looked_at += 1;
    }
    reached
}

fn direct(catalogue: &Catalogue, object: &ObjectModel) -> Vec<String> {
    let mut reached = Vec::new();
    for field in object.fields.values() {
        for path in field.formula.iter().flat_map(|formula| formula.fields()) {
            over(catalogue, object, path, &mut reached);
        }
        let Some(summary) = &field.summary else { continue };
        add(&summary.object, &mut reached);
        if let Some(child) = catalogue.object(&summary.object) {
            for path in summary.child_fields() {
                over(catalogue, child, path, &mut reached);
            }
        }
    }
    reached
}

/// The objects that a path leads to.
fn over(catalogue: &Catalogue, object: &ObjectModel, path: &str, reached: &mut Vec<String>) {
    let mut at = object;
    let mut hops = path.split('.').peekable();
    while let Some(hop) = hops.next() {
        // The last one is a field of the object that was reached.
        if hops.peek().is_none() {
            return;
        }
        let reference = at.field(hop).and_then(|field| field.reference.as_ref());
        let Some(target) = reference.and_then(|reference| catalogue.object(&reference.object)) else {
            return;
        };
        add(&target.name, reached);
        at = target;
    }
}

fn add(object: &str, reached: &mut Vec<String>) {
    if !reached.iter().any(|known| known == object) {
        reached.push(object.to_owned());
    }
}
