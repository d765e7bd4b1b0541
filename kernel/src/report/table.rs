//! The start report as a table: one line for each plugin, reasons below it.

use std::fmt;

use super::{PluginLine, StartReport};

const HEAD: [&str; 7] = ["plugin", "version", "state", "trust", "ms", "services", "routes"];

impl fmt::Display for StartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 7]> = self.plugins.iter().map(row).collect();
        let widths = widths(&rows);
        write_row(f, &HEAD.map(str::to_owned), &widths)?;
        for (row, plugin) in rows.iter().zip(&self.plugins) {
            write_row(f, row, &widths)?;
            if let Some(reason) = &plugin.reason {
                write_below(f, reason)?;
            }
            for warning in &plugin.warnings {
                write_below(f, &format!("warning: {warning}"))?;
            }
        }
        let known = |id: &Option<String>| self.plugins.iter().any(|plugin| Some(&plugin.id) == id.as_ref());
        for refusal in self.refused.iter().filter(|refusal| !known(&refusal.plugin)) {
            write_lines(f, &refusal.to_string())?;
        }
        Ok(())
    }
}

fn row(plugin: &PluginLine) -> [String; 7] {
    let services = if plugin.services.is_empty() {
        "-".to_owned()
    } else {
        plugin.services.join(", ")
    };
    [
        plugin.id.clone(),
        plugin.version.clone(),
        plugin.state.clone(),
        crate::package::name_of(&plugin.trust),
        format!("{:.1}", plugin.start_ms),
        services,
        plugin.routes.to_string(),
    ]
}

fn widths(rows: &[[String; 7]]) -> [usize; 7] {
    std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([HEAD[column].len()]).max().unwrap_or_default()
    })
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &[String; 7], widths: &[usize; 7]) -> fmt::Result {
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}"))
        .collect();
    writeln!(f, "{}", cells.join("  ").trim_end())
}

fn write_below(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| writeln!(f, "    {line}"))
}

fn write_lines(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| writeln!(f, "{line}"))
}

#[cfg(test)]
mod tests {
    use super::{PluginLine, StartReport};
    use objectos_protocol::kernel::PluginTrustLevel;

    #[test]
    fn the_table_has_a_line_for_each_plugin_and_its_reason_below() {
        let line = |id: &str, state: &str, services: &[&str], reason: Option<&str>| PluginLine {
            id: id.to_owned(),
            version: "1.0.0".to_owned(),
            state: state.to_owned(),
            trust: PluginTrustLevel::Trusted,
            essential: false,
            start_ms: 12.34,
            services: services.iter().map(|&name| name.to_owned()).collect(),
            routes: 2,
            reason: reason.map(str::to_owned),
            warnings: Vec::new(),
            result: None,
        };
        let report = StartReport {
            plugins: vec![
                line("com.example.a", "running", &["a", "b"], None),
                line("com.example.long", "failed", &[], Some("it says no\nhint: ask")),
            ],
            refused: Vec::new(),
            essential: std::collections::BTreeSet::new(),
            duration_ms: 20.0,
        };
        let expected = "\
plugin            version  state    trust    ms    services  routes
com.example.a     1.0.0    running  trusted  12.3  a, b      2
com.example.long  1.0.0    failed   trusted  12.3  -         2
    it says no
    hint: ask
";
        assert_eq!(report.to_string(), expected);
        assert!(!report.complete());
    }
}
