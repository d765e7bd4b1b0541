//! Every kind of difference between a catalogue and a database.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::{DEFAULT_DATASOURCE, DatabaseShape, TableShape, mentions, plan, plan_beside};
use crate::app::{PackageSource, load};
use crate::model::{Catalogue, ColumnType};
use crate::schema::{ColumnShape, IndexShape, SchemaStep};

fn catalogue(files: &[(&str, &str)]) -> Catalogue {
    let package = PackageSource::of_documents("demo", files.iter().copied());
    load(&[package], 1)
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
        .catalogue
}

/// The database that a catalogue asks for, as if every step had been taken.
fn database(catalogue: &Catalogue) -> DatabaseShape {
    let mut shape = DatabaseShape::default();
    for object in catalogue.objects().filter(|object| !object.is_abstract) {
        let columns = object.stored_fields().map(|field| {
            (
                field.name.clone(),
                ColumnShape {
                    kind: field.column,
                    nullable: field.name != "id",
                    bound: None,
                },
            )
        });
        let index = |index: &crate::model::IndexModel| IndexShape {
            columns: index.fields.clone(),
            unique: index.unique,
            ignore_case: index.ignore_case,
            method: Some(index.method),
            nulls_last: Vec::new(),
        };
        let indexes = object.indexes.iter().map(|model| (model.name.clone(), index(model)));
        shape.made.note(&object.table, "");
        for field in object.stored_fields() {
            shape.made.note(&object.table, &field.name);
        }
        shape.tables.insert(
            object.table.clone(),
            TableShape {
                columns: columns.collect(),
                indexes: indexes.collect(),
                rows: Some(1),
                words: Vec::new(),
                scattered: false,
            },
        );
    }
    shape
}

const BEFORE: &str = "name: thing\nfields:\n  title: {type: text, index: true}\n  count: {type: number, scale: 0}\n  due: {type: date}\n";

/// Plans from one object file to another.
fn check(before: &str, after: &str, expected: &str) {
    let shape = database(&catalogue(&[("thing.object.yml", before)]));
    let plan = plan(&catalogue(&[("thing.object.yml", after)]), &shape);
    assert_eq!(plan.to_string(), expected, "\n{after}");
}

#[test]
fn an_empty_database_gets_everything() {
    let parent = "name: parent\nfields:\n  name: {type: text, unique: true, caseSensitive: false}\n  total: {type: summary, summaryOperations: {object: child, field: amount, function: sum}}\n";
    let child =
        "name: child\nfields:\n  parent: {type: master_detail, reference: parent}\n  amount: {type: currency}\n";
    let base = "name: base\nabstract: true\nfields: {title: {type: text}}\n";
    let files = [
        ("parent.object.yml", parent),
        ("child.object.yml", child),
        ("base.object.yml", base),
    ];
    let catalogue = catalogue(&files);
    let plan = plan(&catalogue, &DatabaseShape::default());
    assert_eq!(
        plan.to_string(),
        "  + create table parent with 7 columns\n  + create table child with 8 columns\n  + add unique index ux_parent_name on parent (name)\n  + add index ix_parent_owner_id on parent (owner_id)\n  + add index ix_child_parent on child (parent)\n  + add index ix_child_owner_id on child (owner_id)\n"
    );
    let SchemaStep::CreateTable { columns, .. } = &plan.additive[1] else {
        panic!("{plan}")
    };
    let columns: Vec<(&str, ColumnType, bool, bool)> = columns
        .iter()
        .map(|column| (column.name.as_str(), column.kind, column.nullable, column.primary_key))
        .collect();
    assert_eq!(
        columns[..3],
        [
            ("id", ColumnType::Text, false, true),
            ("parent", ColumnType::Text, true, false),
            ("amount", ColumnType::Decimal, true, false),
        ]
    );
    let SchemaStep::AddIndex { index, .. } = &plan.additive[2] else {
        panic!("{plan}")
    };
    assert!(index.ignore_case && index.unique);
    assert!(super::plan(&catalogue, &database(&catalogue)).is_empty());
}

