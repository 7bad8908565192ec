//! Rules of the repository that no compiler checks: which crate may know which,
//! what every source file starts with, how long it may be, and words that have no
//! place in it. It reads files and `cargo metadata`; it runs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use causeway_tests::repo;

/// Which workspace crates a crate may use. A crate that is missing here fails the test.
const ARROWS: [(&str, &[&str]); 16] = [
    ("causeway-proto", &[]),
    ("causeway-types", &["causeway-proto"]),
    ("causeway-store", &["causeway-proto", "causeway-types"]),
    ("causeway-adapter", &["causeway-proto", "causeway-types"]),
    ("causeway-engine", &["causeway-proto", "causeway-types", "causeway-store", "causeway-adapter"]),
    ("causeway-api", &["causeway-proto", "causeway-types", "causeway-store", "causeway-adapter", "causeway-engine"]),
    ("causeway-evm-light-client", &[]),
    ("causeway-evm-contracts", &[]),
    ("causeway-evm-devnet", &[]),
    ("causeway-keystore", &[]),
    (
        "causeway-evm-adapter",
        &[
            "causeway-proto",
            "causeway-types",
            "causeway-adapter",
            "causeway-keystore",
            "causeway-evm-light-client",
            "causeway-evm-contracts",
        ],
    ),
    ("causeway-cosmos-proto", &[]),
    ("causeway-cosmos-light-client", &[]),
    (
        "causeway-cosmos-adapter",
        &[
            "causeway-proto",
            "causeway-types",
            "causeway-adapter",
            "causeway-keystore",
            "causeway-cosmos-proto",
            "causeway-cosmos-light-client",
        ],
    ),
    (
        "causeway",
        &[
            "causeway-proto",
            "causeway-types",
            "causeway-store",
            "causeway-adapter",
            "causeway-engine",
            "causeway-api",
            "causeway-keystore",
            "causeway-evm-light-client",
            "causeway-evm-adapter",
            "causeway-evm-contracts",
            "causeway-evm-devnet",
            "causeway-cosmos-light-client",
            "causeway-cosmos-adapter",
        ],
    ),
    (
        "causeway-tests",
        &[
            "causeway-proto",
            "causeway-types",
            "causeway-adapter",
            "causeway-evm-light-client",
            "causeway-evm-contracts",
            "causeway-cosmos-light-client",
        ],
    ),
];

/// What tests of a crate may use beyond its own arrows.
const TEST_ARROWS: [(&str, &[&str]); 3] = [
    ("causeway-evm-contracts", &["causeway-evm-light-client"]),
    ("causeway-evm-devnet", &["causeway-evm-light-client", "causeway-evm-contracts"]),
    ("causeway-evm-adapter", &["causeway-evm-devnet", "causeway-engine", "causeway-store"]),
];

/// Crates that know no chain, in their dependencies or in their words.
const CHAIN_FREE: [&str; 4] = ["relayer/types", "relayer/store", "relayer/engine", "relayer/api"];

/// Where tests of such a crate compare it with an independent implementation.
const CHAIN_TESTS: [(&str, &str); 1] = [("causeway-types", "alloy")];

/// Files in such crates that may name chains: the tests of that comparison.
const CHAIN_TEST_FILES: [&str; 2] = ["relayer/types/Cargo.toml", "relayer/types/src/tests.rs"];

/// Sources of rules that all chains share, and an encoding's registered name: these name no chain.
const CITATIONS: [&str; 3] = ["cosmos/ibc", "cosmos/solidity-ibc-eureka", "application/x-solidity-abi"];

/// Words that name a chain or its tools.
const CHAIN_WORDS: [&str; 7] = ["ethereum", "evm", "cosmos", "solidity", "fabric", "qbft", "alloy"];

/// Most lines of a file that is no test.
const LINES_MAX: usize = 500;

/// Files that may be longer: they mirror something as a whole, and a test holds them to it.
const LONG_FILES: [(&str, &str); 1] =
    [("adapters/evm/contracts/src/abi.rs", "one macro call, for structures of one contract are arguments of another")];

/// Functions that may sleep in tests, by how their names begin: they ask again until a deadline.
const WAITERS: [&str; 3] = ["until", "wait_", "poll_"];

/// How many lines above a sleep the loop begins that asks again after it.
const LOOP_LINES: usize = 8;

#[test]
fn crates_use_only_what_they_may() -> Result<()> {
    let metadata = metadata()?;
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    let test_arrows: BTreeMap<&str, &[&str]> = TEST_ARROWS.into_iter().collect();
    let mut broken = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let Some(allowed) = arrows.get(name) else {
            broken.push(format!("{name} is not in the table of arrows"));
            continue;
        };
        for dependency in &package.dependencies {
            let target = dependency.name.as_str();
            let for_tests =
                dependency.kind == DependencyKind::Development && test_arrows.get(name).is_some_and(|list| list.contains(&target));
            // A crate may name itself, to switch its own features on for its tests.
            if target != name && arrows.contains_key(target) && !allowed.contains(&target) && !for_tests {
                broken.push(format!("{name} -> {target}"));
            }
        }
    }
    report("crates use crates that they may not", &broken)
}

