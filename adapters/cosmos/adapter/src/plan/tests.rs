//! Who trusts whom, by power.

use super::trusts;
use causeway_cosmos_proto::tendermint::types;

#[test]
fn more_than_a_third_of_the_known_power_is_needed() {
    let set = |powers: &[i64]| types::ValidatorSet {
        validators: (0_u8..)
            .zip(powers)
            .map(|(at, power)| types::Validator { address: vec![at], voting_power: *power, ..Default::default() })
            .collect(),
        ..Default::default()
    };
    let signed = |signers: &[(u8, i32)]| types::SignedHeader {
        header: None,
        commit: Some(types::Commit {
            signatures: signers
                .iter()
                .map(|(at, flag)| types::CommitSig { validator_address: vec![*at], block_id_flag: *flag, ..Default::default() })
                .collect(),
            ..Default::default()
        }),
    };
    for (powers, signers, expected) in [
        (&[1, 1, 1][..], &[(0, 2)][..], false),
        (&[1, 1, 1], &[(0, 2), (1, 2)], true),
        (&[1, 1, 1], &[(0, 2), (0, 2), (0, 2)], false),
        (&[1, 1, 1], &[(0, 2), (1, 1), (2, 3)], false),
        (&[2, 1, 1], &[(0, 2)], true),
        (&[i64::MAX, i64::MAX], &[(0, 2)], true),
        (&[1], &[(9, 2)], false),
        (&[], &[], false),
    ] {
        assert_eq!(trusts(&set(powers), &signed(signers)), expected, "{powers:?} {signers:?}");
    }
}