#[test]
fn nothing_to_do() {
    check(BEFORE, BEFORE, "the database is as the apps ask for\n");
    check(
        BEFORE,
        &BEFORE.replace("name: thing", "name: thing\nlabel: Other"),
        "the database is as the apps ask for\n",
    );
}

#[test]
fn additions() {
    check(
        BEFORE,
        &format!("{BEFORE}  note: {{type: textarea}}\n"),
        "  + add column thing.note (text)\n",
    );
    check(
        BEFORE,
        &format!("{BEFORE}  double: {{type: formula, expression: count * 2}}\n"),
        "the database is as the apps ask for\n",
    );
    check(
        BEFORE,
        &format!("{BEFORE}indexes: [{{fields: [due, count]}}]\n"),
        "  + add index ix_thing_due_count on thing (due, count)\n",
    );
    let due =
        |condition: &str| format!("{BEFORE}indexes: [{{fields: [due], unique: true, partial: \"{condition}\"}}]\n");
    check(
        BEFORE,
        &due("count > 1"),
        "  + add unique index ux_thing_due_if_c2d278d7 on thing (due) where count > 1\n",
    );
    check(
        &due("count > 1"),
        &due("count > 2"),
        "  + drop index ux_thing_due_if_c2d278d7 on thing\n  + add unique index ux_thing_due_if_685f5f39 on thing (due) where count > 2\n",
    );
    check(
        BEFORE,
        &BEFORE.replace("index: true", "unique: true"),
        "  + drop index ix_thing_title on thing\n  + add unique index ux_thing_title on thing (title)\n",
    );
    check(
        BEFORE,
        &BEFORE.replace(", index: true", ""),
        "  + drop index ix_thing_title on thing\n",
    );
}

#[test]
fn changes_of_type() {
    let loses = "steps with `!` lose data and are only done on request\n";
    check(
        BEFORE,
        &BEFORE.replace(", scale: 0", ""),
        "  + widen column thing.count from integer to number\n",
    );
    check(
        BEFORE,
        &BEFORE.replace("{type: date}", "{type: text}"),
        "  + widen column thing.due from date to text\n",
    );
    check(
        BEFORE,
        &BEFORE.replace("{type: date}", "{type: datetime}"),
        &format!("  ! convert column thing.due from date to datetime: values that do not fit are lost\n{loses}"),
    );
    check(
        BEFORE,
        &BEFORE.replace("{type: text, index: true}", "{type: number, index: true}"),
        &format!("  ! convert column thing.title from text to number: values that do not fit are lost\n{loses}"),
    );
    check(
        BEFORE,
        &BEFORE.replace("  due: {type: date}\n", ""),
        &format!("  ! drop column thing.due and all its values\n{loses}"),
    );
    check(
        BEFORE,
        &BEFORE.replace("name: thing", "name: other"),
        &format!(
            "  + create table other with 9 columns\n  + add index ix_other_title on other (title)\n  + add index ix_other_owner_id on other (owner_id)\n  ! drop table thing and all its rows\n{loses}"
        ),
    );
}

#[test]
fn renames_keep_the_data() {
    check(
        BEFORE,
        &BEFORE.replace("  due: {type: date}", "  due_on: {type: date, renamedFrom: due}"),
        "  + rename column thing.due to due_on\n",
    );
    check(
        BEFORE,
        &BEFORE.replace("name: thing", "name: other\nrenamedFrom: thing"),
        "  + rename table thing to other\n  + drop index ix_thing_title on other\n  + drop index ix_thing_owner_id on other\n  + add index ix_other_title on other (title)\n  + add index ix_other_owner_id on other (owner_id)\n",
    );
    // Once renamed, the hint does nothing more; and a name that is in use is not taken away.
    let renamed = BEFORE.replace("  due: {type: date}", "  due_on: {type: date, renamedFrom: due}");
    check(&renamed, &renamed, "the database is as the apps ask for\n");
    check(
        BEFORE,
        &format!("{BEFORE}  due_on: {{type: date, renamedFrom: due}}\n"),
        "  + add column thing.due_on (date)\n",
    );
}

