//! A field of an object, and what GraphQL calls its type.

use std::collections::HashMap;

use serde_json::Value;

/// A field.
#[derive(Debug, Default)]
pub(crate) struct FieldModel {
    /// As the metadata calls it.
    pub(crate) name: String,
    /// As GraphQL calls its value; of a reference that is the id.
    pub(crate) value_name: String,
    /// As GraphQL calls the record that it points to.
    pub(crate) record_name: Option<String>,
    /// Place of the object that it points to.
    pub(crate) target: Option<usize>,
    pub(crate) kind: Kind,
    /// The value is a list.
    pub(crate) list: bool,
    /// Set exactly for [`Kind::Choice`].
    pub(crate) choices: Option<Choices>,
    pub(crate) description: String,
    /// No client writes it.
    pub(crate) readonly: bool,
    /// Nobody finds records by it.
    pub(crate) secret: bool,
}

/// What values of a field are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    #[default]
    Text,
    Email,
    Url,
    Phone,
    Number,
    Currency,
    Date,
    DateTime,
    Time,
    Boolean,
    Id,
    Choice,
    /// The description of a file, of which the address is told.
    Media,
    /// A location or an address.
    Object,
    Json,
}

impl Kind {
    /// By the type of the metadata. `bool`: a list, whatever `multiple` says.
    pub(crate) fn of(field_type: &str) -> (Self, bool) {
        match field_type {
            "email" => (Self::Email, false),
            "url" => (Self::Url, false),
            "phone" => (Self::Phone, false),
            "number" | "percent" | "rating" | "slider" | "progress" | "summary" => (Self::Number, false),
            "currency" => (Self::Currency, false),
            "date" => (Self::Date, false),
            "datetime" => (Self::DateTime, false),
            "time" => (Self::Time, false),
            "boolean" | "toggle" => (Self::Boolean, false),
            "select" | "radio" => (Self::Choice, false),
            "multiselect" | "checkboxes" | "tags" => (Self::Text, true),
            "lookup" | "master_detail" | "tree" => (Self::Id, false),
            "image" | "file" | "avatar" | "video" | "audio" => (Self::Media, false),
            "location" | "address" => (Self::Object, false),
            "vector" => (Self::Number, true),
            // Of what type a formula is, only its expression knows.
            "json" | "formula" => (Self::Json, false),
            _ => (Self::Text, false),
        }
    }

    /// The scalar of its values in answers; a choice has an enum of its own.
    pub(crate) fn scalar(self) -> &'static str {
        match self {
            Self::Text | Self::Choice => "String",
            Self::Email => "Email",
            Self::Url | Self::Media => "URL",
            Self::Phone => "PhoneNumber",
            Self::Number => "Float",
            Self::Currency => "Currency",
            Self::Date => "Date",
            Self::DateTime => "DateTime",
            Self::Time => "Time",
            Self::Boolean => "Boolean",
            Self::Id => "ID",
            Self::Object => "JSONObject",
            Self::Json => "JSON",
        }
    }

    /// The type of what it is found by.
    pub(crate) fn filter(self, list: bool) -> &'static str {
        match self {
            Self::Media | Self::Object => "PresenceFilter",
            Self::Number if list => "PresenceFilter",
            Self::Id if list => "IDListFilter",
            _ if list => "StringListFilter",
            Self::Text | Self::Email | Self::Url | Self::Phone | Self::Choice => "StringFilter",
            Self::Number => "FloatFilter",
            Self::Currency => "CurrencyFilter",
            Self::Date => "DateFilter",
            Self::DateTime => "DateTimeFilter",
            Self::Time => "TimeFilter",
            Self::Boolean => "BooleanFilter",
            Self::Id => "IDFilter",
            Self::Json => "JSONFilter",
        }
    }
}

/// Values of a choice, each under a name that GraphQL allows.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    /// Of the enum.
    pub(crate) type_name: String,
    /// Name, value and label, in the order declared.
    pub(crate) list: Vec<Choice>,
    by_name: HashMap<String, usize>,
    by_value: HashMap<String, usize>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) label: String,
}

