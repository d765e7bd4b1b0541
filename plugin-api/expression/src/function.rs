//! The functions: one table that parser, checker, evaluator, SQL form and documentation read.
//!
//! A row says name, spellings, signature, types, what null does and whether SQL has the same answer. Functions that do not simply
//! take values (IF, ISCHANGED, TODAY) are rows too; the checker turns them into nodes of their own.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use crate::error::EvaluationError;
use crate::limits::Meter;
use crate::node::{Node, Variable};
use crate::types::Type;
use crate::value::Value;
use crate::zone::Zone;

mod arguments;
mod date;
mod logic;
mod numeric;
mod record;
mod text;

/// One function of the language.
pub struct Function {
    /// The name, in capitals. Names are found in any case.
    pub name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// How it is called, for example `ROUND(number, [digits])`.
    pub signature: &'static str,
    /// What it gives, in one sentence.
    pub summary: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) required: usize,
    /// The last so many parameters repeat without end; 0 for none.
    pub(crate) repeated: usize,
    pub(crate) returns: Returns,
    pub(crate) form: Form,
    /// Called even if an argument is null; else null is the answer.
    pub(crate) takes_null: bool,
    /// The answer depends on the time zone.
    pub(crate) zoned: bool,
    pub(crate) sql: Sql,
}

/// What an argument has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    Any,
    Boolean,
    Number,
    Text,
    /// A date; a datetime becomes its local day.
    Date,
    /// A date or a datetime.
    Moment,
    DateTime,
    /// A time or a datetime.
    Clock,
    TextOrList,
    List,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returns {
    Always(Type),
    /// The type of the argument at this place.
    SameAs(usize),
    /// The special form decides.
    Special,
}

pub(crate) type Kernel = for<'a> fn(&mut Context<'_>, &[Value<'a>]) -> Result<Value<'a>, EvaluationError>;

#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// Takes values, gives a value.
    Kernel(Kernel),
    /// Becomes another node.
    Special(Special),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    And,
    BlankValue,
    Case,
    Coalesce,
    DaysSince,
    DaysUntil,
    If,
    Ifs,
    Includes,
    IsBlank,
    IsChanged,
    IsNull,
    IsPickval,
    Mod,
    Not,
    NullIf,
    Or,
    Power,
    PriorValue,
    Regex,
    User,
    Variable(Variable),
}

#[derive(Clone, Copy)]
pub(crate) enum Sql {
    Exact,
    /// Depends on the arguments.
    When(fn(&[Node]) -> bool),
    Never,
}

/// What is rounded has a form only if the digits are known, as the form depends on them.
const DIGITS_KNOWN: Sql = Sql::When(|arguments| arguments.get(1).is_none_or(|digits| digits.as_literal().is_some()));

/// What a kernel may use besides its arguments.
pub(crate) struct Context<'m> {
    pub(crate) meter: &'m mut Meter,
    pub(crate) zone: &'m Zone,
}

impl Function {
    const fn of(
        name: &'static str,
        signature: &'static str,
        summary: &'static str,
        parameters: &'static [Parameter],
        form: Form,
    ) -> Self {
        Function {
            name,
            aliases: &[],
            signature,
            summary,
            parameters,
            required: parameters.len(),
            repeated: 0,
            returns: Returns::Special,
            form,
            takes_null: false,
            zoned: false,
            sql: Sql::Never,
        }
    }

    const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn required(mut self, required: usize) -> Self {
        self.required = required;
        self
    }

    const fn repeated(mut self, repeated: usize) -> Self {
        self.repeated = repeated;
        self
    }

    const fn returns(mut self, value_type: Type) -> Self {
        self.returns = Returns::Always(value_type);
        self
    }

    const fn same_as(mut self, argument: usize) -> Self {
        self.returns = Returns::SameAs(argument);
        self
    }

    const fn takes_null(mut self) -> Self {
        self.takes_null = true;
        self
    }

    const fn zoned(mut self) -> Self {
        self.zoned = true;
        self
    }

    const fn sql(mut self, sql: Sql) -> Self {
        self.sql = sql;
        self
    }

    /// Whether so many arguments are allowed.
    pub fn takes(&self, count: usize) -> bool {
        count >= self.required && (self.repeated > 0 || count <= self.parameters.len())
    }

    pub(crate) const fn is_kernel(&self) -> bool {
        matches!(self.form, Form::Kernel(_))
    }

    pub(crate) fn parameter(&self, index: usize) -> Parameter {
        let count = self.parameters.len();
        let index = if index < count || self.repeated == 0 {
            index
        } else {
            count - self.repeated + (index - count) % self.repeated
        };
        self.parameters.get(index).copied().unwrap_or(Parameter::Any)
    }

    /// Whether SQLite and PostgreSQL can give the same answer for these arguments, which must have an SQL form themselves.
    pub fn has_sql_form(&self, arguments: &[Node]) -> bool {
        match self.sql {
            Sql::Exact => true,
            Sql::When(condition) => condition(arguments),
            Sql::Never => false,
        }
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

static GROUPS: [(&str, &[Function]); 5] = [
    ("Logic", logic::FUNCTIONS),
    ("Numbers", numeric::FUNCTIONS),
    ("Text", text::FUNCTIONS),
    ("Dates and times", date::FUNCTIONS),
    ("Record", record::FUNCTIONS),
];

/// All functions by group, in the order of the documentation.
pub fn functions() -> impl Iterator<Item = (&'static str, &'static Function)> {
    GROUPS
        .iter()
        .flat_map(|(group, functions)| functions.iter().map(move |function| (*group, function)))
}

/// The function of that name or alias, in any case.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    static BY_NAME: OnceLock<HashMap<&'static str, &'static Function>> = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        functions()
            .flat_map(|(_, function)| {
                std::iter::once((function.name, function))
                    .chain(function.aliases.iter().map(move |alias| (*alias, function)))
            })
            .collect()
    });
    by_name.get(name.to_ascii_uppercase().as_str()).copied()
}

/// The reference of all functions as Markdown, one table for each group.
///
/// It stands in `FUNCTIONS.md` of this crate; a test holds the two together.
pub fn functions_markdown() -> String {
    let mut markdown = String::new();
    for (group, functions) in &GROUPS {
        markdown.push_str(&format!(
            "## {group}\n\n| function | gives | also written | in SQL |\n|---|---|---|---|\n"
        ));
        for function in *functions {
            let sql = match (&function.form, function.sql) {
                (Form::Special(special), _) => {
                    if matches!(special, Special::Regex | Special::PriorValue | Special::IsChanged) {
                        "no"
                    } else {
                        "yes"
                    }
                }
                (_, Sql::Exact) => "yes",
                (_, Sql::When(_)) => "by argument",
                (_, Sql::Never) => "no",
            };
            let aliases = function
                .aliases
                .iter()
                .map(|alias| format!("`{alias}`"))
                .collect::<Vec<_>>()
                .join(" ");
            markdown.push_str(&format!(
                "| `{}` | {} | {aliases} | {sql} |\n",
                function.signature, function.summary
            ));
        }
        markdown.push('\n');
    }
    markdown
}

#[cfg(test)]
mod tests;