#[test]
fn what_others_made_is_seen() {
    let catalogue = catalogue(&[("thing.object.yml", BEFORE)]);
    let mut shape = database(&catalogue);
    let table = &mut shape.tables["thing"];
    table.indexes.insert(
        "by_operator".to_owned(),
        IndexShape {
            columns: vec!["due".to_owned()],
            unique: false,
            ignore_case: false,
            method: None,
            nulls_last: Vec::new(),
        },
    );
    table.columns["due"].nullable = false;
    table.columns["count"].kind = None;
    table.indexes["ix_thing_title"].columns.push("due".to_owned());
    let plan = plan(&catalogue, &shape);
    assert_eq!(
        plan.to_string(),
        "  + drop index ix_thing_title on thing\n  + allow null in column thing.due\n  + add index ix_thing_title on thing (title)\n  ! convert column thing.count from a foreign type to integer: values that do not fit are lost\nsteps with `!` lose data and are only done on request\n"
    );
    assert_eq!(plan.blocking().count(), 1);
    let empty = DatabaseShape {
        tables: IndexMap::from([("left".to_owned(), TableShape::default())]),
        ..DatabaseShape::default()
    };
    assert_eq!(super::plan(&catalogue, &empty).blocking().count(), 0);
}

#[test]
fn what_others_made_is_never_taken_away() {
    let app = catalogue(&[("thing.object.yml", BEFORE)]);
    let mut shape = database(&app);
    let column = || ColumnShape {
        kind: Some(ColumnType::Text),
        nullable: true,
        bound: None,
    };
    let left = |shape: &DatabaseShape| -> Vec<String> {
        let plan = plan(&app, shape);
        plan.destructive.iter().map(ToString::to_string).collect()
    };
    for name in ["theirs", "ours"] {
        shape.tables["thing"].columns.insert(name.to_owned(), column());
        let table = TableShape {
            columns: IndexMap::from([("id".to_owned(), column())]),
            ..TableShape::default()
        };
        shape.tables.insert(format!("{name}_table"), table);
    }
    assert_eq!(left(&shape), Vec::<String>::new());
    shape.made.note("thing", "ours");
    shape.made.note("ours_table", "");
    // A table that somebody else made, with a column that a field of it brought.
    shape.made.note("theirs_table", "id");
    assert_eq!(
        left(&shape),
        [
            "drop column thing.ours and all its values",
            "drop table ours_table and all its rows"
        ]
    );
    let saved = BTreeSet::from(["ours_table".to_owned()]);
    let beside = plan_beside(&app, DEFAULT_DATASOURCE, &shape, &saved);
    let targets: Vec<String> = beside.destructive.iter().filter_map(SchemaStep::target).collect();
    assert_eq!(targets, ["thing.ours"]);
    // Nor does an object of the app take over the table of a saved one.
    let other = BEFORE.replace("name: thing", "name: other\nrenamedFrom: ours_table");
    let renamed = |saved: &BTreeSet<String>| {
        let app = catalogue(&[("other.object.yml", other.as_str())]);
        let plan = plan_beside(&app, DEFAULT_DATASOURCE, &shape, saved);
        plan.to_string().contains("rename table ours_table to other")
    };
    assert!(renamed(&BTreeSet::new()) && !renamed(&saved));
}

#[test]
fn a_table_without_ids_is_in_the_way() {
    let catalogue = catalogue(&[("thing.object.yml", BEFORE)]);
    let mut shape = database(&catalogue);
    shape.tables["thing"].columns.shift_remove("id");
    let plan = plan(&catalogue, &shape);
    assert_eq!(
        plan.to_string(),
        "  x the table thing has no column `id`, by which records are known: give it one, of text and as its primary key, or \
         take the object 'thing' out of the app\nwhat is marked `x` is for you to mend; until then no step is done\n"
    );
    assert!(!plan.is_empty());
}