#[test]
fn no_chain_reaches_the_core() -> Result<()> {
    let metadata = metadata()?;
    let mut broken = Vec::new();
    for package in core_packages(&metadata) {
        for dependency in reachable(&metadata, package)? {
            if is_chain_crate(&dependency) {
                broken.push(format!("{} reaches {dependency}", package.name));
            }
        }
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if is_chain_crate(name) && !CHAIN_TESTS.contains(&(package.name.as_str(), name)) {
                broken.push(format!("{} -> {name}", package.name));
            }
        }
    }
    report("chain crates under relayer/", &broken)
}

#[test]
fn the_core_speaks_of_no_chain() -> Result<()> {
    let mut broken = Vec::new();
    for file in files(&["rs", "toml"])? {
        let name = relative(&file);
        let is_core = CHAIN_FREE.iter().any(|folder| name.starts_with(&format!("{folder}/")));
        if !is_core || CHAIN_TEST_FILES.contains(&name.as_str()) {
            continue;
        }
        for (number, line) in read(&file)?.lines().enumerate() {
            let line = CITATIONS.iter().fold(line.to_owned(), |line, known| line.replace(known, ""));
            for word in words(&line).filter(|word| CHAIN_WORDS.contains(&word.as_str())) {
                broken.push(format!("{name}:{}: {word}", number + 1));
            }
        }
    }
    report("words of one chain family in crates that serve all", &broken)
}

#[test]
fn words_are_found_inside_names() {
    let check = |line: &str, expected: &[&str]| {
        let found: Vec<String> = words(line).filter(|word| CHAIN_WORDS.contains(&word.as_str())).collect();
        assert_eq!(found, expected, "in {line}");
    };
    check("use causeway_evm_adapter::EvmAdapter;", &["evm", "evm"]);
    check("// a QBFTHeader, or an EVM2 block", &["qbft", "evm"]);
    check("fabricated prefabric movement", &[]);
    check("let fabricNode = \"Ethereum\";", &["fabric", "ethereum"]);
}

#[test]
fn files_start_with_what_they_are_and_stay_short() -> Result<()> {
    let mut broken = Vec::new();
    for file in files(&["rs"])? {
        let (name, text) = (relative(&file), read(&file)?);
        if !text.starts_with("//!") {
            broken.push(format!("{name} does not start with //!"));
        }
        let lines = text.lines().count();
        let may_be_long = LONG_FILES.iter().any(|(file, _)| *file == name);
        if lines > LINES_MAX && !is_test(&name) && !may_be_long {
            broken.push(format!("{name} has {lines} lines, more than {LINES_MAX}"));
        }
    }
    report("source files", &broken)
}

#[test]
fn crates_inherit_lints_and_versions() -> Result<()> {
    let mut broken = Vec::new();
    for package in metadata()?.workspace_packages() {
        let manifest: toml::Table = toml::from_str(&read(package.manifest_path.as_std_path())?)?;
        let inherits =
            |table: &str, key: &str| manifest.get(table).and_then(|table| table.get(key)).and_then(toml::Value::as_bool) == Some(true);
        if !inherits("lints", "workspace") {
            broken.push(format!("{} has no `[lints] workspace = true`", package.name));
        }
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in manifest.get(table).and_then(toml::Value::as_table).into_iter().flatten() {
                if value.get("workspace").is_none() && name != package.name.as_str() {
                    broken.push(format!("{}: {name} does not take its version from the workspace", package.name));
                }
            }
        }
    }
    report("manifests", &broken)
}

#[test]
fn nothing_is_left_for_later() -> Result<()> {
    // Put together here, so that this file does not hold them itself.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!("), concat!("unimple", "mented!(")];
    let ignored = concat!("#[", "ignore");
    let mut broken = Vec::new();
    for file in files(&["rs", "sol", "go", "mjs", "proto", "toml", "sh"])? {
        // Definitions of others are kept as they are.
        if relative(&file).starts_with("proto/third_party/") {
            continue;
        }
        for (number, line) in read(&file)?.lines().enumerate() {
            for mark in marks.iter().chain([&ignored]).filter(|mark| line.contains(**mark)) {
                broken.push(format!("{}:{}: {mark}", relative(&file), number + 1));
            }
        }
    }
    report("marks of unfinished work", &broken)
}

