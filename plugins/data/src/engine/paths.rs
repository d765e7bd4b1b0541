//! Where the paths of a query lead, and whether the definitions of the objects there let clients in. A method that an object
//! switches off is off by every way: what a path over a reference tells is one record, as `get` does, and what it asks of records
//! that point here is a list of them. So it is with records that come in the place of their ids (`expand`).
//!
//! Not here: what permissions say (`access`), and what an object's own formulas, roll-ups and titles read, which is its author's
//! wish. Called by `find`, `get` and `search` for what a client wrote, before handlers of hooks add to it, and by `access`,
//! `related_hooks` and `snapshot`.

use std::sync::Arc;

use objectos_plugin_api::protocol::data::ApiMethod;

use super::{check_method, check_search};
use crate::error::Result;
use crate::model::FieldModel;
use crate::query::QueryInput;
use crate::query::check::{Purpose, named, unknown};
use crate::query::select::{Relation, RelationKind};
use crate::record::{Layout, Schema};

/// Follows a path. `each` sees every object behind the first, with the method that clients need there. Answers the object that
/// has the last name, and that name; nothing where a name before leads nowhere, as into a document.
pub(super) fn follow<'s, 'p>(
    schema: &'s Schema,
    from: &'s Arc<Layout>,
    path: &'p str,
    each: &mut dyn FnMut(&'s Arc<Layout>, ApiMethod),
) -> Option<(&'s Arc<Layout>, &'p str)> {
    let mut at = from;
    let (hops, last) = path.rsplit_once('.').unwrap_or(("", path));
    for hop in hops.split('.').filter(|hop| !hop.is_empty()) {
        // A field that refers to nothing hides no children of its name.
        let field = named(&at.object, hop).filter(|field| field.reference.is_some());
        let (target, method) = other_side(schema, at, hop, field)?;
        each(target, method);
        at = target;
    }
    Some((at, last))
}

/// Whether no path of the query, or of a relation that it expands, leads to an object that is closed to clients there. Where one
/// does, it answers as a path over an object that the caller may not read. The object itself was asked for by a method that is
/// on.
///
/// Fails with `UnknownFields`, or `InvalidSort` for an order.
pub(super) fn check_paths(schema: &Schema, layout: &Arc<Layout>, query: &QueryInput) -> Result<()> {
    let mut refused = None;
    query.visit_paths(&mut |path| {
        if refused.is_some() || !path.contains('.') {
            return;
        }
        let mut closed: Option<&Arc<Layout>> = None;
        follow(schema, layout, path, &mut |target, method| {
            let own = target.object.name == layout.object.name;
            if closed.is_none() && !own && check_method(target, method).is_err() {
                closed = Some(target);
            }
        });
        refused = closed.map(|target| {
            let ordered = query.order.iter().any(|sort| sort.field == path);
            let purpose = if ordered { Purpose::Sort } else { Purpose::Select };
            unknown(&target.object, path, None, purpose)
        });
    });
    if let Some(refused) = refused {
        return Err(refused);
    }
    // A relation that is closed itself brings nothing, whatever is asked of it.
    query.expand.iter().try_for_each(|(name, nested)| {
        let open = expanded(schema, layout, name).filter(|(target, method)| lets_in(target, *method, nested));
        open.map_or(Ok(()), |(target, _)| check_paths(schema, target, nested))
    })
}

/// Whether the other object lets clients have its records by a relation, and look for words among them where the relation does.
pub(super) fn lets_in(layout: &Layout, method: ApiMethod, query: &QueryInput) -> bool {
    let looked_into = query.search.is_none() || check_search(layout).is_ok();
    looked_into && check_method(layout, method).is_ok()
}

/// The other object of a relation that a query expands by this name, and the method that clients need there; nothing where there
/// is no such relation.
pub(super) fn expanded<'s>(schema: &'s Schema, layout: &Layout, name: &str) -> Option<(&'s Arc<Layout>, ApiMethod)> {
    other_side(schema, layout, name, layout.object.field(name))
}

/// One hop: the object that the field refers to, or where the name is that of no field, the one whose records point here by it;
/// with the method that clients need there. Nothing where that is no object with a table, or the field refers to none.
fn other_side<'s>(
    schema: &'s Schema,
    layout: &Layout,
    name: &str,
    field: Option<&FieldModel>,
) -> Option<(&'s Arc<Layout>, ApiMethod)> {
    match field {
        Some(field) => Some((schema.layout(&field.reference.as_ref()?.object)?, ApiMethod::Get)),
        None => Some((schema.child_relation(&layout.object.name, name)?.0, ApiMethod::List)),
    }
}

/// Whether clients may have what stands in the place of a relation's ids.
pub(super) fn is_open(relation: &Relation) -> bool {
    let method = match relation.kind {
        RelationKind::One | RelationKind::Many => ApiMethod::Get,
        RelationKind::Children(_) => ApiMethod::List,
    };
    lets_in(&relation.layout, method, &relation.query)
}
