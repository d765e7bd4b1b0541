//! Window functions: checks them, and writes them. A window sees what the query sees: filters and permissions come first.

use super::cursor::SortKey;
use super::filter::{Class, FieldRef, Source, WindowSource};
use super::input::{FrameEnd, FrameInput, SortInput, WindowInput};
use super::sql::{Addend, SqlWriter};
use crate::error::{DataError, Result};
use crate::model::nearest;
use crate::record::Form;
use crate::store::Family;

/// Windows of one query at most.
pub const WINDOWS_MAX: usize = 20;

const FUNCTIONS: [(&str, &str); 13] = [
    ("row_number", "ROW_NUMBER"),
    ("rank", "RANK"),
    ("dense_rank", "DENSE_RANK"),
    ("percent_rank", "PERCENT_RANK"),
    ("lag", "LAG"),
    ("lead", "LEAD"),
    ("first_value", "FIRST_VALUE"),
    ("last_value", "LAST_VALUE"),
    ("sum", "SUM"),
    ("avg", "AVG"),
    ("count", "COUNT"),
    ("min", "MIN"),
    ("max", "MAX"),
];

/// A field that a window reads.
#[derive(Clone, Debug)]
pub struct WindowField {
    /// What stands for it.
    pub reference: FieldRef,
    /// How its values are answered.
    pub form: Form,
    /// Its decimals.
    pub scale: Option<u32>,
    /// PostgreSQL holds its numbers as decimals.
    pub decimal: bool,
}

/// Where windows find their fields: among those of the records, or among groups and figures.
pub trait WindowFields {
    /// A field to read.
    ///
    /// # Errors
    /// When there is none of this name.
    fn field(&mut self, name: &str) -> Result<WindowField>;

    /// An order.
    ///
    /// # Errors
    /// When there is none of a name, or it has no order.
    fn order(&mut self, wanted: &[SortInput]) -> Result<Vec<SortKey>>;

    /// What makes any order complete, so that places are the same every time.
    fn last(&mut self) -> Result<Option<SortKey>>;
}

fn wrong(message: String) -> DataError {
    DataError::InvalidQuery { message }
}