#[test]
fn tests_wait_for_conditions_only() -> Result<()> {
    let (thread_sleep, sleep) = (concat!("thread::", "sleep"), concat!("sleep", "("));
    let mut broken = Vec::new();
    for file in files(&["rs"])? {
        let (name, text) = (relative(&file), read(&file)?);
        // A paused clock makes a sleep a step of the simulation, not a guess.
        let is_virtual = text.contains("start_paused") || text.contains("time::pause");
        if !is_test(&name) && !name.starts_with("tests/") {
            continue;
        }
        let mut function = "";
        for (number, line) in text.lines().enumerate() {
            function = line.split_once("fn ").map_or(function, |(_, rest)| rest);
            if WAITERS.iter().any(|prefix| function.starts_with(prefix)) {
                continue;
            }
            let asks_again = text
                .lines()
                .skip(number.saturating_sub(LOOP_LINES))
                .take(LOOP_LINES)
                .any(|line| ["loop {", "while ", "for "].iter().any(|word| line.contains(word)));
            if asks_again {
                continue;
            }
            if line.contains(thread_sleep) || (line.contains(sleep) && !is_virtual) {
                broken.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    report("sleeps in tests; ask again for a condition, in a loop or a function `wait_…`, or pause the clock", &broken)
}

#[test]
fn sample_configurations_are_there() -> Result<()> {
    let found = files(&["toml"])?.iter().filter(|file| relative(file).starts_with("config/")).count();
    ensure!(found > 0, "no sample configuration under config/");
    Ok(())
}

fn metadata() -> Result<Metadata> {
    let manifest = repo::root().join("Cargo.toml");
    // What other platforms would need was never downloaded where this one was built.
    let options = ["--offline", "--locked", "--filter-platform=host-tuple"].map(str::to_owned);
    Ok(MetadataCommand::new().manifest_path(manifest).other_options(options).exec()?)
}

fn core_packages(metadata: &Metadata) -> Vec<&Package> {
    let is_core = |package: &&Package| {
        let folder = relative(package.manifest_path.as_std_path());
        CHAIN_FREE.iter().any(|core| folder == format!("{core}/Cargo.toml"))
    };
    metadata.workspace_packages().into_iter().filter(is_core).collect()
}

fn is_chain_crate(name: &str) -> bool {
    ["alloy", "revm", "causeway-evm"].iter().any(|prefix| name.starts_with(prefix))
}

/// Names of all packages that end up in a build of `package`, tests apart.
fn reachable(metadata: &Metadata, package: &Package) -> Result<BTreeSet<String>> {
    let resolve = metadata.resolve.as_ref().context("cargo metadata gave no graph")?;
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut names = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![&package.id];
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        names.insert(metadata[id].name.to_string());
        for dependency in &nodes.get(id).context("a package without a node")?.deps {
            if dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development) {
                open.push(&dependency.pkg);
            }
        }
    }
    Ok(names)
}

/// The repository's own files with one of these endings.
fn files(endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![repo::root()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_foreign = ["target", "node_modules"].contains(&name.as_str()) || name.starts_with(".");
            if entry.file_type()?.is_dir() {
                if !is_foreign {
                    open.push(entry.path());
                }
            } else if endings.iter().any(|ending| name.ends_with(&format!(".{ending}"))) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    ensure!(!found.is_empty(), "no files ending in {endings:?}");
    Ok(found)
}

fn relative(path: &Path) -> String {
    path.strip_prefix(repo::root()).unwrap_or(path).to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// Tests: a `tests` folder anywhere in the path, or a file that says so in its name.
fn is_test(name: &str) -> bool {
    let own_library = name.starts_with("tests/src/") || name.starts_with("tests/examples/");
    let in_folder = name.split('/').any(|part| part == "tests");
    (in_folder && !own_library) || name.ends_with("tests.rs") || name.ends_with("_test.rs")
}

/// Lower-case words of a line; `snake_case`, `kebab-case` and `CamelCase` are taken apart.
fn words(line: &str) -> impl Iterator<Item = String> + '_ {
    line.split(|letter: char| !letter.is_ascii_alphabetic()).flat_map(|run| {
        let letters: Vec<char> = run.chars().collect();
        let mut words = vec![String::new()];
        for (index, letter) in letters.iter().enumerate() {
            let after_lower = index > 0 && letters[index - 1].is_ascii_lowercase();
            let before_lower = letters.get(index + 1).is_some_and(char::is_ascii_lowercase);
            if letter.is_ascii_uppercase() && index > 0 && (after_lower || before_lower) {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.push(letter.to_ascii_lowercase());
            }
        }
        words
    })
}

fn report(what: &str, broken: &[String]) -> Result<()> {
    ensure!(broken.is_empty(), "{what}:\n  {}", broken.join("\n  "));
    Ok(())
}
