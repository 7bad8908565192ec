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
