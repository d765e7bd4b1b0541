//! What the plan of a statement must be, and whether it is. Called for every query that is measured (`world`).

use objectos_data::store::Family;

/// What the plan of a statement must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Whatever it is.
    Free,
    /// The records are found by an index.
    Index,
    /// They come in their order, too: what is sorted is at most what is the same in the index.
    Order,
    /// They are found by the index of their words.
    Words,
}

/// Of what must go through many records.
pub(crate) const FREE: [Demand; 2] = [Demand::Free; 2];

impl Demand {
    /// What is demanded of the statements that come after the first of a page.
    pub(crate) fn of_rest(self) -> Self {
        match self {
            Self::Order => Self::Index,
            other => other,
        }
    }

    /// Whether a plan is as it must be.
    pub(crate) fn meets(self, family: Family, plan: &[String]) -> bool {
        let any = |what: &str| plan.iter().any(|line| line.contains(what));
        match (self, family) {
            (Self::Free, _) => true,
            (Self::Words, Family::Sqlite) => any("VIRTUAL TABLE INDEX"),
            (Self::Words, Family::Postgres) => any("Bitmap Index Scan") && !any("Seq Scan"),
            (Self::Index, Family::Sqlite) => {
                let walks = |line: &String| line.starts_with("SCAN t") && !line.contains(" USING ");
                any(" USING ") && !plan.iter().any(walks)
            }
            (Self::Index, Family::Postgres) => any("Index") && !any("Seq Scan"),
            (Self::Order, _) => Self::Index.meets(family, plan) && !plan.iter().any(|line| sorts(family, line)),
        }
    }
}

/// Whether a line of a plan says that everything is sorted.
fn sorts(family: Family, line: &str) -> bool {
    let step = line.trim_start_matches([' ', '-', '>']);
    match family {
        Family::Sqlite => step == "USE TEMP B-TREE FOR ORDER BY",
        Family::Postgres => step == "Sort",
    }
}
