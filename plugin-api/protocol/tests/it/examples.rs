//! Every file of `examples/crm` is canonical, every file of `examples/todo` needs the dialect, and both fit the types.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use objectos_protocol::data::{Dataset, FieldType, Object};
use objectos_protocol::dialect::{NoteKind, normalise_dataset, normalise_object};
use objectos_protocol::ui::{App, ListView};
use serde_json::Value;

fn files(app: &str, ending: &str) -> Vec<PathBuf> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(app)];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn yaml(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn stem(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap().split('.').next().unwrap()
}

fn read<T: serde::de::DeserializeOwned>(path: &Path, document: Value) -> T {
    serde_json::from_value(document).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn crm_objects() -> Vec<Object> {
    files("crm", ".object.yml")
        .iter()
        .map(|path| read(path, yaml(path)))
        .collect()
}

#[test]
fn the_crm_is_written_in_the_protocols_own_shape() {
    for path in files("crm", ".object.yml") {
        let (_, notes) = normalise_object(yaml(&path));
        let older: Vec<_> = notes.iter().filter(|note| note.kind != NoteKind::Inferred).collect();
        assert!(older.is_empty(), "{}: {older:?}", path.display());
    }
    let names: BTreeSet<String> = crm_objects().into_iter().map(|object| object.name).collect();
    for name in ["account", "contact", "lead", "opportunity", "task", "case", "product"] {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn references_of_the_crm_lead_to_its_objects() {
    let objects = crm_objects();
    let names: BTreeSet<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    let mut references = 0;
    for object in &objects {
        for (name, field) in &object.fields {
            if field.kind.is_reference() {
                let target = field.reference.as_deref().unwrap_or_default();
                assert!(names.contains(target), "{}.{name} refers to `{target}`", object.name);
                references += 1;
            }
        }
    }
    assert!(references > 10);
}

#[test]
fn seeds_of_the_crm_name_fields_options_and_records_that_exist() {
    let objects = crm_objects();
    let datasets: Vec<Dataset> = files("crm", ".data.yml")
        .iter()
        .map(|path| read(path, yaml(path)))
        .collect();
    let ids: BTreeSet<&str> = datasets
        .iter()
        .flat_map(|set| &set.records)
        .filter_map(|record| record["id"].as_str())
        .collect();
    let count: usize = datasets.iter().map(|set| set.records.len()).sum();
    assert!(count > 300, "some hundred records, found {count}");
    assert_eq!(ids.len(), count, "every record has an id of its own");
    for set in &datasets {
        let object = objects.iter().find(|object| object.name == set.object).unwrap();
        for (key, value) in set.records.iter().flatten().filter(|(key, _)| *key != "id") {
            let field = object.fields.get(key).unwrap_or_else(|| panic!("{}.{key}", set.object));
            match (field.kind, value) {
                (kind, Value::String(id)) if kind.is_reference() => {
                    assert!(ids.contains(id.as_str()), "{}.{key} {id}", set.object)
                }
                (FieldType::Select, Value::String(text)) => {
                    let options = field.options.as_ref().unwrap();
                    assert!(
                        options.iter().any(|option| option.value == *text),
                        "{}.{key} {text}",
                        set.object
                    );
                }
                _ => {}
            }
        }
    }
}

#[test]
fn views_and_navigation_of_the_crm_fit_the_types() {
    for path in files("crm", ".view.yml") {
        let mut view = yaml(&path);
        let mut lists = vec![view["list"].take()];
        lists.extend(
            view["listViews"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(_, list)| list.clone()),
        );
        for list in lists {
            let list: ListView = read(&path, list);
            assert!(!list.columns.fields().is_empty(), "{}", path.display());
        }
    }
    let apps: Vec<App> = files("crm", "crm.app.yml")
        .iter()
        .map(|path| read(path, yaml(path)))
        .collect();
    assert_eq!(apps.len(), 1);
}

#[test]
fn the_todo_app_needs_the_dialect_and_then_fits() {
    for path in files("todo", ".object.yml") {
        assert!(
            serde_json::from_value::<Object>(yaml(&path)).is_err(),
            "{} is written in older spellings",
            path.display()
        );
        let (object, notes) = normalise_object(yaml(&path));
        let object: Object = read(&path, object);
        let aliases = notes.iter().filter(|note| note.kind == NoteKind::Alias).count();
        assert!(aliases > 20, "{aliases} older spellings");
        assert_eq!(object.fields["status"].kind, FieldType::Select);
        assert_eq!(object.fields["status"].default_value, Some("not_started".into()));
        assert_eq!(object.fields["parent_task"].kind, FieldType::Lookup);
        assert_eq!(object.fields["number"].autonumber_format.as_deref(), Some("T-{0000}"));
        assert_eq!(object.validations.map(|rules| rules.len()), Some(5));
    }
    for path in files("todo", ".data.yml") {
        let (dataset, _) = normalise_dataset(yaml(&path), stem(&path));
        let dataset: Dataset = read(&path, dataset);
        assert_eq!((dataset.object.as_str(), dataset.records.len()), ("task", 12));
    }
}
