//! The example apps of the repository.

use std::path::PathBuf;

use objectos_data::app::{Loaded, PackageSource, Problems, load, read_app};
use objectos_data::model::{FieldKind, SystemField};

use crate::app_support::catalogue;

fn example(name: &str) -> Loaded {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(name);
    let mut problems = Problems::default();
    let package: Option<PackageSource> = read_app(&folder, &mut problems);
    let loaded = load(package.as_slice(), 1).unwrap_or_else(|found| {
        problems.extend(found);
        panic!("{:#?}", std::mem::take(&mut problems).into_sorted())
    });
    assert_eq!(problems.into_sorted(), []);
    loaded
}

#[test]
fn crm_is_without_fault() {
    let loaded = example("crm");
    assert_eq!(loaded.warnings, []);
    let catalogue = &loaded.catalogue;
    for name in ["account", "contact", "lead", "opportunity", "task"] {
        assert!(catalogue.object(name).is_some(), "{name}");
    }
    let opportunity = catalogue.object("opportunity").expect("the object");
    assert_eq!(opportunity.master().map(|field| field.name.as_str()), Some("account"));
    let revenue = opportunity
        .field("expected_revenue")
        .and_then(|field| field.formula.as_ref())
        .expect("a formula");
    assert!(revenue.sql());
    assert!(loaded.packages[0].records >= 200, "{:?}", loaded.packages);
    // Whatever a record points to was put in before it.
    let order: Vec<&str> = catalogue.seeds().iter().map(|set| set.object.as_str()).collect();
    let place = |name: &str| order.iter().position(|object| *object == name).expect("a set");
    assert!(
        place("account") < place("contact")
            && place("contact") < place("opportunity")
            && place("opportunity") < place("task"),
        "{order:?}"
    );
}

#[test]
fn todo_is_understood_although_its_spellings_are_older() {
    let loaded = example("todo");
    let ignored: Vec<&str> = loaded.warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(ignored, ["fields.hours_left.data_type", "validation.rules[1].message"]);
    let task = loaded.catalogue.object("task").expect("the object");
    assert_eq!(
        task.field("number").map(|field| field.kind),
        Some(FieldKind::Autonumber)
    );
    assert!(task.system_field(SystemField::OwnerId).is_some());
    assert_eq!(loaded.catalogue.seeds()[0].external_id, "subject");
}

#[test]
fn todo_equals_its_canonical_form() {
    let canonical = catalogue(&[("task.object.yml", include_str!("app_examples/task.object.yml"))]);
    let (expected, found) = (canonical.object("task").expect("the object"), example("todo"));
    let found = found.catalogue.object("task").expect("the object");
    let lines =
        |object: &objectos_data::model::ObjectModel| serde_json::to_string_pretty(&object.definition).expect("JSON");
    assert_eq!(lines(found), lines(expected));
}
