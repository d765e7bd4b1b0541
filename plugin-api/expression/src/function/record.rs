//! The record and its change: all special forms.

use super::Parameter::{Any, List, Text};
use super::{Form, Function, Special};
use crate::node::Variable;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::of(
        "ISNEW",
        "ISNEW()",
        "whether the record is being created",
        &[],
        Form::Special(Special::Variable(Variable::IsNew)),
    ),
    Function::of(
        "USER",
        "USER()",
        "the id of the caller; null when nobody is signed in",
        &[],
        Form::Special(Special::User),
    ),
    Function::of(
        "ISCHANGED",
        "ISCHANGED(field)",
        "whether the field has another value than before; on a new record, whether it has one",
        &[Any],
        Form::Special(Special::IsChanged),
    ),
    Function::of(
        "PRIORVALUE",
        "PRIORVALUE(field)",
        "the value before the change; null on a new record",
        &[Any],
        Form::Special(Special::PriorValue),
    ),
    Function::of(
        "ISPICKVAL",
        "ISPICKVAL(field, value)",
        "whether the select field has the value",
        &[Text, Text],
        Form::Special(Special::IsPickval),
    ),
    Function::of(
        "INCLUDES",
        "INCLUDES(list, value)",
        "whether the value is among those of the multiselect field",
        &[List, Any],
        Form::Special(Special::Includes),
    ),
];
