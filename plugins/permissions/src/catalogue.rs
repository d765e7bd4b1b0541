//! The objects of the system as far as access is concerned: names and types of fields, where references lead, which field
//! leads to the parent, whose their records are. Made from the definitions that the `metadata` service answers, or from an app's own files.

use std::collections::{BTreeSet, HashMap};

use objectos_expression::{CheckedExpression, Scope, Type, check, sql_form};
use serde::Deserialize;
use serde_json::Value;

use crate::model::Openness;

/// Beginning of the names of the platform's own objects.
pub const SYSTEM_PREFIX: &str = "sys_";
/// The field with the tenant where no other is named.
const TENANT_FIELD: &str = "organization_id";
/// What the protocol fills in where no other is named.
const PROTOCOL_TENANT_FIELD: &str = "tenant_id";

/// Formulas that may stand inside each other in a query, as the data engine has it.
const FORMULA_DEPTH_MAX: usize = 8;

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldInfo {
    /// Type of its values.
    pub value_type: Type,
    /// The object that it points at.
    pub reference: Option<String>,
    /// Set when some people see its values masked.
    pub mask: Option<MaskRule>,
    /// Set for a formula that no database computes: what of it has no form in SQL, as in `UPPER is not the same in every
    /// database`.
    pub beyond_sql: Option<String>,
}

/// Whom the mask of a field is for. The data engine puts it on; here is only who will see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MaskRule {
    /// Whoever has one of these roles; without any, everybody.
    roles: Option<Vec<String>>,
    /// But not whoever has one of these.
    exempt_roles: Option<Vec<String>>,
}

impl MaskRule {
    /// Of a field's `maskingRule`; one that cannot be read masks the field for everybody.
    fn read(rule: &Value) -> Option<Self> {
        (!rule.is_null()).then(|| Self::deserialize(rule).unwrap_or_default())
    }

    /// Whether somebody with these roles sees the mask; the same answer as the data engine's.
    #[must_use]
    pub fn hides_from(&self, roles: &BTreeSet<String>) -> bool {
        let any = |of: &Option<Vec<String>>| of.iter().flatten().any(|role| roles.contains(role));
        let everybody = self.roles.as_ref().is_none_or(Vec::is_empty);
        !any(&self.exempt_roles) && (everybody || any(&self.roles))
    }
}

/// An object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectInfo {
    /// Fields by name, those that every object has among them.
    pub fields: HashMap<String, FieldInfo>,
    /// The first master-detail field and where it leads.
    pub parent: Option<(String, String)>,
    /// The field that says to which organisation a record belongs.
    pub tenant: Option<String>,
    /// Who sees records that nobody shared, as the definition has it.
    pub sharing: Option<Openness>,
}

impl ObjectInfo {
    /// The fields of which somebody with these roles sees a mask alone, by name.
    #[must_use]
    pub fn masked_from(&self, roles: &BTreeSet<String>) -> BTreeSet<&str> {
        let hides = |field: &FieldInfo| field.mask.as_ref().is_some_and(|mask| mask.hides_from(roles));
        let masked = self.fields.iter().filter(|(_, field)| hides(field));
        masked.map(|(name, _)| name.as_str()).collect()
    }
}

/// All objects by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    objects: HashMap<String, ObjectInfo>,
}