#[test]
fn an_index_is_built_as_the_database_can() {
    let declared = |method: &str| {
        format!(
            "name: thing\nfields:\n  title: {{type: text}}\n  tags: {{type: tags}}\nindexes: [{{fields: [title], type: {method}}}, {{fields: [tags], type: gin}}]\n"
        )
    };
    let before = catalogue(&[("thing.object.yml", &declared("btree"))]);
    let after = catalogue(&[("thing.object.yml", &declared("hash"))]);
    let mut shape = database(&before);
    let told = plan(&after, &shape);
    assert!(told.is_empty());
    assert_eq!(
        told.btrees,
        [
            "the index ix_thing_title is a btree: only PostgreSQL has hash indexes",
            "the index ix_thing_tags is a btree: only PostgreSQL has gin indexes"
        ]
    );
    shape.index_methods = true;
    let changed = plan(&after, &shape);
    assert_eq!(
        changed.to_string(),
        "  + drop index ix_thing_title on thing\n  + add hash index ix_thing_title on thing (title)\n"
    );
    assert!(changed.btrees.is_empty());
}

#[test]
fn an_index_whose_nulls_stand_elsewhere_is_built_anew() {
    let catalogue = catalogue(&[("thing.object.yml", BEFORE)]);
    let mut shape = database(&catalogue);
    let index = |shape: &mut DatabaseShape, column: &str| {
        let index = &mut shape.tables["thing"].indexes["ix_thing_title"];
        index.nulls_last = vec![column.to_owned()];
    };
    // The id is never null.
    index(&mut shape, "id");
    assert!(plan(&catalogue, &shape).is_empty());
    index(&mut shape, "title");
    assert_eq!(
        plan(&catalogue, &shape).to_string(),
        "  + drop index ix_thing_title on thing\n  + add index ix_thing_title on thing (title)\n"
    );
}

#[test]
fn what_others_declared_is_not_touched() {
    let check = |kind: ColumnType, nullable: bool, expected: &str, blocking: usize| {
        let catalogue = catalogue(&[("thing.object.yml", BEFORE)]);
        let mut shape = database(&catalogue);
        let column = &mut shape.tables["thing"].columns["count"];
        (column.kind, column.nullable) = (Some(kind), nullable);
        column.bound = Some("the table is theirs".to_owned());
        let plan = plan(&catalogue, &shape);
        assert_eq!(plan.to_string(), expected);
        assert_eq!(plan.blocking().count(), blocking);
    };
    check(ColumnType::Integer, true, "the database is as the apps ask for\n", 0);
    check(
        ColumnType::Integer,
        false,
        "  ? allow null in column thing.count: cannot be done, for the table is theirs\nthe database is as the apps ask for\n",
        0,
    );
    check(
        ColumnType::Text,
        true,
        "  ? convert column thing.count from text to integer: values that do not fit are lost: to be done by hand, for the table is theirs\n  ! convert column thing.count from text to integer: values that do not fit are lost\nsteps with `!` lose data and are only done on request\n",
        1,
    );
}

/// An app beside the table with earlier versions.
fn with_versions(files: &[(&str, &str)]) -> Catalogue {
    const VERSIONS: &str = include_str!("../../../metadata/sys_record_version.object.yml");
    let own = PackageSource::of_documents("objectos.data", [("sys_record_version.object.yml", VERSIONS)]);
    let app = PackageSource::of_documents("demo", files.iter().copied());
    load(&[own, app], 1)
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
        .catalogue
}

