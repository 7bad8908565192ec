//! Dashboard, alerts and the operators' table name the metrics that there are, with labels that there are, and point to paragraphs that there
//! are. Read from sources and files: nothing is started.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use causeway_tests::repo;

/// What Prometheus appends to the name of a histogram.
const SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Labels that Prometheus itself adds.
const FOREIGN_LABELS: [&str; 3] = ["le", "job", "instance"];

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(repo::root().join(path)).with_context(|| path.to_owned())
}

/// Sources of the crates that describe metrics.
fn sources(folder: &Path, text: &mut String) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, text)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

fn all_sources() -> Result<String> {
    let mut text = String::new();
    for folder in ["relayer/engine/src", "relayer/api/src", "relayer/causeway/src", "adapters"] {
        sources(&repo::root().join(folder), &mut text)?;
    }
    Ok(text)
}

/// Words of a text that begin like a metric.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_name(c)).filter(|word| word.starts_with("causeway_"));
    words.map(str::to_owned).collect()
}

/// Names that stand in a `describe_…!` of the sources.
fn described(sources: &str) -> BTreeSet<String> {
    let macros =
        sources.split("describe_").skip(1).filter(|rest| ["counter!(", "gauge!(", "histogram!("].iter().any(|kind| rest.starts_with(kind)));
    macros.filter_map(|rest| rest.split('"').nth(1)).filter(|name| name.starts_with("causeway_")).map(str::to_owned).collect()
}

/// Names of labels that metrics are recorded with.
fn labels(sources: &str) -> BTreeSet<String> {
    let recorded = ["counter!(\"causeway_", "gauge!(\"causeway_", "histogram!(\"causeway_"];
    let calls = recorded.iter().flat_map(|start| sources.split(start).skip(1));
    let named = calls.flat_map(|call| call.split(';').next().unwrap_or_default().split("\" =>").collect::<Vec<_>>());
    named
        .filter_map(|before| before.rsplit('"').next())
        .filter(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        .map(str::to_owned)
        .collect()
}

/// Queries of the dashboard and of the alerts.
fn queries() -> Result<Vec<String>> {
    let dashboard: serde_json::Value = serde_json::from_str(&read("config/grafana-dashboard.json")?)?;
    let mut found = Vec::new();
    collect(&dashboard, &mut found);
    let alerts = read("config/prometheus-alerts.yml")?;
    found.extend(alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).map(str::to_owned));
    Ok(found)
}

fn collect(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            found.extend(members.get("expr").and_then(|expr| expr.as_str()).map(str::to_owned));
            members.values().for_each(|value| collect(value, found));
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// Labels that a query selects by or groups by.
fn used_labels(query: &str) -> Vec<String> {
    let selected = query.split('{').skip(1).filter_map(|rest| rest.split('}').next()).flat_map(|inside| inside.split(','));
    let selected = selected.map(|pair| pair.split(['=', '!', '~']).next().unwrap_or_default());
    let grouped = ["by (", "by(", "without (", "on (", "on("].into_iter().flat_map(|start| query.split(start).skip(1));
    let grouped = grouped.filter_map(|rest| rest.split(')').next()).flat_map(|inside| inside.split(','));
    selected.chain(grouped).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn dashboard_and_alerts_ask_for_metrics_and_labels_that_there_are() -> Result<()> {
    let sources = all_sources()?;
    let (described, labels, queries) = (described(&sources), labels(&sources), queries()?);
    ensure!(
        described.len() > 10 && labels.len() > 5 && queries.len() > 15,
        "{} metrics, {labels:?}, {} queries",
        described.len(),
        queries.len()
    );
    let base = |name: &str| SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name).to_owned();
    for query in &queries {
        for name in metrics(query) {
            ensure!(described.contains(&name) || described.contains(&base(&name)), "there is no metric {name}: {query}");
        }
        for label in used_labels(query) {
            ensure!(labels.contains(&label) || FOREIGN_LABELS.contains(&label.as_str()), "no metric has a label {label}: {query}");
        }
    }
    Ok(())
}

#[test]
fn every_metric_stands_in_the_operators_table_and_nothing_else_does() -> Result<()> {
    let described = described(&all_sources()?);
    let operations = read("docs/operations.md")?;
    let table: String = operations.lines().filter(|line| line.starts_with("| `causeway_")).collect::<Vec<_>>().join("\n");
    ensure!(
        metrics(&table) == described,
        "only in one of both: {:?}",
        metrics(&table).symmetric_difference(&described).collect::<Vec<_>>()
    );
    Ok(())
}

#[test]
fn alerts_point_to_paragraphs_that_there_are() -> Result<()> {
    let operations = read("docs/operations.md")?;
    let alerts = read("config/prometheus-alerts.yml")?;
    let pointers: Vec<&str> = alerts.split("docs/operations.md, ").skip(1).filter_map(|rest| rest.split(['.', '"', '\n']).next()).collect();
    ensure!(pointers.len() > 5, "{pointers:?}");
    for pointer in pointers {
        ensure!(operations.contains(&format!("**{pointer}.**")), "docs/operations.md has no paragraph `{pointer}`");
    }
    Ok(())
}