impl Catalogue {
    /// Of definitions in the protocol's shape (`data/Object`).
    pub fn new<'a>(definitions: impl IntoIterator<Item = &'a Value>) -> Self {
        let definitions: Vec<&Value> = definitions.into_iter().collect();
        let mut catalogue = Self::default();
        for definition in &definitions {
            if let Some(name) = definition["name"].as_str() {
                catalogue.objects.insert(name.to_owned(), object(definition));
            }
        }
        if catalogue.objects.contains_key("sys_user") {
            for object in catalogue.objects.values_mut() {
                for name in ["owner_id", "created_by", "updated_by"] {
                    if let Some(field) = object.fields.get_mut(name) {
                        field.reference = Some("sys_user".to_owned());
                    }
                }
            }
        }
        // A formula may read another one, which is known after the round before.
        for _ in 0..FORMULA_DEPTH_MAX {
            let mut learned = false;
            for definition in &definitions {
                learned |= catalogue.read_formulas(definition);
            }
            if !learned {
                break;
            }
        }
        catalogue
    }

    /// An object.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<&ObjectInfo> {
        self.objects.get(name)
    }

    /// Names of all objects.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.objects.keys().map(String::as_str)
    }

    /// The names in an expression about records of an object.
    #[must_use]
    pub fn scope<'a>(&'a self, object: &'a str) -> ObjectScope<'a> {
        ObjectScope {
            catalogue: self,
            object,
        }
    }

    /// The field at the end of a path over references, and the object it belongs to.
    #[must_use]
    pub fn walk<'a>(&'a self, object: &str, path: &[&str]) -> Option<&'a FieldInfo> {
        let (last, relations) = path.split_last()?;
        let mut at = self.objects.get(object)?;
        for relation in relations {
            let target = at.fields.get(*relation)?.reference.as_ref()?;
            at = self.objects.get(target)?;
        }
        at.fields.get(*last)
    }

    /// The field that a path over references leads to, where no database computes it: its name, and why.
    #[must_use]
    pub fn beyond_sql<'a>(&'a self, object: &str, path: &'a str) -> Option<(&'a str, &'a str)> {
        let hops: Vec<&str> = path.split('.').collect();
        let reason = self.walk(object, &hops)?.beyond_sql.as_deref()?;
        Some((hops.last().copied()?, reason))
    }

    /// Types of formulas, and which of them are beyond SQL; whether that is news.
    fn read_formulas(&mut self, definition: &Value) -> bool {
        let (Some(name), Some(fields)) = (definition["name"].as_str(), definition["fields"].as_object()) else {
            return false;
        };
        let mut learned = false;
        for (field, declared) in fields {
            let expression = declared["expression"].as_str();
            let Some(expression) = expression.filter(|_| declared["type"] == "formula") else {
                continue;
            };
            let Ok(checked) = check(expression, &self.scope(name)) else {
                continue;
            };
            let (value_type, beyond_sql) = (checked.value_type(), self.obstacle(name, &checked));
            let Some(info) = self
                .objects
                .get_mut(name)
                .and_then(|object| object.fields.get_mut(field))
            else {
                continue;
            };
            learned |= info.value_type != value_type || info.beyond_sql != beyond_sql;
            info.value_type = value_type;
            info.beyond_sql = beyond_sql;
        }
        learned
    }

    /// What of a formula no database computes. Where a type is not known here, that is left to the data engine, which knows it.
    fn obstacle(&self, object: &str, checked: &CheckedExpression) -> Option<String> {
        let mut known = true;
        for path in &checked.dependencies().fields {
            let hops: Vec<&str> = path.split('.').collect();
            let field = self.walk(object, &hops)?;
            if let Some(reason) = &field.beyond_sql {
                return Some(format!("it reads `{path}`, and {reason}"));
            }
            known &= field.value_type != Type::Any;
        }
        let problem = sql_form(checked).err().filter(|_| known)?;
        Some(problem.message)
    }
}

/// The field with the tenant, as the data engine has it: where the object does not declare the field that the protocol has as its
/// default, the engine's own takes its place.
fn tenant_field(definition: &Value) -> &str {
    let said = definition["tenancy"]["tenantField"]
        .as_str()
        .unwrap_or(PROTOCOL_TENANT_FIELD);
    let declared = definition["fields"].get(said).is_some();
    if said == PROTOCOL_TENANT_FIELD && !declared {
        TENANT_FIELD
    } else {
        said
    }
}

fn object(definition: &Value) -> ObjectInfo {
    let mut info = ObjectInfo::default();
    let mut tenant = None;
    let mut system = |name: &str, value_type: Type| {
        let field = FieldInfo {
            value_type,
            reference: None,
            mask: None,
            beyond_sql: None,
        };
        info.fields.insert(name.to_owned(), field);
    };
    for name in ["id", "created_by", "updated_by", "owner_id"] {
        system(name, Type::Text);
    }
    system("created_at", Type::DateTime);
    system("updated_at", Type::DateTime);
    if definition["tenancy"]["enabled"] == true {
        let field = tenant_field(definition);
        system(field, Type::Text);
        tenant = Some(field.to_owned());
    }
    if definition["softDelete"]["enabled"] == true {
        system(
            definition["softDelete"]["field"].as_str().unwrap_or("deleted_at"),
            Type::DateTime,
        );
    }
    info.tenant = tenant;
    // A word that nobody knows opens nothing.
    info.sharing = definition["sharingModel"]
        .as_str()
        .map(|model| Openness::of_sharing_model(model).unwrap_or(Openness::Private));
    for (name, declared) in definition["fields"].as_object().into_iter().flatten() {
        let kind = declared["type"].as_str().unwrap_or_default();
        let reference = declared["reference"].as_str().map(str::to_owned);
        let value_type = match Type::of_field_type(kind) {
            Some(_) if declared["multiple"] == true => Type::List,
            Some(value_type) => value_type,
            None => Type::Any,
        };
        if kind == "master_detail" && info.parent.is_none() {
            info.parent = reference.clone().map(|parent| (name.clone(), parent));
        }
        let field = FieldInfo {
            value_type,
            reference,
            mask: MaskRule::read(&declared["maskingRule"]),
            beyond_sql: None,
        };
        info.fields.insert(name.clone(), field);
    }
    info
}

/// The fields of one object, for the expression language.
#[derive(Clone, Copy, Debug)]
pub struct ObjectScope<'a> {
    catalogue: &'a Catalogue,
    object: &'a str,
}

