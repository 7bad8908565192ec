//! One transaction of a set-up: journaled before its broadcast, followed to its outcome, never sent twice.

use super::{Progress, Report};
use crate::chain::Chain;
use crate::error::StartError;
use crate::journal::{Journal, codec, keys, wire};
use causeway_adapter::{
    BroadcastResult, BuildRequest, Message, MessageResult, Outcome, ProofGroup, RejectReason, SignedTx, Slot, SlotOrdering,
};
use causeway_store::{Tree, Write};
use prost::Message as _;

/// Blocks for which an unordered transaction stays valid.
const EXPIRY_BLOCKS: u64 = 20;
/// How long one transaction is waited for, milliseconds.
const PATIENCE_MS: u64 = 600_000;
/// Time between two broadcasts of a transaction that the chain does not know, milliseconds.
const REBROADCAST_MS: u64 = 5_000;

pub(crate) struct Steps<'s> {
    pub(super) path: &'s str,
    pub(super) host: &'s Chain,
    pub(super) journal: &'s Journal,
    pub(super) report: Report<'s>,
}

impl Steps<'_> {
    fn refused(&self, step: &'static str, detail: impl Into<String>) -> StartError {
        StartError::SetupRefused { chain: self.host.id().clone(), step, detail: detail.into() }
    }

    fn say(&self, step: &'static str, detail: String) {
        (self.report)(Progress { step, chain: self.host.id().clone(), detail });
    }

    async fn row(&self, step: &str) -> Result<wire::SetupRow, StartError> {
        match self.journal.store().get(Tree::Meta, &keys::setup(self.path, step)).await? {
            None => Ok(wire::SetupRow::default()),
            Some(bytes) => codec::decode(&bytes).map_err(|error| self.damaged(error, step)),
        }
    }

    fn damaged(&self, error: codec::Damaged, step: &str) -> StartError {
        error.row("a step of a set-up", Tree::Meta, &keys::setup(self.path, step))
    }

    async fn save(&self, step: &str, row: &wire::SetupRow) -> Result<(), StartError> {
        let write = Write::Put(Tree::Meta, keys::setup(self.path, step), row.encode_to_vec());
        Ok(self.journal.store().commit(vec![write]).await?)
    }

    /// Follows the transaction that an earlier call left on its way to its end, if there is one.
    pub(crate) async fn settle(&self, step: &'static str) -> Result<(), StartError> {
        if let Some(tx) = self.row(step).await?.tx {
            let tx = codec::signed(tx).map_err(|error| StartError::Damaged { what: format!("set-up step {step}"), detail: error.0 })?;
            self.follow(step, &tx, self.host.now_ms()).await?;
        }
        self.forget(step).await
    }

    /// Lets the next call take a finished step anew.
    pub(crate) async fn forget(&self, step: &'static str) -> Result<(), StartError> {
        self.save(step, &wire::SetupRow::default()).await
    }

    /// What a step gave that an earlier call finished.
    pub(super) async fn finished(&self, step: &'static str) -> Result<Option<String>, StartError> {
        let row = self.row(step).await?;
        if row.done {
            self.say(step, format!("done before: {}", row.result));
        }
        Ok(row.done.then_some(row.result))
    }

    /// Carries messages out in one transaction, or finds out what became of it. What the last of them gave is the step's result.
    pub(crate) async fn run(&self, step: &'static str, messages: &[Message], proofs: &[ProofGroup]) -> Result<String, StartError> {
        let started_ms = self.host.now_ms();
        loop {
            let row = self.row(step).await?;
            if row.done {
                return Ok(row.result);
            }
            let tx = match row.tx {
                Some(tx) => codec::signed(tx).map_err(|error| self.damaged(error, step))?,
                None => match self.prepare(step, (messages, proofs)).await? {
                    Some(tx) => tx,
                    None => return self.done(step, String::new()).await,
                },
            };
            if let Some(result) = self.follow(step, &tx, started_ms).await? {
                return self.done(step, result).await;
            }
            // It can never land: the next turn builds it anew.
            self.save(step, &wire::SetupRow::default()).await?;
        }
    }

    async fn done(&self, step: &'static str, result: String) -> Result<String, StartError> {
        self.save(step, &wire::SetupRow { tx: None, result: result.clone(), done: true }).await?;
        self.say(step, result.clone());
        Ok(result)
    }

    /// Builds and signs; the transaction is durable when this returns. `None`: the chain has it done already.
    async fn prepare(&self, step: &'static str, (messages, proofs): (&[Message], &[ProofGroup])) -> Result<Option<SignedTx>, StartError> {
        let failed = |error: causeway_adapter::AdapterError| StartError::Adapter { chain: self.host.id().clone(), error };
        let signer = self.host.spec.signers.first().cloned().unwrap_or_default();
        let slot = if self.host.description.slot_ordering == SlotOrdering::RandomWithExpiry {
            let status = self.host.call("status", self.host.adapter().status()).await.map_err(failed)?;
            Slot::Expiry(status.head.height.plus(EXPIRY_BLOCKS))
        } else {
            let account = self.host.call("account", self.host.adapter().account(&signer)).await.map_err(failed)?;
            Slot::Number(account.next_slot.unwrap_or(0))
        };
        let request = BuildRequest {
            signer: signer.clone(),
            messages: messages.to_vec(),
            proofs: proofs.to_vec(),
            slot,
            fees: self.host.spec.fees.clone(),
            simulate: true,
        };
        let built = self.host.call("build", self.host.adapter().build(request)).await.map_err(failed)?;
        // Somebody else may have brought the client to that height in the meantime; the step itself is the last message.
        let last = messages.len().saturating_sub(1);
        if let Some(rejected) = built.rejected.iter().find(|one| one.index == last || one.reason != RejectReason::AlreadyDone) {
            return match &rejected.reason {
                RejectReason::AlreadyDone => Ok(None),
                RejectReason::Refused(text) | RejectReason::Stale(text) => Err(self.refused(step, text.clone())),
                RejectReason::NoRoom => Err(self.refused(step, "it does not fit into a transaction of the chain")),
            };
        }
        let tx = self.host.call("sign", self.host.adapter().sign(&signer, &built)).await.map_err(failed)?;
        let row = wire::SetupRow { tx: Some(codec::signed_row(&tx)), result: String::new(), done: false };
        self.save(step, &row).await?;
        self.say(step, format!("transaction {}", tx.tx_id));
        Ok(Some(tx))
    }

    /// Follows a transaction: what it gave, or `None` when it can never land.
    async fn follow(&self, step: &'static str, tx: &SignedTx, started_ms: u64) -> Result<Option<String>, StartError> {
        let mut broadcast_ms = None::<u64>;
        loop {
            match self.host.call("outcome", self.host.adapter().outcome(tx)).await {
                Ok(Outcome::Included { results, .. }) => return self.judge(step, results.into_iter().next_back()).await.map(Some),
                Ok(Outcome::Impossible(_)) => return Ok(None),
                Ok(Outcome::Unknown) => {
                    let now_ms = self.host.now_ms();
                    if broadcast_ms.is_none_or(|at| now_ms.saturating_sub(at) >= REBROADCAST_MS) {
                        broadcast_ms = Some(now_ms);
                        match self.host.call("broadcast", self.host.adapter().broadcast(tx)).await {
                            // No pool took it: built again it has the same slot, so that one of the two lands at most.
                            Ok(BroadcastResult::Underpriced { reason }) => {
                                self.say(step, format!("the chain asks for a higher price: {reason}"));
                                return Ok(None);
                            }
                            Ok(BroadcastResult::Refused { reason, .. }) => self.say(step, format!("refused for now: {reason}")),
                            // Whatever is answered, only the outcome counts.
                            Ok(BroadcastResult::Accepted | BroadcastResult::AlreadyKnown) | Err(_) => {}
                        }
                    }
                }
                Ok(Outcome::Pending) | Err(_) => {}
            }
            if self.host.now_ms().saturating_sub(started_ms) > PATIENCE_MS {
                return Err(self.refused(step, format!("{} was not included in time; call again to go on waiting", tx.tx_id)));
            }
            self.host.env.clock.sleep(self.host.poll_interval()).await;
        }
    }

    async fn judge(&self, step: &'static str, result: Option<MessageResult>) -> Result<String, StartError> {
        let detail = match result {
            Some(MessageResult::Applied { created }) => return Ok(created.unwrap_or_default()),
            Some(MessageResult::Noop) => return Ok(String::new()),
            Some(MessageResult::Failed(reason)) => reason,
            Some(MessageResult::ErrorAck | MessageResult::NotExecuted) | None => "the transaction failed".to_owned(),
        };
        // The next call begins the step anew.
        self.save(step, &wire::SetupRow::default()).await?;
        Err(self.refused(step, detail))
    }
}
