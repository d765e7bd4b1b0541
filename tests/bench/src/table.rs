//! The table that the benchmark prints: a line for each figure, the mark that is asked of it, whether it holds, and at the end
//! how many do. The only place here that prints. Not here: what is measured, and which marks are asked.

use std::fmt;

use crate::stats::Series;

/// How far rounds of the plain program may be apart, relative to their median, before its line says so.
const SPREAD_MAX: f64 = 0.25;

/// What is asked of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mark {
    /// No less than this.
    AtLeast(f64),
    /// No more than this.
    AtMost(f64),
}

impl Mark {
    /// What is no number meets no mark.
    fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "≥ {least}"),
            Self::AtMost(most) => write!(f, "≤ {most}"),
        }
    }
}

/// The table so far.
#[derive(Debug, Default)]
pub(crate) struct Table {
    marks: usize,
    held: usize,
}

impl Table {
    /// Prints the head.
    pub(crate) fn begin() -> Self {
        println!("{:<44} {:>12} {:>12} {:>9}   mark", "", "ours", "plain", "ratio");
        Self::default()
    }

    /// Two series, both of which are the better the higher they are; the mark is on their ratio.
    pub(crate) fn ratio(&mut self, title: &str, ours: &Series, plain: &Series, mark: Option<Mark>) {
        let ratio = ours.median() / plain.median();
        let said = self.judge(mark, ratio);
        let noise = if plain.spread() > SPREAD_MAX {
            "   (the plain program moved by more than a quarter: repeat on a quiet machine)"
        } else {
            ""
        };
        let (ours, plain) = (ours.median(), plain.median());
        line(&format!(
            "{title:<44} {ours:>12.0} {plain:>12.0} {ratio:>9.2}   {said}{noise}"
        ));
    }

    /// What a call costs, and a plain one, nanoseconds; the mark is on how much more it is.
    pub(crate) fn over(&mut self, title: &str, ours_ns: f64, plain_ns: f64, mark: Option<Mark>) {
        let over = ours_ns - plain_ns;
        let said = self.judge(mark, over);
        let ratio = ours_ns / plain_ns;
        line(&format!(
            "{title:<44} {ours_ns:>12.0} {plain_ns:>12.0} {ratio:>9.2}   over plain: {over:.0} ns   {said}"
        ));
    }

    /// A figure that nothing is held against but its mark.
    pub(crate) fn figure(&mut self, title: &str, figure: f64, decimals: usize, mark: Option<Mark>) {
        let said = self.judge(mark, figure);
        line(&format!(
            "{title:<44} {figure:>12.decimals$} {:>12} {:>9}   {said}",
            "", ""
        ));
    }

    /// Prints how many marks hold; answers how many do not.
    pub(crate) fn end(&self) -> usize {
        println!("{} of {} marks hold", self.held, self.marks);
        self.marks - self.held
    }

    /// The mark, and whether it holds; nothing where none is asked.
    fn judge(&mut self, mark: Option<Mark>, figure: f64) -> String {
        let Some(mark) = mark else { return String::new() };
        let holds = mark.holds(figure);
        self.marks += 1;
        self.held += usize::from(holds);
        format!("{mark} {}", if holds { "held" } else { "MISSED" })
    }
}

fn line(text: &str) {
    println!("{}", text.trim_end());
}
