//! Promises about transactions. All of them need a driver: a live chain is never written to by an examination.

use super::{Check, Driver, Fault, Subject, broken, driven, ensure, skip};
use crate::{
    AdapterError, BroadcastResult, BuildRequest, Built, FeePolicy, Impossible, Message, MessageResult, Outcome, ProofGroup, RejectReason,
    SignedTx, Slot, SlotOrdering,
};

/// How often the chain is moved on until a transaction is final.
const ADVANCES_MAX: usize = 20;
/// Most messages that are prepared to go beyond the limit of a transaction.
const MESSAGES_MAX: u32 = 40;

const FEES: FeePolicy = FeePolicy { gas_headroom_percent: 130, gas_price_max: None, replace_bump_percent: 15, replaces_price: None };

struct Desk<'a> {
    subject: &'a Subject,
    driver: &'a dyn Driver,
    signer: &'a str,
}

impl<'a> Desk<'a> {
    fn open(subject: &'a Subject) -> Result<Self, Fault> {
        subject.client()?;
        Ok(Self { subject, driver: subject.driver()?, signer: subject.signer()? })
    }

    async fn slot(&self) -> Result<Slot, Fault> {
        match self.subject.adapter.account(self.signer).await?.next_slot {
            Some(number) => Ok(Slot::Number(number)),
            None => Ok(Slot::Expiry(self.subject.adapter.status().await?.head.height.plus(20))),
        }
    }

    async fn messages(&self, count: usize, poison: Option<usize>) -> Result<(Vec<Message>, Vec<ProofGroup>), Fault> {
        driven(self.driver.deliverable(self.subject.client()?, count, poison).await)
    }

    fn request(&self, (messages, proofs): (Vec<Message>, Vec<ProofGroup>), slot: Slot) -> BuildRequest {
        BuildRequest { signer: self.signer.to_owned(), messages, proofs, slot, fees: FEES, simulate: true }
    }

    async fn build(&self, count: usize, poison: Option<usize>) -> Result<Built, Fault> {
        let messages = self.messages(count, poison).await?;
        Ok(self.subject.adapter.build(self.request(messages, self.slot().await?)).await?)
    }

    async fn signed(&self) -> Result<SignedTx, Fault> {
        let built = self.build(1, None).await?;
        ensure(built.included == [0], || format!("a message that the chain takes was left out: {:?}", built.rejected))?;
        Ok(self.subject.adapter.sign(self.signer, &built).await?)
    }

    async fn broadcast(&self, tx: &SignedTx) -> Result<(), Fault> {
        match self.subject.adapter.broadcast(tx).await? {
            BroadcastResult::Accepted | BroadcastResult::AlreadyKnown => Ok(()),
            BroadcastResult::Refused { reason, .. } | BroadcastResult::Underpriced { reason } => {
                broken(format!("the broadcast was refused: {reason}"))
            }
        }
    }

    /// Moves the chain until the transaction is final one way or the other.
    async fn settle(&self, tx: &SignedTx) -> Result<Outcome, Fault> {
        for _ in 0..ADVANCES_MAX {
            driven(self.driver.advance().await)?;
            let outcome = self.subject.adapter.outcome(tx).await?;
            if matches!(outcome, Outcome::Included { .. } | Outcome::Impossible(_)) {
                return Ok(outcome);
            }
        }
        broken(format!("not final after {ADVANCES_MAX} blocks"))
    }

    async fn deliver(&self, tx: &SignedTx) -> Result<Vec<MessageResult>, Fault> {
        self.broadcast(tx).await?;
        match self.settle(tx).await? {
            Outcome::Included { results, .. } => Ok(results),
            other => broken(format!("expected a place in a block, found {other:?}")),
        }
    }
}

pub(super) async fn accounts(subject: &Subject) -> Check {
    let built = Desk::open(subject)?.build(3, Some(1)).await?;
    let mut all: Vec<usize> = built.included.iter().copied().chain(built.rejected.iter().map(|rejected| rejected.index)).collect();
    all.sort_unstable();
    ensure(all == [0, 1, 2], || format!("of three messages, {all:?} are accounted for"))?;
    ensure(built.included.is_sorted(), || "included messages are out of order".into())?;
    ensure(built.unsigned.is_empty() == built.included.is_empty(), || "bytes without messages, or messages without bytes".into())
}

pub(super) async fn poison(subject: &Subject) -> Check {
    let built = Desk::open(subject)?.build(3, Some(1)).await?;
    ensure(built.included == [0, 2], || format!("included {:?}, expected the first and the last", built.included))?;
    let named = matches!(built.rejected.as_slice(), [only] if only.index == 1 && matches!(only.reason, RejectReason::Refused(_)));
    ensure(named, || format!("the poison is not named as refused: {:?}", built.rejected))
}

pub(super) async fn limits(subject: &Subject) -> Check {
    let desk = Desk::open(subject)?;
    let limit = subject.describe().await?.limits.messages_max;
    let count = limit.saturating_add(1).min(MESSAGES_MAX);
    let built = desk.build(count as usize, None).await?;
    ensure(built.included.len() <= limit as usize, || format!("{} messages, at most {limit} are described", built.included.len()))?;
    ensure(!built.included.is_empty(), || "nothing was included".into())?;
    let rest = built.rejected.iter().all(|rejected| rejected.reason == RejectReason::NoRoom);
    ensure(rest, || format!("messages beyond the limit are refused for another reason: {:?}", built.rejected))
}

