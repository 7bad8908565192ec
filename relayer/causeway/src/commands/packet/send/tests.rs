//! A key that relays is not taken for sending by hand without a word.

use super::*;

#[test]
fn a_key_that_relays_is_named_and_another_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("causeway.toml");
    for sample in [config::SAMPLE, config::SAMPLE_COSMOS] {
        std::fs::write(&file, sample).expect("written");
        let config = config::load(&file).expect("valid");
        for chain in &config.chains {
            let by_default = chain.signer_or_first(None).expect("a signer");
            let warning = shared_account(chain, &by_default).expect("it relays");
            for part in [by_default.as_str(), chain.name.as_str(), "--signer"] {
                assert!(warning.contains(part), "`{part}` is not in: {warning}");
            }
            let user = chain.signer_or_first(Some("user")).expect("named");
            assert!(crate::families::tables(chain).iter().all(|family| family.has_key(&user)), "the samples name a key for this");
            assert_eq!(shared_account(chain, &user), None);
        }
    }
}

#[test]
fn who_can_be_no_account_is_told_with_the_form_that_accounts_have() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("causeway.toml");
    let bech32 = "cosmos1m68dsggyh4qxygzh0r4c4cfdz36zmshp3kve3q";
    let (hex, zero) = ("0x9858EfFD232B4033E47d90003D41EC34EcaEda94", "0x0000000000000000000000000000000000000000");
    for (sample, form, cases) in [
        (config::SAMPLE, "`0x`", [(hex, true), (&hex[2..], false), (zero, false), (bech32, false), ("", false)]),
        (
            config::SAMPLE_COSMOS,
            "`cosmos1`",
            [(bech32, true), (&bech32[1..], false), ("cosmos1m68dsggyh4qxygzh0r4c4cfdz36zmshp3kve3p", false), (hex, false), ("", false)],
        ),
    ] {
        std::fs::write(&file, sample).expect("written");
        let config = config::load(&file).expect("valid");
        for (to, fits) in cases {
            match check_receiver(&config.chains[0], to) {
                Ok(()) => assert!(fits, "{to}"),
                Err(failure) => assert!(!fits && failure.to_string().contains(form), "{to}: {failure}"),
            }
        }
    }
}
