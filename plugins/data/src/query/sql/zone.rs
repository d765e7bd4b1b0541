//! Local time in SQL: the changes of a zone as a decision tree, so that every database finds the same offset from the same
//! rules, whatever it knows of zones itself. Called by `formula`, and by `bucket` for groups.

use objectos_expression::{Node, Zone, ZoneChange};

use super::SqlWriter;
use crate::query::filter::FormulaSource;
use crate::record::moment;
use crate::store::Construct;

/// Which of a change's two moments a value is held against.
pub(in crate::query) type Edge = dyn Fn(&ZoneChange) -> i64;

/// Writes the value that the tree is about.
pub(in crate::query) type Subject<'w> = dyn Fn(&mut SqlWriter) + 'w;

impl SqlWriter {
    /// The offset that holds, in seconds, found by halving.
    pub(in crate::query) fn offset(&mut self, first: i32, changes: &[ZoneChange], edge: &Edge, subject: &Subject<'_>) {
        let (before, from) = changes.split_at(changes.len() / 2);
        let Some((change, after)) = from.split_first() else {
            let sign = if first < 0 { "-" } else { "" };
            self.push(sign).number(first.unsigned_abs().into());
            return;
        };
        self.push("CASE WHEN ");
        subject(self);
        // Moments of the zone's rules are digits and marks, made here; all lie in years that can be written.
        let at = moment::from_ms(edge(change)).unwrap_or_default();
        self.push(" < '").push(&at).push("' THEN ");
        self.offset(first, before, edge, subject);
        self.push(" ELSE ");
        self.offset(change.offset_seconds, after, edge, subject);
        self.push(" END");
    }

    /// `construct` of a moment (`$0`) and the offset at it (`$1`).
    pub(super) fn in_zone(&mut self, construct: Construct, node: &Node, formula: &FormulaSource) {
        self.push("(SELECT ");
        self.with_offset(construct, &formula.zone, &|change| change.at_ms);
        self.push(" FROM (SELECT ");
        self.node(node, formula);
        self.push(" AS ").name("m");
        self.named_once().push(" z)");
    }

    /// The moment at which it is the local time that `local` writes, with a `Z`.
    pub(super) fn moment_in_zone(&mut self, zone: &Zone, local: &Subject<'_>) {
        let within = self.dialect().construct(Construct::WithinCalendar);
        self.push("(SELECT ")
            .push(&within.replace("$0", "y.\"m\""))
            .push(" FROM (SELECT ");
        self.with_offset(Construct::Unshifted, zone, &|change| change.local_ms);
        self.push(" AS ").name("m");
        self.push(" FROM (SELECT ");
        local(self);
        self.push(" AS ").name("m");
        self.named_once().push(" z");
        self.named_once().push(" y)");
    }

    /// Ends a subquery whose one row the database must not put in the place of its name, as that stands in many places.
    fn named_once(&mut self) -> &mut Self {
        let once = self.dialect().once();
        self.push(once).push(")")
    }

    fn with_offset(&mut self, construct: Construct, zone: &Zone, edge: &Edge) {
        let template = self.dialect().construct(construct);
        let mut rest = template.as_ref();
        while let Some(at) = rest.find('$') {
            self.push(&rest[..at]);
            if rest[at..].starts_with("$0") {
                self.push("z.").name("m");
            } else {
                self.offset(zone.first_seconds(), zone.changes(), edge, &|writer| {
                    writer.push("z.").name("m");
                });
            }
            rest = &rest[at + 2..];
        }
        self.push(rest);
    }
}