/// refuse.md O6: a slot that is used is named, with the next one.
pub(super) async fn used_slot(subject: &Subject) -> Check {
    let desk = Desk::open(subject)?;
    if subject.describe().await?.slot_ordering == SlotOrdering::RandomWithExpiry {
        return skip("transactions of this chain are not numbered");
    }
    desk.deliver(&desk.signed().await?).await?;
    let Slot::Number(next) = desk.slot().await? else { return broken("no next slot on a chain with numbered transactions") };
    let Some(used) = next.checked_sub(1) else { return broken("the next slot is 0 after a transaction") };
    let messages = desk.messages(1, None).await?;
    match subject.adapter.build(desk.request(messages, Slot::Number(used))).await {
        Err(AdapterError::SlotMismatch { used: named, .. }) => ensure(named == used, || format!("slot {named} is named, {used} was used")),
        other => broken(format!("slot {used} is used, and: {other:?}")),
    }
}

pub(super) async fn idempotent(subject: &Subject) -> Check {
    let desk = Desk::open(subject)?;
    let tx = desk.signed().await?;
    desk.broadcast(&tx).await?;
    match subject.adapter.broadcast(&tx).await? {
        BroadcastResult::Accepted | BroadcastResult::AlreadyKnown => {}
        BroadcastResult::Refused { reason, .. } | BroadcastResult::Underpriced { reason } => {
            return broken(format!("the second broadcast was refused: {reason}"));
        }
    }
    let results = match desk.settle(&tx).await? {
        Outcome::Included { results, .. } => results,
        other => return broken(format!("expected a place in a block, found {other:?}")),
    };
    ensure(results.len() == 1, || format!("{} results for one message", results.len()))
}

pub(super) async fn outcome(subject: &Subject) -> Check {
    let desk = Desk::open(subject)?;
    let built = desk.build(3, None).await?;
    let tx = subject.adapter.sign(desk.signer, &built).await?;
    desk.broadcast(&tx).await?;
    let Outcome::Included { height, results, .. } = desk.settle(&tx).await? else { return broken("it never got into a block") };
    ensure(results.len() == built.included.len(), || format!("{} results for {} messages", results.len(), built.included.len()))?;
    ensure(results.iter().all(|result| matches!(result, MessageResult::Applied { .. })), || format!("results are {results:?}"))?;
    let head = subject.adapter.status().await?.head.height;
    ensure(height <= head, || format!("included at {height}, beyond the final head {head}"))
}

pub(super) async fn unknown(subject: &Subject) -> Check {
    let desk = Desk::open(subject)?;
    let tx = desk.signed().await?;
    match subject.adapter.outcome(&tx).await? {
        Outcome::Unknown => Ok(()),
        other => broken(format!("of a transaction nobody was given: {other:?}")),
    }
}

pub(super) async fn impossible(subject: &Subject) -> Check {
    let desk = Desk::open(subject)?;
    if subject.describe().await?.slot_ordering == SlotOrdering::RandomWithExpiry {
        let messages = desk.messages(1, None).await?;
        let expiry = subject.adapter.status().await?.head.height.plus(3);
        let built = subject.adapter.build(desk.request(messages, Slot::Expiry(expiry))).await?;
        let tx = subject.adapter.sign(desk.signer, &built).await?;
        ensure(subject.adapter.outcome(&tx).await? == Outcome::Unknown, || "impossible before its expiry".into())?;
        return match desk.settle(&tx).await? {
            Outcome::Impossible(Impossible::Expired) => Ok(()),
            other => broken(format!("past its expiry and never sent: {other:?}")),
        };
    }
    // Two transactions for one slot: the one that is sent wins, and only then is the other impossible.
    let (lost, won) = (desk.signed().await?, desk.signed().await?);
    desk.broadcast(&won).await?;
    let early = subject.adapter.outcome(&lost).await?;
    ensure(!matches!(early, Outcome::Impossible(_)), || "impossible before its slot is finally used".into())?;
    desk.settle(&won).await?;
    match subject.adapter.outcome(&lost).await? {
        Outcome::Impossible(Impossible::SlotUsed) => Ok(()),
        other => broken(format!("its slot is used by another: {other:?}")),
    }
}

pub(super) async fn noop(subject: &Subject) -> Check {
    let desk = Desk::open(subject)?;
    let messages = desk.messages(1, None).await?;
    let built = subject.adapter.build(desk.request(messages.clone(), desk.slot().await?)).await?;
    let first = subject.adapter.sign(desk.signer, &built).await?;
    desk.deliver(&first).await?;
    let again = subject.adapter.build(desk.request(messages.clone(), desk.slot().await?)).await?;
    let done = matches!(again.rejected.as_slice(), [only] if only.reason == RejectReason::AlreadyDone);
    ensure(done, || format!("a delivered packet is not left out as done: {:?}", again.rejected))?;
    let blind = BuildRequest { simulate: false, ..desk.request(messages, desk.slot().await?) };
    let built = subject.adapter.build(blind).await?;
    if built.included.is_empty() {
        return Ok(());
    }
    let tx = subject.adapter.sign(desk.signer, &built).await?;
    let results = desk.deliver(&tx).await?;
    ensure(results == [MessageResult::Noop], || format!("delivered twice: {results:?}"))
}
