//! The systemd unit goes by these codes: it starts again whatever may pass, for ever, and nothing that somebody must mend first.

use super::{Code, Failure};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every way to end, and whether starting again can help.
const CODES: [(Code, bool); 6] = [
    (Code::Failed, true),
    (Code::BadConfig, false),
    (Code::Untrusted, false),
    (Code::Unavailable, true),
    (Code::Store, true),
    (Code::Key, false),
];

/// A command line that does not parse, as clap ends it.
const USAGE: u8 = 2;

/// Keys that a systemd before version 254 does not know; it leaves them out and waits as long each time.
const NEWER_KEYS: [&str; 2] = ["RestartSteps", "RestartMaxDelaySec"];

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/causeway.service")
}

/// Keys of the unit with their last value, as `Section.Key`.
fn unit(text: &str) -> BTreeMap<String, String> {
    let (mut section, mut all) = (String::new(), BTreeMap::new());
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else {
            let (key, value) = line.split_once('=').expect("a key and its value");
            all.insert(format!("{section}.{key}"), value.to_owned());
        }
    }
    all
}

#[test]
fn the_unit_starts_again_whatever_may_pass() {
    let unit = unit(&std::fs::read_to_string(file()).expect("the unit"));
    let of = |key: &str| unit.get(key).unwrap_or_else(|| panic!("{key} is not set")).as_str();
    assert_eq!((of("Unit.StartLimitIntervalSec"), of("Service.Restart")), ("0", "on-failure"));
    let number = |key: &str| of(key).parse::<u32>().expect("a number");
    assert!(number("Service.RestartSec") < number("Service.RestartMaxDelaySec") && number("Service.RestartSteps") > 0);
    // Only the main process's code keeps systemd from starting again: a check before it would fail for ever.
    assert!(!unit.contains_key("Service.ExecStartPre"));
    let lasting: BTreeSet<u8> = of("Service.RestartPreventExitStatus").split(' ').map(|code| code.parse().expect("a code")).collect();
    let expected = CODES.into_iter().filter(|(_, passes)| !passes).map(|(code, _)| code as u8).chain([USAGE]).collect();
    assert_eq!(lasting, expected);
}

#[test]
fn the_unit_runs_as_a_user_who_can_read_what_its_header_installs() {
    let text = std::fs::read_to_string(file()).expect("the unit");
    let unit = unit(&text);
    let user = unit.get("Service.User").expect("a user of its own");
    assert!(!unit.contains_key("Service.DynamicUser"), "files of root cannot be given to a user that has no name yet");
    for step in [
        format!("useradd --system --user-group --no-create-home --shell /usr/sbin/nologin {user}"),
        format!("install -o {user} -g {user} -m 0400 keys/"),
    ] {
        assert!(text.contains(&step), "`{step}` is not in the unit's header");
    }
    for hardened in ["NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "MemoryDenyWriteExecute", "ProtectKernelModules"] {
        assert_eq!(unit.get(&format!("Service.{hardened}")).map(String::as_str), Some("yes"), "{hardened}");
    }
    assert_eq!(unit.get("Service.ProtectSystem").map(String::as_str), Some("strict"));
}

/// Where systemd is installed, it reads the unit without a complaint but for keys that are newer than it.
#[test]
fn systemd_takes_the_unit() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("causeway.service");
    // The program need not be installed.
    let text = std::fs::read_to_string(file()).expect("the unit").replace("/usr/local/bin/causeway", "/bin/sh");
    std::fs::write(&copy, text).expect("written");
    let Ok(output) = Command::new("systemd-analyze").args(["verify", "--man=no", "--recursive-errors=no"]).arg(&copy).output() else {
        // A check beside the others, on machines that run systemd; those without it deploy no unit.
        eprintln!("skipped: there is no systemd-analyze here");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let about_it = said.lines().filter(|line| line.contains("causeway"));
    let wrong: Vec<_> = about_it.filter(|line| !NEWER_KEYS.iter().any(|key| line.contains(&format!("'{key}'")))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn people_are_told_no_numbers_of_the_operating_system() {
    for (text, expected) in [
        ("cannot read a: No such file or directory (os error 2); make it", "cannot read a: No such file or directory; make it"),
        ("a (os error 2), b (os error 13)", "a, b"),
        ("nothing (of this kind) in it", "nothing (of this kind) in it"),
    ] {
        assert_eq!(Failure::new(Code::Failed, text).message, expected);
    }
}
