//! Transactions of a key that was taken out of the configuration: each has an end, and none is repeated blindly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, Sim, simulate};
use causeway_adapter::AdapterError;
use causeway_adapter::fakes::FakeFamily;
use causeway_engine::{PacketState, TxRef};

/// A packet whose transaction waits in the pool of the right chain when the relay is killed, and whose key is then removed.
async fn left_behind(sim: &mut Sim) -> TxRef {
    sim.second().await;
    sim.right.faults(|faults| faults.inclusion_delay_blocks = 1_000);
    sim.send(true, Class::Echo);
    sim.try_start().await.unwrap();
    for _ in 0..20 {
        sim.second().await;
    }
    let PacketState::Delivering(tx) = sim.record(&sim.sent[0]).await.unwrap().state else { panic!("nothing is on its way") };
    assert_eq!(sim.right.pool_len(), 1);
    sim.crash();
    sim.config().chains[1].signers.retain(|signer| *signer != tx.signer);
    sim.right.faults(|faults| faults.inclusion_delay_blocks = 0);
    tx
}

struct Case {
    name: &'static str,
    family: FakeFamily,
    /// What becomes of the transaction.
    then: fn(&Sim, &str),
    /// Whether it is the one that delivers.
    delivers: bool,
    /// The packet is received within so many seconds, and not before so many.
    within_s: std::ops::RangeInclusive<u64>,
}

const CASES: [Case; 7] = [
    Case { name: "it lands", family: FakeFamily::Lagged, then: |_, _| {}, delivers: true, within_s: 0..=5 },
    Case {
        name: "its slot is used",
        family: FakeFamily::Lagged,
        then: |sim, signer| {
            sim.right.clear_pool();
            sim.right.steal_slot(signer);
        },
        delivers: false,
        within_s: 0..=30,
    },
    Case {
        name: "its time runs out",
        family: FakeFamily::BlockBound,
        then: |sim, _| sim.right.clear_pool(),
        delivers: false,
        within_s: 0..=60,
    },
    Case {
        name: "every pool forgot it",
        family: FakeFamily::Lagged,
        then: |sim, _| sim.right.clear_pool(),
        delivers: false,
        within_s: 100..=160,
    },
    Case {
        name: "every pool forgot it, and its slot could be taken again",
        family: FakeFamily::Slotted,
        then: |sim, _| sim.right.clear_pool(),
        delivers: false,
        // The client on it is many periods behind by then, each of which is a transaction of its own.
        within_s: 100..=300,
    },
    Case {
        name: "the adapter cannot tell",
        family: FakeFamily::Lagged,
        then: |sim, signer| {
            sim.right.clear_pool();
            let unknown = AdapterError::NotFound { what: "key", name: signer.into() };
            sim.right.faults(|faults| faults.fail_next.push_back(("outcome", unknown)));
        },
        delivers: false,
        within_s: 0..=30,
    },
    Case {
        name: "it waits at too low a price, and lands after all",
        family: FakeFamily::Lagged,
        then: |sim, _| sim.right.faults(|faults| faults.gas_price_min = 11),
        delivers: false,
        within_s: 100..=160,
    },
];

#[test]
fn what_a_removed_key_had_sent_comes_to_an_end() {
    for Case { name, family, then, delivers, within_s } in CASES {
        simulate(31, family, family, async |sim| {
            let tx = left_behind(sim).await;
            then(sim, &tx.signer);
            sim.try_start().await.unwrap();
            let mut seconds = 0;
            while !sim.right.has_receipt(&sim.sent[0].packet) {
                seconds += 1;
                assert!(seconds <= *within_s.end(), "{name}: {:?}", sim.record(&sim.sent[0]).await);
                sim.second().await;
            }
            assert!(within_s.contains(&seconds), "{name}: received after {seconds} s");
            sim.right.faults(|faults| faults.gas_price_min = 0);
            for _ in 0..5 {
                sim.second().await;
            }
            sim.run(0, 200).await;
            sim.check().await;
            let costs = sim.record(&sim.sent[0]).await.unwrap().costs;
            let received = costs.iter().find(|cost| cost.action == "receive").unwrap_or_else(|| panic!("{name}: {costs:?}"));
            assert_eq!(tx.tx_ids.contains(&received.tx), delivers, "{name}: delivered by {}", received.tx);
        });
    }
}

/// An endpoint that is away tells nothing of a transaction: time alone frees no packet.
#[test]
fn a_removed_key_is_not_given_up_while_its_chain_is_away() {
    simulate(32, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        let tx = left_behind(sim).await;
        sim.try_start().await.unwrap();
        // The transaction is in a block that nobody can ask for yet.
        sim.right.faults(|faults| faults.unreachable = true);
        for _ in 0..300 {
            sim.second().await;
        }
        let record = sim.record(&sim.sent[0]).await.unwrap();
        assert!(matches!(record.state.tx(), Some(carrier) if carrier.tx_ids == tx.tx_ids), "{:?}", record.state);
        sim.run(0, 200).await;
        sim.check().await;
        assert_eq!(sim.right.transactions().iter().filter(|(id, ..)| tx.tx_ids.contains(id)).count(), 1);
        let costs = sim.record(&sim.sent[0]).await.unwrap().costs;
        assert!(costs.iter().filter(|cost| cost.action == "receive").all(|cost| tx.tx_ids.contains(&cost.tx)), "{costs:?}");
    });
}
