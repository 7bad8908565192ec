//! An adapter that breaks one promise, in front of any other: it shows that the conformance suite sees what it is there to see.

use super::wire::{self, ClientState};
use crate::adapter::Result;
use crate::{
    Account, AdapterError, BroadcastResult, BuildRequest, Built, ChainAdapter, ChainStatus, ClientView, ConsensusView, Description, Event,
    Evidence, EvidenceItem, HostLimits, HydrateRequest, Hydrated, Impossible, MessageResult, Outcome, PacketState, Plan, Provable,
    RejectReason, Rejected, SignedTx, WatchBatch, WatchRequest,
};
use async_trait::async_trait;
use causeway_types::classic::{ChannelEnd, ChannelEndId, ConnectionEnd, ConnectionId};
use causeway_types::{Claim, ClientId, Height, Packet, PacketEnd, Sequence, TxId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which promise is broken; the name says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each name is the promise of the suite that it breaks")]
pub enum Breakage {
    SeamVersionMatches,
    DescribeIsStableAndBounded,
    StatusIsMonotone,
    UnknownClientIsNotFound,
    UnknownKeyIsNotFound,
    UnknownHeightIsNotFound,
    UnknownChannelIsNotFound,
    WatchIsInOrder,
    WatchLeavesNoGap,
    WatchResumesFromACursor,
    WatchHonoursTheFilter,
    WatchBeatsWithinTheWait,
    WatchNeverRunsAhead,
    EventsAgreeWithState,
    CommitmentsArePagedAndAscending,
    PacketStatesKeepTheOrder,
    HydrateAgreesWithState,
    ClientAndConsensusAgree,
    RootVerifies,
    ConsensusEqualsVerifiedHeader,
    PlanStepsVerifyInOrder,
    PlanSaysNotYet,
    EvidenceVerifies,
    AFalseClaimIsNeverProven,
    AnAbsentCommitmentIsProven,
    ChannelEndsAreProven,
    AFalseEndIsNeverProven,
    PrunedHeightIsATypedError,
    FutureHeightIsATypedError,
    AHeightThatOthersBroughtIsProven,
    PlanBeginsWhereTheViewSays,
    BuildAccountsForEveryMessage,
    BuildLeavesOutPoisonAndNamesIt,
    BuildKeepsTheLimits,
    AUsedSlotIsRefused,
    BroadcastIsIdempotent,
    OutcomeGivesAResultAMessage,
    OutcomeIsUnknownBeforeBroadcast,
    OnlyFinalLossIsImpossible,
    DeliveryTwiceIsANoop,
}

impl Breakage {
    /// All of them, with the promise that each breaks.
    pub const ALL: [(Self, &'static str); 40] = [
        (Self::SeamVersionMatches, "seam-version-matches"),
        (Self::DescribeIsStableAndBounded, "describe-is-stable-and-bounded"),
        (Self::StatusIsMonotone, "status-is-monotone"),
        (Self::UnknownClientIsNotFound, "unknown-client-is-not-found"),
        (Self::UnknownKeyIsNotFound, "unknown-key-is-not-found"),
        (Self::UnknownHeightIsNotFound, "unknown-height-is-not-found"),
        (Self::UnknownChannelIsNotFound, "unknown-channel-is-not-found"),
        (Self::WatchIsInOrder, "watch-is-in-order"),
        (Self::WatchLeavesNoGap, "watch-leaves-no-gap"),
        (Self::WatchResumesFromACursor, "watch-resumes-from-a-cursor"),
        (Self::WatchHonoursTheFilter, "watch-honours-the-filter"),
        (Self::WatchBeatsWithinTheWait, "watch-beats-within-the-wait"),
        (Self::WatchNeverRunsAhead, "watch-never-runs-ahead"),
        (Self::EventsAgreeWithState, "events-agree-with-state"),
        (Self::CommitmentsArePagedAndAscending, "commitments-are-paged-and-ascending"),
        (Self::PacketStatesKeepTheOrder, "packet-states-keep-the-order"),
        (Self::HydrateAgreesWithState, "hydrate-agrees-with-state"),
        (Self::ClientAndConsensusAgree, "client-and-consensus-agree"),
        (Self::RootVerifies, "root-verifies"),
        (Self::ConsensusEqualsVerifiedHeader, "consensus-equals-verified-header"),
        (Self::PlanStepsVerifyInOrder, "plan-steps-verify-in-order"),
        (Self::PlanSaysNotYet, "plan-says-not-yet"),
        (Self::EvidenceVerifies, "evidence-verifies"),
        (Self::AFalseClaimIsNeverProven, "a-false-claim-is-never-proven"),
        (Self::AnAbsentCommitmentIsProven, "an-absent-commitment-is-proven"),
        (Self::ChannelEndsAreProven, "channel-ends-are-proven"),
        (Self::AFalseEndIsNeverProven, "a-false-end-is-never-proven"),
        (Self::PrunedHeightIsATypedError, "pruned-height-is-a-typed-error"),
        (Self::FutureHeightIsATypedError, "future-height-is-a-typed-error"),
        (Self::AHeightThatOthersBroughtIsProven, "a-height-that-others-brought-is-proven"),
        (Self::PlanBeginsWhereTheViewSays, "plan-begins-where-the-view-says"),
        (Self::BuildAccountsForEveryMessage, "build-accounts-for-every-message"),
        (Self::BuildLeavesOutPoisonAndNamesIt, "build-leaves-out-poison-and-names-it"),
        (Self::BuildKeepsTheLimits, "build-keeps-the-limits"),
        (Self::AUsedSlotIsRefused, "a-used-slot-is-refused"),
        (Self::BroadcastIsIdempotent, "broadcast-is-idempotent"),
        (Self::OutcomeGivesAResultAMessage, "outcome-gives-a-result-a-message"),
        (Self::OutcomeIsUnknownBeforeBroadcast, "outcome-is-unknown-before-broadcast"),
        (Self::OnlyFinalLossIsImpossible, "only-final-loss-is-impossible"),
        (Self::DeliveryTwiceIsANoop, "delivery-twice-is-a-noop"),
    ];
}

/// An adapter that breaks a promise.
#[derive(Debug)]
pub struct BrokenAdapter {
    inner: Arc<dyn ChainAdapter>,
    breakage: Breakage,
    calls: AtomicU64,
}

impl BrokenAdapter {
    /// Breaks one promise of `inner`.
    pub fn new(inner: Arc<dyn ChainAdapter>, breakage: Breakage) -> Self {
        Self { inner, breakage, calls: AtomicU64::new(0) }
    }

    fn is(&self, breakage: Breakage) -> bool {
        self.breakage == breakage
    }

    fn count(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    fn untyped(&self) -> AdapterError {
        AdapterError::Unreachable { endpoint: "broken".into(), detail: "something went wrong".into() }
    }

    fn spoil(&self, mut batch: WatchBatch, request: &WatchRequest) -> WatchBatch {
        match self.breakage {
            Breakage::WatchIsInOrder => batch.events.reverse(),
            Breakage::WatchLeavesNoGap if batch.events.len() > 2 => {
                batch.events.remove(1);
            }
            Breakage::WatchResumesFromACursor if request.blocks_max == 1 => batch.events.clear(),
            Breakage::EventsAgreeWithState => {
                for located in &mut batch.events {
                    if let Event::Sent { packet: Packet::V2(packet) } = &mut located.event {
                        packet.timeout_timestamp_s = packet.timeout_timestamp_s.wrapping_add(7);
                    }
                }
            }
            _ => {}
        }
        batch
    }
}

#[async_trait]
impl ChainAdapter for BrokenAdapter {
    async fn describe(&self) -> Result<Description> {
        let mut description = self.inner.describe().await?;
        match self.breakage {
            Breakage::SeamVersionMatches => description.seam_version = description.seam_version.wrapping_add(1),
            Breakage::DescribeIsStableAndBounded => description.block_interval_ms = self.count(),
            Breakage::BuildKeepsTheLimits => description.limits.messages_max = 2,
            _ => {}
        }
        Ok(description)
    }

    async fn status(&self) -> Result<ChainStatus> {
        let mut status = self.inner.status().await?;
        if self.is(Breakage::StatusIsMonotone) {
            status.head.height = Height { number: 1_000_u64.saturating_sub(self.count()), ..status.head.height };
        }
        Ok(status)
    }

    async fn watch(&self, mut request: WatchRequest) -> Result<WatchBatch> {
        if self.is(Breakage::WatchBeatsWithinTheWait) && request.wait_ms > 0 {
            core::future::pending::<()>().await;
        }
        if self.is(Breakage::WatchNeverRunsAhead) {
            let head = self.inner.status().await?.head;
            if request.after > head.height {
                return Ok(WatchBatch { cursor: head.height, head, events: Vec::new() });
            }
        }
        if self.is(Breakage::WatchHonoursTheFilter) && request.filter.ends.is_empty() {
            request.filter.ends = (0..4)
                .flat_map(|n| super::FakeFamily::ALL.map(|f| format!("{}-{n}", f.client_type())))
                .flat_map(ClientId::new)
                .map(Into::into)
                .collect();
        }
        Ok(self.spoil(self.inner.watch(request.clone()).await?, &request))
    }

    async fn commitments(&self, end: &PacketEnd, from: Sequence, limit: u32) -> Result<(Vec<Sequence>, Option<Sequence>)> {
        let (mut sequences, last) = self.inner.commitments(end, from, limit).await?;
        if self.is(Breakage::CommitmentsArePagedAndAscending) {
            sequences.reverse();
        }
        Ok((sequences, last))
    }

    async fn packet_states(&self, end: &PacketEnd, sequences: &[Sequence]) -> Result<Vec<PacketState>> {
        let mut states = self.inner.packet_states(end, sequences).await?;
        if self.is(Breakage::PacketStatesKeepTheOrder) {
            states.sort_by_key(|state| state.sequence);
        }
        Ok(states)
    }

    async fn hydrate(&self, request: HydrateRequest) -> Result<Vec<Hydrated>> {
        let mut items = self.inner.hydrate(request).await?;
        if self.is(Breakage::HydrateAgreesWithState) {
            items.pop();
        }
        Ok(items)
    }

    async fn client(&self, client: &ClientId) -> Result<ClientView> {
        match self.inner.client(client).await {
            Err(AdapterError::NotFound { .. }) if self.is(Breakage::UnknownClientIsNotFound) => Err(self.untyped()),
            view => view,
        }
    }

    async fn consensus(&self, client: &ClientId, height: Height) -> Result<ConsensusView> {
        match self.inner.consensus(client, height).await {
            Err(AdapterError::NotFound { .. }) if self.is(Breakage::UnknownHeightIsNotFound) => Err(self.untyped()),
            Ok(view) if self.is(Breakage::ClientAndConsensusAgree) => Ok(ConsensusView { height: height.plus(1), ..view }),
            Ok(view) if self.is(Breakage::ConsensusEqualsVerifiedHeader) => Ok(ConsensusView { hash: [7; 32], ..view }),
            view => view,
        }
    }

    async fn connection(&self, id: &ConnectionId) -> Result<ConnectionEnd> {
        self.inner.connection(id).await
    }

    async fn channel(&self, id: &ChannelEndId) -> Result<ChannelEnd> {
        match self.inner.channel(id).await {
            Err(AdapterError::NotFound { .. }) if self.is(Breakage::UnknownChannelIsNotFound) => Err(self.untyped()),
            end => end,
        }
    }

    async fn channels(&self, connection: &ConnectionId) -> Result<Vec<(ChannelEndId, ChannelEnd)>> {
        self.inner.channels(connection).await
    }

    async fn root(&self, height: Option<Height>) -> Result<(Height, Vec<u8>)> {
        let (found, mut update) = self.inner.root(height).await?;
        if self.is(Breakage::RootVerifies)
            && let Some(byte) = update.last_mut()
        {
            *byte ^= 1;
        }
        Ok((found, update))
    }

    async fn plan_update(&self, view: &ClientView, need: Option<Height>, limits: HostLimits) -> Result<Plan> {
        let mut view = view.clone();
        if self.is(Breakage::PlanBeginsWhereTheViewSays)
            && let Some(newest) = newest_held(&view)
        {
            view.latest.number = newest;
        }
        match self.inner.plan_update(&view, need, limits).await? {
            Plan::Steps(mut steps) if self.is(Breakage::PlanStepsVerifyInOrder) => {
                for step in &mut steps {
                    step.trusted = step.resulting;
                }
                Ok(Plan::Steps(steps))
            }
            Plan::NotYet { .. } if self.is(Breakage::PlanSaysNotYet) => Ok(Plan::Steps(Vec::new())),
            plan => Ok(plan),
        }
    }

    async fn update_at(&self, trusted: Height, height: Height) -> Result<Vec<u8>> {
        let before = u64::from(self.is(Breakage::AHeightThatOthersBroughtIsProven));
        self.inner.update_at(trusted, height.minus(before)).await
    }

    async fn submitted(&self, client: &ClientId, height: Height, tx: &TxId) -> Result<Vec<Vec<u8>>> {
        self.inner.submitted(client, height, tx).await
    }

    async fn provable(&self, claim: &Claim) -> Result<Provable> {
        self.inner.provable(claim).await
    }

    async fn fetch(&self, claims: &[Claim], height: Height) -> Result<Evidence> {
        match self.inner.fetch(claims, height).await {
            Err(AdapterError::HeightPruned { .. }) if self.is(Breakage::PrunedHeightIsATypedError) => Err(self.untyped()),
            Err(AdapterError::Lagging { .. }) if self.is(Breakage::FutureHeightIsATypedError) => Err(self.untyped()),
            Ok(mut evidence) => {
                for (item, claim) in evidence.each.iter_mut().zip(claims) {
                    let absent = matches!(claim, Claim::NoCommitment { .. });
                    let end = matches!(claim, Claim::Connection { .. } | Claim::Channel { .. });
                    match item {
                        EvidenceItem::Bytes(bytes) if end && self.is(Breakage::ChannelEndsAreProven) => bytes.reverse(),
                        EvidenceItem::NotSo if end && self.is(Breakage::AFalseEndIsNeverProven) => *item = EvidenceItem::Bytes(Vec::new()),
                        EvidenceItem::Bytes(_) if absent && self.is(Breakage::AnAbsentCommitmentIsProven) => *item = EvidenceItem::NotSo,
                        EvidenceItem::Bytes(bytes) if self.is(Breakage::EvidenceVerifies) => bytes.reverse(),
                        EvidenceItem::NotSo if self.is(Breakage::AFalseClaimIsNeverProven) => *item = EvidenceItem::Bytes(Vec::new()),
                        _ => {}
                    }
                }
                Ok(evidence)
            }
            other => other,
        }
    }

    async fn build(&self, mut request: BuildRequest) -> Result<Built> {
        if self.is(Breakage::BuildLeavesOutPoisonAndNamesIt) {
            request.simulate = false;
        }
        let slot = request.slot.clone();
        let mut built = match self.inner.build(request).await {
            Err(AdapterError::SlotMismatch { .. }) if self.is(Breakage::AUsedSlotIsRefused) => {
                return Ok(Built { unsigned: Vec::new(), included: Vec::new(), rejected: Vec::new(), gas_limit: 0, gas_price: 0, slot });
            }
            built => built?,
        };
        match self.breakage {
            Breakage::BuildAccountsForEveryMessage => built.rejected.clear(),
            Breakage::DeliveryTwiceIsANoop => {
                for Rejected { reason, .. } in &mut built.rejected {
                    if *reason == RejectReason::AlreadyDone {
                        *reason = RejectReason::Refused("no".into());
                    }
                }
            }
            _ => {}
        }
        Ok(built)
    }

    async fn sign(&self, signer: &str, built: &Built) -> Result<SignedTx> {
        self.inner.sign(signer, built).await
    }

    async fn broadcast(&self, tx: &SignedTx) -> Result<BroadcastResult> {
        match self.inner.broadcast(tx).await? {
            BroadcastResult::AlreadyKnown if self.is(Breakage::BroadcastIsIdempotent) => {
                Ok(BroadcastResult::Refused { reason: "already known".into(), slot_conflict: true })
            }
            result => Ok(result),
        }
    }

    async fn outcome(&self, tx: &SignedTx) -> Result<Outcome> {
        match self.inner.outcome(tx).await? {
            Outcome::Unknown if self.is(Breakage::OutcomeIsUnknownBeforeBroadcast) => Ok(Outcome::Pending),
            Outcome::Unknown if self.is(Breakage::OnlyFinalLossIsImpossible) => Ok(Outcome::Impossible(Impossible::Expired)),
            Outcome::Included { height, gas_used, fee, mut results } if self.is(Breakage::OutcomeGivesAResultAMessage) => {
                results.push(MessageResult::Noop);
                Ok(Outcome::Included { height, gas_used, fee, results })
            }
            outcome => Ok(outcome),
        }
    }

    async fn account(&self, signer: &str) -> Result<Account> {
        match self.inner.account(signer).await {
            Err(AdapterError::NotFound { .. }) if self.is(Breakage::UnknownKeyIsNotFound) => Err(self.untyped()),
            account => account,
        }
    }

    fn distrust(&self) {
        self.inner.distrust();
    }
}

/// The newest height that the client's own state names, whatever the view says.
fn newest_held(view: &ClientView) -> Option<u64> {
    let state: ClientState = wire::decode("client state", &view.state).ok()?;
    state.heights.last().copied()
}
