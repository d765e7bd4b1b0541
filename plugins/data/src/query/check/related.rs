//! Conditions on several related records: those of a list of references, and those that point here. Written as a semi-join, so
//! that one statement looks at each related record once, however many records of the object there are.

use std::sync::Arc;

use super::{Checker, Purpose, same_datasource, unknown};
use crate::error::Result;
use crate::model::{FieldKind, SystemField};
use crate::query::filter::{Class, FieldRef, Filter, Lookup, Source};
use crate::query::written::{Quantifier, RawRelated};
use crate::record::Layout;

/// Records of a related object, and how they are found.
pub(super) struct RelatedRecords<'a> {
    /// Of the record here: its id, or its list of references.
    here: FieldRef,
    /// Of the related record.
    there: FieldRef,
    layout: &'a Arc<Layout>,
}

impl<'a> Checker<'a> {
    pub(super) fn related(&mut self, raw: &RawRelated) -> Result<Filter> {
        let found = self.related_records(&raw.path)?;
        let mut inner = Checker::new(self.schema, found.layout, self.views, self.environment);
        inner.system = self.system;
        inner.official = self.official;
        let visible = match self.view(&found.layout.object.name) {
            Some(view) => inner.own_view(view)?,
            None => Filter::always(),
        };
        let condition = inner.filter(&raw.filter)?;
        let condition = match raw.quantifier {
            Quantifier::Some | Quantifier::None => condition,
            // All are like this when none is not.
            Quantifier::Every => Filter::Not(Box::new(condition)),
        };
        let lookup = Lookup {
            source: found.there,
            filter: visible.and(condition),
            scope: inner.scope,
        };
        let some = Filter::InRecords(found.here, Arc::new(lookup));
        Ok(match raw.quantifier {
            Quantifier::Some => some,
            Quantifier::Every | Quantifier::None => Filter::Not(Box::new(some)),
        })
    }

    /// The object whose records point here, and its reference.
    ///
    /// # Errors
    /// `UnknownFields`, also for one whose reference the caller may not read.
    pub fn children(&self, name: &str) -> Result<(Arc<Layout>, String)> {
        let layout = self.root_layout();
        let child = self.schema.child_relation(&layout.object.name, name);
        let readable = |child: &Layout, via: &str| match &self.views {
            // An object that nobody asked for is asked for when it is read.
            Some(views) if views.has(&child.object.name) => views.of(&child.object.name).reads(via),
            _ => true,
        };
        match child.filter(|(child, via)| readable(child, via)) {
            Some((child, via)) => Ok((Arc::clone(child), via.to_owned())),
            None => {
                let fields = layout.object.fields.keys().map(String::as_str);
                let near = crate::model::nearest(name, fields.chain(self.schema.child_names(&layout.object.name)))
                    .filter(|_| self.views.is_none());
                Err(unknown(&layout.object, name, near, Purpose::Select))
            }
        }
    }

    fn related_records(&mut self, path: &str) -> Result<RelatedRecords<'a>> {
        let mut hops: Vec<&str> = path.split('.').collect();
        let last = hops.pop().unwrap_or_default();
        let mut at = (0, self.root_layout());
        for hop in hops {
            at = self.hop(at.0, at.1, hop, path, Purpose::Filter)?;
        }
        let (table, layout) = at;
        let column = |table: usize, name: &str, class: Class| FieldRef {
            table,
            source: Source::Column(name.to_owned()),
            class,
        };
        let id = SystemField::Id.name();
        if let Some(field) = layout
            .object
            .field(last)
            .filter(|field| field.kind == FieldKind::References)
        {
            let field = self.visible_field(&layout.object, &field.name, path, Purpose::Filter)?;
            let target = field
                .reference
                .as_ref()
                .and_then(|reference| self.schema.layout(&reference.object));
            if let Some(target) = target {
                same_datasource(layout, target, path)?;
                return Ok(RelatedRecords {
                    here: column(table, &field.name, Class::List),
                    there: column(0, id, Class::Text),
                    layout: target,
                });
            }
        }
        let child = self.schema.child_relation(&layout.object.name, last);
        // A reference that the caller may not read tells nothing, not even that it is there.
        let readable = |child: &Layout, via: &str| self.view(&child.object.name).is_none_or(|view| view.reads(via));
        match child.filter(|(child, via)| readable(child, via)) {
            Some((child, via)) => {
                same_datasource(layout, child, path)?;
                Ok(RelatedRecords {
                    here: column(table, id, Class::Text),
                    there: column(0, via, Class::Text),
                    layout: child,
                })
            }
            None => {
                let near = crate::model::nearest(last, self.schema.child_names(&layout.object.name))
                    .filter(|_| self.views.is_none());
                Err(unknown(&layout.object, path, near, Purpose::Filter))
            }
        }
    }
}
