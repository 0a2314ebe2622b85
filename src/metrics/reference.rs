//! Writes `docs/metrics.md` from the declarations.

use std::fmt::Write;

use super::Metrics;

/// The whole reference as Markdown. A test compares it with the file.
pub fn markdown(metrics: &Metrics) -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         Generated from `src/metrics/mod.rs` by `make docs`; do not edit.\n\n\
         `/metrics` answers on its own listener (`--metrics-listen`, default `127.0.0.1:9187`; a worker beside a web process uses\n\
         `127.0.0.1:9188`), or on the site for a request that carries the token of `<data>/secrets/metrics.token` as a bearer token.\n\
         Names are stable. Labels take bounded values and never hold anything personal.\n",
    );
    let mut group = "";
    for family in metrics.families() {
        if family.group != group {
            group = family.group;
            let _ = write!(
                text,
                "\n## {group}\n\n| name | kind | labels | meaning |\n| --- | --- | --- | --- |\n"
            );
        }
        let labels = family.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "| `{}` | {} | {} | {} |", family.name, family.kind, labels, family.help);
    }
    text
}
