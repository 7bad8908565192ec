//! What somebody meets who has not put anything on a chain yet, with the released binary and an embedded chain: what is missing is said together
//! with the command that mends it, and what is done already is not done twice.

use causeway_evm_devnet::{Devnet, DevnetConfig, DevnetHandle, dev_key};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const CHAIN_ID: u64 = 4_711;

/// An embedded chain, and a folder with a configuration of it.
struct Newcomer {
    folder: tempfile::TempDir,
    _chain: DevnetHandle,
}

impl Newcomer {
    async fn new() -> Self {
        let config = DevnetConfig { chain_id: CHAIN_ID, block_period: Duration::from_millis(50), ..DevnetConfig::default() };
        let chain = Devnet::start(config.fund_dev_accounts(1, "1000000000000000000000".parse().expect("a number"))).await.expect("a chain");
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "passphrase", "correct horse battery staple");
        write(folder.path(), "secret", &hex::encode(dev_key(CHAIN_ID, 0)));
        let text = format!(
            "[[chain]]\nname = \"alpha\"\nsigners = [\"relayer\"]\n\n[chain.evm]\nchain_id = {CHAIN_ID}\nrpc = [{{ url = \"{}\" }}]\n\
             block_interval_ms = 50\n\n[chain.evm.keys.relayer]\nkeystore = \"keys/relayer.json\"\npassphrase = {{ file = \"passphrase\" }}\n",
            chain.rpc_url()
        );
        write(folder.path(), "causeway.toml", &text);
        Self { folder, _chain: chain }
    }

    /// Runs a command to its end. The chain goes on in other threads.
    fn run(&self, arguments: &[&str]) -> Output {
        let binary = env!("CARGO_BIN_EXE_causeway");
        Command::new(binary).args(arguments).current_dir(self.folder.path()).env_remove("CAUSEWAY_CONFIG").output().expect("starts")
    }

    /// What a command that must end with `code` said, both ways.
    fn said(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        text
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).expect("one object")
    }

    fn configuration(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("causeway.toml")).expect("readable")
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("written");
}

/// A contract of an answer, as people see it and as the configuration has it.
fn address(answer: &Value, contract: &str) -> String {
    let text = answer["deployment"][contract].as_str().expect("an address");
    text.parse::<alloy::primitives::Address>().expect("an address").to_string()
}

/// Everything of `parts` is said.
fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_are_missing_then_deployed_then_not_deployed_again() {
    let newcomer = Newcomer::new().await;
    let deploy = ["contracts", "deploy", "--chain", "alpha"];

    // The endpoint answers, and that is said; what is missing is no trouble.
    let health = newcomer.said(&["health"], 0);
    holds(&health, &["causeway-evm-devnet", "none", "no router is deployed yet", "`causeway contracts deploy --chain alpha`"]);
    let health = newcomer.json(&["health"]);
    assert_eq!((&health["healthy"], &health["missing"][0]["chain"]), (&Value::Bool(true), &Value::from("alpha")), "{health}");

    holds(&newcomer.said(&deploy, 77), &["`causeway key add relayer --chain alpha`"]);
    let add = ["key", "add", "relayer", "--chain", "alpha", "--import-file", "secret"];
    newcomer.said(&add, 0);
    holds(&newcomer.said(&deploy, 0), &["Written to causeway.toml", "`causeway trust show alpha`"]);
    let configuration = newcomer.configuration();
    holds(&newcomer.said(&["health"], 0), &["causeway-evm-devnet"]);

    // Once more: found, verified, and nothing is changed; what an earlier run left out is added.
    let router = address(&newcomer.json(&deploy), "router");
    holds(&newcomer.said(&deploy, 0), &["Deployed already", &router, "its code is that of this release", "message gateway"]);
    assert_eq!(newcomer.configuration(), configuration);
    let demo = newcomer.json(&[&deploy[..], &["--demo-apps"]].concat());
    assert_eq!((address(&demo, "router"), demo["already_deployed"].as_bool()), (router.clone(), Some(true)), "{demo}");
    let echo = address(&demo, "echo");

    // Without the record of the deployment the router is verified all the same.
    std::fs::rename(newcomer.folder.path().join("alpha.deployment.json"), newcomer.folder.path().join("put-away.json")).expect("renamed");
    holds(&newcomer.said(&deploy, 0), &["Deployed already", &router]);
    holds(&newcomer.said(&[&deploy[..], &["--demo-apps"]].concat(), 64), &["alpha.deployment.json"]);

    // Another contract, and none, are no router.
    let with = |address: &str| configuration.replace(&router, address);
    write(newcomer.folder.path(), "causeway.toml", &with(&echo));
    holds(&newcomer.said(&deploy, 1), &[&echo, "other code", "alpha.deployment.json"]);
    write(newcomer.folder.path(), "causeway.toml", &with("0x0000000000000000000000000000000000000001"));
    holds(&newcomer.said(&deploy, 64), &["there is no contract at 0x0000000000000000000000000000000000000001"]);
    holds(&newcomer.said(&["health"], 69), &["there is no contract at 0x0000000000000000000000000000000000000001"]);
}