impl Scope for ObjectScope<'_> {
    fn field_type(&self, path: &[&str]) -> Option<Type> {
        self.catalogue.walk(self.object, path).map(|field| field.value_type)
    }

    fn field_names(&self, relations: &[&str]) -> Vec<String> {
        let mut at = self.catalogue.object(self.object);
        for relation in relations {
            let target = at.and_then(|object| object.fields.get(*relation)?.reference.as_deref());
            at = target.and_then(|target| self.catalogue.object(target));
        }
        at.map(|object| object.fields.keys().cloned().collect())
            .unwrap_or_default()
    }

    fn offers_previous(&self) -> bool {
        false
    }
}

/// The name out of `known` that was most likely meant, or none when nothing is near.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let flat = |name: &str| name.to_ascii_lowercase().replace(['_', '-', ' ', '.'], "");
    let wanted = flat(wrong);
    let most = (wanted.chars().count() / 3).max(1);
    let near = known.into_iter().filter_map(|name| {
        let distance = strsim::osa_distance(&wanted, &flat(name));
        (distance <= most).then_some((distance, name))
    });
    near.min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_have_types_and_paths_lead_over_references() {
        let account = json!({"name": "account", "fields": {
            "industry": {"type": "select"}, "revenue": {"type": "currency"},
            "doubled": {"type": "formula", "expression": "revenue * 2"},
        }});
        let contact = json!({"name": "contact", "tenancy": {"enabled": true}, "fields": {
            "account": {"type": "master_detail", "reference": "account"},
            "tags": {"type": "select", "multiple": true},
        }});
        // As the service `metadata` gives it: with the protocol's default filled in.
        let note = json!({"name": "note", "tenancy": {"enabled": true, "tenantField": "tenant_id"}, "fields": {}});
        let catalogue = Catalogue::new([&account, &contact, &note]);
        let tenant_of = |object: &str| catalogue.object(object).and_then(|object| object.tenant.clone());
        assert_eq!(tenant_of("note").as_deref(), Some("organization_id"));
        assert_eq!(
            (tenant_of("contact").as_deref(), tenant_of("account")),
            (Some("organization_id"), None)
        );
        let type_of = |object: &str, path: &[&str]| catalogue.walk(object, path).map(|field| field.value_type);
        assert_eq!(type_of("contact", &["account", "industry"]), Some(Type::Text));
        assert_eq!(type_of("contact", &["account", "doubled"]), Some(Type::Number));
        assert_eq!(type_of("contact", &["tags"]), Some(Type::List));
        assert_eq!(type_of("contact", &["organization_id"]), Some(Type::Text));
        assert_eq!(type_of("account", &["organization_id"]), None);
        assert_eq!(type_of("contact", &["account", "nothing"]), None);
        let parent = catalogue.object("contact").and_then(|object| object.parent.clone());
        assert_eq!(parent, Some(("account".to_owned(), "account".to_owned())));
    }

    #[test]
    fn formulas_that_no_database_computes_are_known_with_the_reason() {
        let account = json!({"name": "account", "fields": {
            "name": {"type": "text"}, "size": {"type": "number"}, "data": {"type": "json"},
            "loud": {"type": "formula", "expression": "UPPER(name)"},
            "louder": {"type": "formula", "expression": "loud & '!'"},
            "loudest": {"type": "formula", "expression": "louder & louder"},
            "root": {"type": "formula", "expression": "SQRT(size) & name"},
            "odd": {"type": "formula", "expression": "VALUE(data) + 1"},
            "wrong": {"type": "formula", "expression": "UPPER("},
        }});
        let contact = json!({"name": "contact", "fields": {
            "account": {"type": "lookup", "reference": "account"},
            "cry": {"type": "formula", "expression": "account.loud"},
        }});
        let catalogue = Catalogue::new([&contact, &account]);
        let check = |object: &str, path: &str, expected: Option<(&str, &str)>| {
            assert_eq!(catalogue.beyond_sql(object, path), expected, "{object} {path}");
        };
        let upper = "UPPER is not the same in every database";
        check("account", "loud", Some(("loud", upper)));
        check("contact", "account.loud", Some(("loud", upper)));
        let read = "it reads `loud`, and UPPER is not the same in every database";
        check("account", "louder", Some(("louder", read)));
        let twice = "it reads `louder`, and it reads `loud`, and UPPER is not the same in every database";
        check("account", "loudest", Some(("loudest", twice)));
        let related = "it reads `account.loud`, and UPPER is not the same in every database";
        check("contact", "cry", Some(("cry", related)));
        for (object, path) in [
            ("account", "name"),
            ("account", "root"),
            // What is in there only the data engine knows.
            ("account", "odd"),
            ("account", "wrong"),
            ("account", "nothing"),
            ("contact", "account.root"),
        ] {
            check(object, path, None);
        }
    }
}