impl Choices {
    pub(crate) fn new(type_name: String, list: Vec<Choice>) -> Self {
        let places = |key: fn(&Choice) -> &str| -> HashMap<String, usize> {
            list.iter()
                .enumerate()
                .map(|(place, choice)| (key(choice).to_owned(), place))
                .collect()
        };
        Self {
            type_name,
            by_name: places(|choice| &choice.name),
            by_value: places(|choice| &choice.value),
            list,
        }
    }

    /// What is stored for a name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let place = self.by_name.get(name)?;
        self.list.get(*place).map(|choice| choice.value.as_str())
    }

    /// The name of what is stored.
    pub(crate) fn name(&self, value: &str) -> Option<&str> {
        let place = self.by_value.get(value)?;
        self.list.get(*place).map(|choice| choice.name.as_str())
    }
}

/// What the definition says of a field, as far as it matters here.
#[derive(Debug)]
pub(super) struct Declared<'a> {
    pub(super) name: &'a str,
    definition: &'a Value,
}

impl<'a> Declared<'a> {
    pub(super) fn new(name: &'a str, definition: &'a Value) -> Self {
        Self { name, definition }
    }

    fn text(&self, key: &str) -> &'a str {
        self.definition.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn says(&self, key: &str) -> bool {
        self.definition.get(key) == Some(&Value::Bool(true))
    }

    fn masked(&self) -> bool {
        self.definition.get("maskingRule").is_some_and(|rule| !rule.is_null())
    }

    /// The object that it points to: a tree without `reference` points to its own.
    pub(super) fn reference(&self, own: &'a str) -> Option<&'a str> {
        let named = Some(self.text("reference")).filter(|name| !name.is_empty());
        match self.text("type") {
            "lookup" | "master_detail" => named,
            "tree" => named.or(Some(own)),
            _ => None,
        }
    }

    /// `{value, label}` of a choice; none where any text is accepted.
    pub(super) fn options(&self) -> Vec<(&'a str, &'a str)> {
        let options = self.definition.get("options").and_then(Value::as_array);
        let text = |option: &'a Value, key: &str| option.get(key).and_then(Value::as_str);
        options
            .into_iter()
            .flatten()
            .filter_map(|option| Some((text(option, "value")?, text(option, "label").unwrap_or_default())))
            .collect()
    }

    /// Kind, and whether the value is a list. Behind a mask a choice is any text, and a list anything.
    pub(super) fn kind(&self) -> (Kind, bool) {
        let (kind, always) = Kind::of(self.text("type"));
        let many = matches!(self.text("type"), "select" | "radio" | "lookup") || kind == Kind::Media;
        let several = self.definition.get("fileAttachmentConfig");
        let attached = several.is_some_and(|config| config.get("allowMultiple") == Some(&Value::Bool(true)));
        let list = always || (many && self.says("multiple")) || (kind == Kind::Media && attached);
        match kind {
            _ if list && self.masked() => (Kind::Json, false),
            Kind::Choice if list || self.masked() || self.options().is_empty() => (Kind::Text, list),
            kind => (kind, list),
        }
    }

    pub(super) fn readonly(&self) -> bool {
        self.says("readonly") || matches!(self.text("type"), "formula" | "summary" | "autonumber")
    }

    pub(super) fn secret(&self) -> bool {
        let encrypted = self
            .definition
            .get("encryptionConfig")
            .and_then(|config| config.get("enabled"));
        self.text("type") == "password" || encrypted == Some(&Value::Bool(true))
    }

    /// For people who read the schema.
    pub(super) fn description(&self) -> String {
        let described = Some(self.text("description")).filter(|text| !text.is_empty());
        let mut out = described.unwrap_or_else(|| self.text("label")).to_owned();
        if self.says("required") {
            out.push_str(if out.is_empty() { "Required" } else { " (required)" });
        }
        out
    }
}