/// Rows of the plugin's own tables tell of objects and fields by their names.
#[test]
fn a_rename_is_carried_to_where_the_name_is_told() {
    let both = |thing: &str| with_versions(&[("thing.object.yml", thing)]);
    let after = BEFORE
        .replace("name: thing", "name: other\nrenamedFrom: thing")
        .replace("  due: {type: date}", "  due_on: {type: date, renamedFrom: due}");
    let lines = |rows: Option<u64>| {
        let mut shape = database(&both(BEFORE));
        shape.tables["sys_record_version"].rows = rows;
        let plan = plan(&both(&after), &shape).to_string();
        let told = plan
            .lines()
            .filter(|line| line.contains("rename") || line.contains("carry"));
        told.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        lines(None),
        [
            "  + rename table thing to other",
            "  + carry what sys_record_version tells of thing over to other",
            "  + rename column other.due to due_on",
            "  + carry what sys_record_version tells of other.due over to due_on",
        ]
    );
    assert_eq!(
        lines(Some(0)),
        [
            "  + rename table thing to other",
            "  + rename column other.due to due_on"
        ]
    );
}

/// An object that gets another name and keeps its table: what is told of the former one follows, once, and of nobody else.
#[test]
fn a_rename_without_one_of_the_table_is_carried_while_rows_tell_of_it() {
    const CARRIED: &str = "  + carry what sys_record_version tells of thing over to other";
    let named = |name: &str, table: &str| BEFORE.replace("name: thing", &format!("{name}\ntableName: {table}"));
    let (before, after) = (
        named("name: thing", "things"),
        named("name: other\nrenamedFrom: thing", "things"),
    );
    let to_its_table = named("name: other\nrenamedFrom: thing", "thing");
    let (one, two) = (("a.object.yml", after.as_str()), ("b.object.yml", BEFORE));
    let second = after
        .replace("name: other", "name: second")
        .replace("tableName: things", "tableName: others");
    let asked = [("sys_record_version", "other"), ("sys_record_version", "thing")];
    let check = |files: &[(&str, &str)], left: &[(&str, &str)], saved: &[&str], told: &[&str], expected: &[&str]| {
        let both: Vec<(&str, &str)> = files.iter().chain(left).copied().collect();
        let mut shape = database(&with_versions(&both));
        let app = with_versions(files);
        let saved: BTreeSet<String> = saved.iter().map(|&name| name.to_owned()).collect();
        let found = mentions(&app, DEFAULT_DATASOURCE, &shape, &saved);
        let told = told
            .iter()
            .map(|&name| ("sys_record_version".to_owned(), name.to_owned()));
        shape.told = told.filter(|mention| found.contains(mention)).collect();
        let plan = plan_beside(&app, DEFAULT_DATASOURCE, &shape, &saved).to_string();
        let carried: Vec<&str> = plan.lines().filter(|line| line.contains("carry")).collect();
        assert_eq!(carried, expected, "{files:?} {saved:?}\n{plan}");
        found
    };
    let found = check(&[one], &[], &[], &["thing"], &[CARRIED]);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(table, name)| (table.as_str(), name.as_str()))
        .collect();
    assert_eq!(found, asked);
    // The name of the object is that of the table from now on.
    check(
        &[("a.object.yml", to_its_table.as_str())],
        &[],
        &[],
        &["thing"],
        &[CARRIED],
    );
    // Carried already, or never told of.
    check(&[one], &[], &[], &["other"], &[]);
    check(&[one], &[], &[], &[], &[]);
    // History that began anew stays as it is.
    check(&[one], &[], &[], &["thing", "other"], &[]);
    // Somebody else has the name now: an object of the app, a saved one, one whose table is left over, and whoever was first.
    assert!(check(&[one, two], &[], &[], &["thing"], &[]).is_empty());
    assert!(check(&[one], &[], &["thing"], &["thing"], &[]).is_empty());
    assert!(check(&[one], &[two], &[], &["thing"], &[]).is_empty());
    check(
        &[one, ("b.object.yml", second.as_str())],
        &[],
        &[],
        &["thing"],
        &[CARRIED],
    );
    // Nothing is asked of who was never called otherwise, nor where nothing is told at all.
    assert!(check(&[("a.object.yml", before.as_str())], &[], &[], &["thing"], &[]).is_empty());
    let mut shape = database(&with_versions(&[one]));
    shape.tables["sys_record_version"].rows = Some(0);
    assert!(mentions(&with_versions(&[one]), DEFAULT_DATASOURCE, &shape, &BTreeSet::new()).is_empty());
}