/// Checks a window.
///
/// # Errors
/// `InvalidQuery` for an unknown function or a field that it does not fit; those of the fields otherwise.
pub fn plan(window: &WindowInput, fields: &mut dyn WindowFields) -> Result<(FieldRef, Form)> {
    let name = window.function.to_ascii_lowercase();
    let Some((name, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name).copied() else {
        let names = FUNCTIONS.map(|(name, _)| name);
        let hint = nearest(&name, names)
            .map(|name| format!("; did you mean '{name}'?"))
            .unwrap_or_default();
        return Err(wrong(format!("unknown window function '{}'{hint}", window.function)));
    };
    let places = matches!(name, "row_number" | "rank" | "dense_rank" | "percent_rank");
    let shifts = matches!(name, "lag" | "lead");
    let field = match (&window.field, places) {
        (Some(field), false) => Some(fields.field(field)?),
        (None, false) if name != "count" => return Err(wrong(format!("'{name}' needs a field"))),
        _ => None,
    };
    if window.offset.is_some() && !shifts {
        return Err(wrong(format!("'{name}' takes no offset")));
    }
    let (class, form) = outcome(name, window, field.as_ref())?;
    let mut order = fields.order(&window.order)?;
    // Who comes first among equals must not be chance; ranks and sums treat equals as equals.
    if matches!(name, "row_number" | "lag" | "lead" | "first_value" | "last_value")
        && let Some(last) = fields.last()?
        && !order.contains(&last)
    {
        order.push(last);
    }
    let partition = window
        .partition
        .iter()
        .map(|name| fields.field(name).map(|field| field.reference))
        .collect::<Result<_>>()?;
    let source = WindowSource {
        function,
        decimal: field.as_ref().is_some_and(|field| field.decimal),
        field: field.map(|field| field.reference),
        offset: window.offset,
        partition,
        order,
        frame: frame(name, window),
    };
    Ok((
        FieldRef {
            table: 0,
            source: Source::Window(std::sync::Arc::new(source)),
            class,
        },
        form,
    ))
}

/// What comes out of it.
fn outcome(name: &str, window: &WindowInput, field: Option<&WindowField>) -> Result<(Class, Form)> {
    let Some(field) = field else {
        return Ok((Class::Number, Form::Plain));
    };
    let class = field.reference.class;
    let fits = match name {
        "sum" | "avg" => class == Class::Number,
        "min" | "max" => class.ordered() && class != Class::Boolean,
        "count" => true,
        _ => class != Class::Document,
    };
    if !fits {
        return Err(wrong(format!(
            "'{name}' does not work on '{}', which is {}",
            window.field.as_deref().unwrap_or_default(),
            class.name()
        )));
    }
    Ok(match name {
        "count" => (Class::Number, Form::Plain),
        "avg" => (Class::Number, Form::Figure),
        "sum" => (Class::Number, field.scale.map_or(Form::Figure, Form::Rounded)),
        _ => (class, field.form),
    })
}

/// The last value is that of the window, not that of the record itself, as the frame of SQL would have it.
fn frame(name: &str, window: &WindowInput) -> Option<FrameInput> {
    let whole = FrameInput {
        range: false,
        start: FrameEnd::First,
        end: FrameEnd::Last,
    };
    match name {
        "last_value" | "first_value" => Some(window.frame.unwrap_or(whole)),
        "sum" | "avg" | "count" | "min" | "max" => window.frame,
        // Places and shifts look at the whole window by nature.
        _ => None,
    }
}

impl SqlWriter {
    /// `FUNCTION(field) OVER (PARTITION BY … ORDER BY … ROWS BETWEEN …)`.
    pub(super) fn window(&mut self, window: &WindowSource) -> &mut Self {
        if let (Some(field), "SUM" | "AVG") = (&window.field, window.function) {
            return self.added_around(window, field);
        }
        self.push(window.function).push("(");
        match (&window.field, window.function) {
            (Some(field), _) => self.field(field),
            (None, "COUNT") => self.push("*"),
            (None, _) => self,
        };
        if let Some(offset) = window.offset {
            self.push(", ").number(offset);
        }
        self.push(")").over(window)
    }

    /// A sum or a mean over neighbours; it is rounded when it is told, as nothing is compared with it.
    fn added_around(&mut self, window: &WindowSource, field: &FieldRef) -> &mut Self {
        if self.dialect().family() == Family::Sqlite {
            // Of whole numbers it would fail beyond 64 bits, also where one leaves the window.
            self.push(window.function).push("(CAST(").field(field);
            return self.push(" AS REAL))").over(window);
        }
        let addend = Addend {
            field,
            distinct: false,
            decimal: window.decimal,
        };
        self.added(window.function == "AVG", &addend, &|writer| {
            writer.over(window);
        })
    }

    fn over(&mut self, window: &WindowSource) -> &mut Self {
        self.push(" OVER (");
        let mut between = "";
        if !window.partition.is_empty() {
            self.push("PARTITION BY ");
            self.list(", ", &window.partition, |writer, field| {
                writer.field(field);
            });
            between = " ";
        }
        if !window.order.is_empty() {
            self.push(between).push("ORDER BY ").order(&window.order);
            between = " ";
        }
        if let Some(frame) = &window.frame {
            self.push(between).push(if frame.range { "RANGE" } else { "ROWS" });
            self.push(" BETWEEN ").frame_end(frame.start);
            self.push(" AND ").frame_end(frame.end);
        }
        self.push(")")
    }

    fn frame_end(&mut self, end: FrameEnd) -> &mut Self {
        match end {
            FrameEnd::First => self.push("UNBOUNDED PRECEDING"),
            FrameEnd::Before(count) => self.number(count).push(" PRECEDING"),
            FrameEnd::Current => self.push("CURRENT ROW"),
            FrameEnd::After(count) => self.number(count).push(" FOLLOWING"),
            FrameEnd::Last => self.push("UNBOUNDED FOLLOWING"),
        }
    }

    /// Fields of an order, each with its direction and the place of nulls.
    pub fn order(&mut self, order: &[SortKey]) -> &mut Self {
        self.list(", ", order, |writer, key| {
            writer.field(&key.field).direction(key);
        })
    }

    /// In which direction, behind what is ordered by.
    pub fn direction(&mut self, key: &SortKey) -> &mut Self {
        let nulls = if key.is_primary() {
            ""
        } else if key.nulls_first == key.descending {
            if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" }
        } else {
            self.dialect().nulls(!key.descending)
        };
        self.push(if key.descending { " DESC" } else { "" }).push(nulls)
    }
}
