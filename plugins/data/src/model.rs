//! What the engine works on: apps compiled into one immutable [`Catalogue`] of [`ObjectModel`]s.
//!
//! Everything that can be decided once is decided when the catalogue is built (`app`): names are resolved, expressions are
//! checked, options and transitions are sets. Nothing here knows SQL, YAML or HTTP, and nothing here changes: a new
//! catalogue takes the place of the old one as a whole ([`CatalogueCell`]), so one request sees one version from end to end.
//!
//! Invariants: every object and field that a reference, index, rule or formula names exists; `id` is the first field; the
//! other system fields come last; names of objects, fields and tables are `^[a-z_][a-z0-9_]*$` of at most 63 bytes, but they
//! may be keywords of SQL, so a store quotes them. No object or table is called `objectos_…`, `sqlite_…` or `pg_…`: tables
//! of a store's own go there.
//!
//! Called by the engine, the query compiler, the stores, the schema planner and the metadata routes.

mod catalogue;
mod expression;
mod field;
mod index;
mod naming;
mod object;
mod rule;
mod settings;
mod system;
mod words;

pub use catalogue::{Catalogue, CatalogueCell, Child};
pub use expression::{Expression, ModelScope};
pub use field::{
    AutonumberFormat, AutonumberPart, ColumnType, DefaultValue, FieldKind, FieldModel, Limits, OptionModel, Options,
    Period, ReferenceModel, SummaryModel,
};
pub use index::{IndexCondition, IndexMethod, IndexModel, IndexOperand, PartialModel};
pub use naming::{ANSWER_KEYS, NAME_BYTES_MAX, RESERVED_PREFIXES, is_reserved, nearest};
pub use object::{ObjectModel, SoftDeleteModel, TenancyModel, TitleFormat, TitlePart, VersioningModel};
pub use rule::{Asked, AskedModel, RuleCheck, RuleModel, VALIDATOR_SERVICES};
pub use settings::{CurrencyModel, FieldSettings, FileModel, MaskModel, MaskPattern, PartsModel};
pub use system::SystemField;
