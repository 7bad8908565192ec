//! What the chain's words mean.

use super::reason::{classify, is_poor, message_index, sequences};
use causeway_adapter::RejectReason;

#[test]
fn words_of_the_chain_are_sorted() {
    let stale =
        "failed to execute message; message index: 3: receive packet verification failed: couldn't verify counterparty packet commitment";
    assert_eq!(message_index(stale), Some(3));
    assert!(matches!(classify(stale), RejectReason::Stale(_)));
    assert!(
        matches!(classify("recovered: no route for nobody\nstack:\ngoroutine 1"), RejectReason::Refused(text) if !text.contains("goroutine"))
    );
    assert_eq!(classify("packet messages are redundant"), RejectReason::AlreadyDone);
    assert!(matches!(classify("timeout elapsed: packet timeout"), RejectReason::Refused(_)));
    assert_eq!(message_index("out of gas in location: ReadFlat"), None);
}

#[test]
fn sequences_and_poverty_are_read() {
    let text = "account sequence mismatch, expected 5, got 3: incorrect account sequence";
    assert_eq!(sequences(text), Some((5, 3)));
    assert_eq!(sequences("account sequence mismatch, expected x, got 3"), None);
    assert!(is_poor("spendable balance 5stake is smaller than 7stake: insufficient funds"));
    assert!(is_poor("account cosmos1abc not found: key not found"));
    // A transfer inside a message that fails for want of tokens is the message's own affair.
    assert!(!is_poor("failed to execute message; message index: 1: 5stake is smaller than 7stake: insufficient funds"));
}
