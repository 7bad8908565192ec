//! Every generated case gets its verdict from the native verifier, every row of refusals has its cases, and no mutation gets through.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use causeway_evm_light_client::NativeRecover;
use causeway_evm_light_client::fixtures::{Expected, Facts, Outcome, cases, judge, mutations};

/// Judges every case of `row` and fails unless there is at least one, each with its verdict.
fn check(row: &str) {
    let recover = NativeRecover::new();
    let cases: Vec<_> = cases().into_iter().filter(|case| case.row == row).collect();
    assert!(!cases.is_empty(), "no case for {row}");
    for case in cases {
        let outcome = judge(&case, &recover);
        assert!(outcome.meets(&case.expected), "{}: expected {:?}, found {outcome:?}", case.name, case.expected);
    }
}

macro_rules! rows {
    ($($name:ident: $row:literal;)*) => {
        $(#[test]
        fn $name() {
            check($row);
        })*

        /// The rows that have a test here.
        const ROWS: &[&str] = &["", $($row),*];
    };
}

rows! {
    refuses_p1_proofs_with_any_byte_changed: "P1";
    refuses_p2_forged_absence: "P2";
    refuses_p5_nodes_missing_left_over_or_exchanged: "P5";
    refuses_p6_truncated_exclusion: "P6";
    refuses_p7_references_that_are_no_hashes: "P7";
    refuses_p8_second_encodings_of_a_path: "P8";
    refuses_p9_odd_paths_and_empty_values: "P9";
    refuses_p10_rlp_that_is_not_canonical: "P10";
    refuses_p11_zero_roots_and_empty_trust: "P11";
    refuses_h4_headers_from_the_future: "H4";
    refuses_h5_headers_that_are_not_newer: "H5";
    refuses_h7_seals_of_something_else: "H7";
    refuses_h8_headers_against_bft_rules: "H8";
    refuses_c4_absent_account: "C4";
    refuses_c5_rounds_and_seals_as_misbehaviour: "C5";
    refuses_c6_values_that_are_not_canonical: "C6";
    refuses_c7_proofs_of_another_block: "C7";
    refuses_c8_expired_trust: "C8";
    refuses_c9_validator_contract_mode: "C9";
}

#[test]
fn accepts_what_is_valid() {
    check("");
}

#[test]
fn every_row_has_a_test_and_every_name_is_unique() {
    let mut names = BTreeMap::new();
    for case in cases() {
        assert!(ROWS.contains(&case.row), "{} is of row {}, which has no test", case.name, case.row);
        if let Some(row) = names.insert(case.name.clone(), case.row) {
            panic!("two cases are called {} ({row})", case.name);
        }
    }
    println!("{} cases", names.len());
}

/// A mutation is refused, or it establishes exactly what the case it was made from does.
#[test]
fn refuses_mutations() {
    let recover = NativeRecover::new();
    let (mut refused, mut same) = (0, 0);
    for (mutated, origin) in mutations(7, 20_000) {
        match judge(&mutated, &recover) {
            Outcome::Refused(_) | Outcome::NotEnoughTrust => refused += 1,
            Outcome::Accepted(facts) => {
                let Outcome::Accepted(original) = judge(&origin, &recover) else { panic!("{} is not valid", origin.name) };
                match (&facts, &original) {
                    (Facts::Batch(found), Facts::Batch(all)) => {
                        assert_eq!(found.len(), all.len(), "{}", mutated.name);
                        refused += usize::from(found.iter().any(Option::is_some));
                    }
                    // Of a conflict only the first header is changed, and it must still be one of the two.
                    _ => assert_eq!(facts, original, "{}", mutated.name),
                }
                same += 1;
            }
        }
    }
    println!("{refused} mutations refused, {same} accepted with the same facts");
    assert!(refused > 15_000, "{refused} refused");
}

#[test]
fn every_rule_that_can_be_raised_here_is_raised_by_a_case() {
    use causeway_evm_light_client::rules;
    // Raised by those who keep clients, by hosts that pass paths, or tested on their own.
    let elsewhere = [rules::CLIENT_FROZEN, rules::HEADER_CONFLICT, rules::HEIGHT_TOO_OLD, rules::PATH_SHAPE, rules::PROOF_TOO_LARGE];
    let raised: Vec<_> = cases()
        .into_iter()
        .filter_map(|case| match case.expected {
            Expected::Refuse(rule) => Some(rule),
            Expected::NotEnoughTrust => Some(rules::OVERLAP),
            Expected::Accept => None,
        })
        .collect();
    for rule in rules::ALL {
        let covered = raised.contains(rule) || elsewhere.contains(rule) || (*rule == rules::VALIDATORS_EMPTY);
        assert!(covered, "no case raises {rule}");
    }
}
