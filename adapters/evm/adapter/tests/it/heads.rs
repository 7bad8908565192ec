//! An endpoint that claims blocks which nobody made, and a relay that runs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::common::{now_s, transfer};
use crate::warden::{PATIENCE, calm_world, relay, wait_until};

/// refuse.md O1: it is the relay's only endpoint, and lies about the newest block alone.
#[tokio::test(flavor = "multi_thread")]
async fn refuses_o1_a_head_that_nothing_supports() {
    let (a, b) = calm_world().await;
    let engine = relay(&a, &b).await;
    wait_until("the chain to be watched", || async { engine.status().chains[0].cursor.is_some() }).await;
    a.node.control().lie(|faults| faults.head_above = 1_000_000);
    transfer(&a, 5, now_s(&a) + 3_600).await;
    let refused = || async { engine.status().chains[0].violations.iter().any(|(rule, _)| rule == "head-support") };
    wait_until("the head to be refused", refused).await;
    let cursor = engine.status().chains[0].cursor.unwrap();
    assert!(cursor.number <= a.node.control().height(), "the cursor is at {cursor}");
    a.node.control().tell_the_truth();
    wait_until("the packet to arrive", || async { !b.acknowledged().await.is_empty() }).await;
    assert!(engine.shutdown(PATIENCE).await);
}
