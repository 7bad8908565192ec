//! Lanes that are opened after the journal was.

use super::actor::served;
use super::{Journal, LaneId, Op, Opening};
use crate::packet::{Direction, PacketRecord};
use crate::{Retention, env};
use causeway_store::{MemoryStore, Store};
use causeway_types::{ChainId, ClientId, PacketEnd, PacketKey, Sequence};
use futures::future::BoxFuture;
use std::sync::Arc;

fn end() -> (ChainId, PacketEnd) {
    (ChainId::new("left").unwrap(), ClientId::new("client-0").unwrap().into())
}

fn key(number: u64) -> PacketKey {
    let (chain, end) = end();
    PacketKey { chain, end, sequence: Sequence::new(number).unwrap() }
}

fn opening() -> Opening {
    let (chain, end) = end();
    Opening { id: LaneId(0, Direction::AToB), chain, end }
}

fn added(number: u64) -> Op {
    Op::upsert(PacketRecord::new(key(number), "path", Direction::AToB, 0), |_| {})
}

/// Opens the journal of a store and works with it.
async fn with_journal(store: &Arc<dyn Store>, lanes: &[Opening], work: impl AsyncFnOnce(&Journal)) {
    let (journal, actor) = Journal::open(Arc::clone(store), lanes, &env::system(), Retention::default()).await.unwrap();
    let mut actor: BoxFuture<'static, ()> = Box::pin(actor);
    served(&mut actor, work(&journal)).await;
}

#[tokio::test]
async fn a_lane_that_is_opened_late_takes_over_what_an_earlier_process_knew() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    with_journal(&store, &[opening()], async |journal| journal.commit((1..=4).map(added).collect()).await.unwrap()).await;
    with_journal(&store, &[], async |journal| {
        journal.commit(vec![Op::change(key(1), |record| record.stuck = true)]).await.unwrap();
        journal.open_lanes(&[opening()]);
        // Nothing that happens before it is filled is lost, and nothing that is known is taken for new.
        let reopened = |number| Op::Reopen(Box::new(PacketRecord::new(key(number), "path", Direction::AToB, 0)));
        journal.commit(vec![Op::change(key(2), |record| record.stuck = true), reopened(1)]).await.unwrap();
        journal.commit(vec![Op::change(key(3), |record| record.stuck = true), reopened(4), Op::Load(opening())]).await.unwrap();
        let stuck = [1, 2, 3, 4, 5].map(|number| journal.table(|table| table.get(&key(number))).map(|record| record.stuck));
        assert_eq!(stuck, [Some(true), Some(true), Some(true), Some(false), None]);
    })
    .await;
}
