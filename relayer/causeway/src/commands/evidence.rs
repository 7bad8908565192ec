//! `causeway evidence`: what the journal holds against chains and clients, for people and for authorities.
//!
//! What it is not: it asks no chain and submits nothing; a running relayer does that by itself.

use crate::cli::Global;
use crate::config;
use crate::exit::{Code, Failure, OrFail};
use crate::{output, relayer};
use causeway_engine::Evidence;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Show what convicts a chain, and write it to a file.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List it, newest last. Stop the relayer first: one process holds the store.
    List {
        /// Only against this chain.
        #[arg(long)]
        chain: Option<String>,
    },
    /// Write it as JSON, each with its two headers in canonical form, hexadecimal. Stop the relayer first.
    Export {
        /// Only against this chain.
        #[arg(long)]
        chain: Option<String>,
        /// Where to [default: standard output].
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

impl Command {
    /// Runs the action.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        match self.action {
            Action::List { chain } => {
                list(&read(global, chain.as_deref()).await?, global.json);
                Ok(())
            }
            Action::Export { chain, output } => {
                let found = json!({ "evidence": read(global, chain.as_deref()).await?.iter().map(whole).collect::<Vec<_>>() });
                match output {
                    Some(file) => std::fs::write(&file, format!("{found:#}\n")).or_fail(Code::Store),
                    None => {
                        println!("{found:#}");
                        Ok(())
                    }
                }
            }
        }
    }
}

/// By time.
async fn read(global: &Global, chain: Option<&str>) -> Result<Vec<Evidence>, Failure> {
    let config = config::load(&global.config)?;
    let store = relayer::open_store(&config.relayer)?;
    let mut found = causeway_engine::evidence::list(store.as_ref()).await.or_fail(Code::Store)?;
    found.retain(|one| chain.is_none_or(|chain| one.chain.as_str() == chain));
    found.sort_by_key(|one| one.at_ms);
    Ok(found)
}

fn object(one: &Evidence) -> serde_json::Map<String, Value> {
    let mut object = serde_json::Map::new();
    for (name, value) in [
        ("chain", json!(one.chain.as_str())),
        ("revision", json!(one.height.revision)),
        ("height", json!(one.height.number)),
        ("kind", json!(one.kind.as_str())),
        ("what", json!(one.what)),
        ("found_ms", json!(one.at_ms)),
        ("put_aside_ms", json!(one.closed_ms)),
    ] {
        object.insert(name.to_owned(), value);
    }
    object
}

/// With the headers.
fn whole(one: &Evidence) -> Value {
    let mut object = object(one);
    object.insert("headers".to_owned(), json!(one.updates.iter().map(hex::encode).collect::<Vec<_>>()));
    Value::Object(object)
}

fn list(found: &[Evidence], as_json: bool) {
    if as_json {
        output::json_object(&json!({ "evidence": found.iter().map(object).collect::<Vec<_>>() }));
        return;
    }
    if found.is_empty() {
        println!("The journal holds no evidence");
        return;
    }
    let row = |one: &Evidence| {
        let stands = if one.closed_ms.is_some() { "put aside" } else { "stands" };
        let kind = one.kind.as_str().to_owned();
        vec![one.chain.to_string(), one.height.to_string(), kind, stands.to_owned(), one.what.clone()]
    };
    println!("{}", output::table(&["chain", "height", "kind", "", "what"], found.iter().map(row).collect()));
}
