//! An adapter that passes everything on and notes breaches of the engine's promises: a broadcast that is not in the journal, a slot used for
//! something else while its first transaction could still land.

use async_trait::async_trait;
use causeway_adapter::adapter::Result;
use causeway_adapter::fakes::{FakeAdapter, FakeChain};
use causeway_adapter::{
    Account, AdapterError, BroadcastResult, BuildRequest, Built, ChainAdapter, ChainStatus, ClientView, ConsensusView, Description, Event,
    Evidence, HostLimits, HydrateRequest, Hydrated, Impossible, LocatedEvent, Message, MessageResult, Outcome, PacketState, Plan, Provable,
    SignedTx, Slot, WatchBatch, WatchRequest,
};
use causeway_store::{MemoryStore, Store, Tree};
use causeway_types::classic::{ChannelEnd, ChannelEndId, ConnectionEnd, ConnectionId};
use causeway_types::{Claim, ClientId, Head, Height, PacketEnd, Sequence, TxId};
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

/// The messages of an unsigned transaction, and its price.
type Priced = (Vec<Message>, u128);

#[derive(Debug)]
pub struct Recorder {
    inner: FakeAdapter,
    store: Mutex<MemoryStore>,
    built: Mutex<HashMap<Vec<u8>, Priced>>,
    /// Transactions broadcast by account and number.
    slots: Mutex<BTreeMap<(String, u64), Vec<SignedTx>>>,
    breaches: Mutex<Vec<String>>,
    calls: Mutex<BTreeMap<&'static str, u64>>,
    /// Messages of which a simulation was asked for.
    simulated: Mutex<usize>,
    /// Messages of every transaction that was broadcast.
    sent: Mutex<HashMap<TxId, Vec<Message>>>,
    twist: Mutex<Twist>,
}

/// Answers that are bent on their way to the engine.
#[derive(Debug, Default)]
pub struct Twist {
    /// Changes what a client looks like.
    pub view: Option<fn(&mut ClientView)>,
    /// Clients seem to hold something else than they do.
    pub consensus: bool,
    /// This many outcomes say that everything was applied, whatever is true.
    pub applied: u32,
    /// What the next plan is.
    pub plan: Option<Plan>,
    /// The endpoint claims a head so many blocks and seconds above the true one, with nothing in the blocks up to it.
    pub head_above: Option<(u64, u64)>,
    /// It then says of those blocks that it does not have them yet.
    pub stumbles: bool,
    /// What it claims is over as soon as another endpoint is asked first.
    pub has_honest_neighbour: bool,
    /// Events of updates name no heights.
    pub hide_heights: bool,
    /// What the next batch with new blocks tells besides.
    pub invented: Vec<Event>,
    /// No commitment is listed.
    pub hide_commitments: bool,
    /// Every batch tells that this client was frozen.
    pub freezes: Option<ClientId>,
    /// This many outcomes of evidence say that it failed in its block, whatever is true.
    pub refused_evidence: u32,
    /// No header can be had as an update of a height that is asked for.
    pub no_update_at: bool,
    /// How often it was put behind others.
    pub distrusted: u32,
}

impl Twist {
    fn raise(&self, head: Head) -> Head {
        let Some((blocks, seconds)) = self.head_above else { return head };
        let number = head.height.number.saturating_add(blocks);
        Head { height: Height { number, ..head.height }, time_s: head.time_s.map(|time_s| time_s.saturating_add(seconds)) }
    }
}

/// A batch of an endpoint that invents blocks: empty ones, as far as they may be asked for.
fn invented(request: &WatchRequest, head: Head) -> WatchBatch {
    let number = head.height.number.min(request.after.number.saturating_add(request.blocks_max)).max(request.after.number);
    WatchBatch { cursor: Height { number, ..request.after }, head, events: Vec::new() }
}

impl Recorder {
    pub fn new(chain: &FakeChain, store: &MemoryStore) -> Self {
        Self {
            inner: chain.adapter(),
            store: Mutex::new(store.clone()),
            built: Mutex::default(),
            slots: Mutex::default(),
            breaches: Mutex::default(),
            calls: Mutex::default(),
            simulated: Mutex::default(),
            sent: Mutex::default(),
            twist: Mutex::default(),
        }
    }

    pub fn twist(&self, change: impl FnOnce(&mut Twist)) {
        change(&mut self.twist.lock().unwrap());
    }

    pub fn use_store(&self, store: &MemoryStore) {
        *self.store.lock().unwrap() = store.clone();
    }

    pub fn breaches(&self) -> Vec<String> {
        self.breaches.lock().unwrap().clone()
    }

    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.calls.lock().unwrap().clone()
    }

    pub fn simulated(&self) -> usize {
        *self.simulated.lock().unwrap()
    }

    /// Of each transaction that was broadcast: its client updates, and its other messages.
    pub fn sent(&self) -> Vec<(usize, usize)> {
        let updates = |messages: &Vec<Message>| messages.iter().filter(|message| matches!(message, Message::UpdateClient { .. })).count();
        self.sent.lock().unwrap().values().map(|messages| (updates(messages), messages.len() - updates(messages))).collect()
    }

    fn count(&self, name: &'static str) {
        tracing::trace!(name, "call");
        *self.calls.lock().unwrap().entry(name).or_default() += 1;
    }

    fn breach(&self, text: String) {
        self.breaches.lock().unwrap().push(text);
    }

    /// The messages of a fake transaction: the first 32 bytes of its raw form name its unsigned form.
    fn messages(&self, tx: &SignedTx) -> Option<Vec<Message>> {
        self.built.lock().unwrap().get(tx.raw.get(..32)?).map(|(messages, _)| messages.clone())
    }

    /// Prices of the transactions that were broadcast in each slot of an account, oldest first.
    pub fn prices(&self) -> BTreeMap<(String, u64), Vec<u128>> {
        let built = self.built.lock().unwrap();
        let price = |tx: &SignedTx| tx.raw.get(..32).and_then(|name| built.get(name)).map_or(0, |(_, price)| *price);
        self.slots.lock().unwrap().iter().map(|(slot, known)| (slot.clone(), known.iter().map(price).collect())).collect()
    }

    async fn check(&self, tx: &SignedTx) {
        let store = self.store.lock().unwrap().clone();
        let rows = store.scan(Tree::Hot, b"t\0", None, usize::MAX).await.unwrap_or_default();
        if !rows.iter().any(|(_, row)| row.windows(tx.raw.len()).any(|window| window == tx.raw)) {
            self.breach(format!("{} was broadcast before it was journaled", tx.tx_id));
        }
        let Slot::Number(number) = tx.slot else { return };
        let earlier = self.slots.lock().unwrap().entry((tx.account.clone(), number)).or_default().clone();
        for old in earlier.iter().filter(|old| old.tx_id != tx.tx_id) {
            let same = self.messages(old) == self.messages(tx);
            let over = matches!(self.inner.outcome(old).await, Ok(Outcome::Impossible(Impossible::SlotUsed)));
            if !same && !over {
                self.breach(format!("slot {number}: {} while {} could still land", tx.tx_id, old.tx_id));
            }
        }
        let mut slots = self.slots.lock().unwrap();
        let known = slots.entry((tx.account.clone(), number)).or_default();
        if known.iter().all(|old| old.tx_id != tx.tx_id) {
            known.push(tx.clone());
        }
    }
}

#[async_trait]
impl ChainAdapter for Recorder {
    async fn describe(&self) -> Result<Description> {
        self.inner.describe().await
    }

    async fn status(&self) -> Result<ChainStatus> {
        self.count("status");
        let mut status = self.inner.status().await?;
        status.head = self.twist.lock().unwrap().raise(status.head);
        Ok(status)
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchBatch> {
        self.count("watch");
        let head = self.inner.status().await?.head;
        let raised = self.twist.lock().unwrap().raise(head);
        if raised != head {
            tokio::task::yield_now().await;
            if self.twist.lock().unwrap().stumbles {
                return Err(AdapterError::Lagging { found: head.height, needed: raised.height });
            }
            return Ok(invented(&request, raised));
        }
        let after = request.after;
        let mut batch = self.inner.watch(request).await?;
        if self.twist.lock().unwrap().hide_heights {
            for located in &mut batch.events {
                if let Event::ClientUpdated { heights, .. } = &mut located.event {
                    heights.clear();
                }
            }
        }
        if batch.cursor > after {
            let (height, tx) = (batch.cursor, TxId::new(vec![2; 32]).unwrap());
            let invented = std::mem::take(&mut self.twist.lock().unwrap().invented);
            batch.events.extend(invented.into_iter().map(|event| LocatedEvent { height, tx: tx.clone(), index: 0, event }));
        }
        if let Some(client) = self.twist.lock().unwrap().freezes.clone() {
            let (height, tx) = (batch.cursor, TxId::new(vec![1; 32]).unwrap());
            batch.events.push(LocatedEvent { height, tx, index: 0, event: Event::ClientFrozen { client } });
        }
        Ok(batch)
    }

    async fn commitments(&self, end: &PacketEnd, from: Sequence, limit: u32) -> Result<(Vec<Sequence>, Option<Sequence>)> {
        self.count("commitments");
        if self.twist.lock().unwrap().hide_commitments {
            return Ok((Vec::new(), None));
        }
        self.inner.commitments(end, from, limit).await
    }

    async fn packet_states(&self, end: &PacketEnd, sequences: &[Sequence]) -> Result<Vec<PacketState>> {
        self.count("packet_states");
        self.inner.packet_states(end, sequences).await
    }

    async fn hydrate(&self, request: HydrateRequest) -> Result<Vec<Hydrated>> {
        self.count("hydrate");
        self.inner.hydrate(request).await
    }

    async fn client(&self, client: &ClientId) -> Result<ClientView> {
        self.count("client");
        let mut view = self.inner.client(client).await?;
        if let Some(bend) = self.twist.lock().unwrap().view {
            bend(&mut view);
        }
        Ok(view)
    }

    async fn consensus(&self, client: &ClientId, height: Height) -> Result<ConsensusView> {
        self.count("consensus");
        let mut view = self.inner.consensus(client, height).await?;
        if self.twist.lock().unwrap().consensus {
            view.hash[0] ^= 1;
        }
        Ok(view)
    }

    async fn connection(&self, id: &ConnectionId) -> Result<ConnectionEnd> {
        self.count("connection");
        self.inner.connection(id).await
    }

    async fn channel(&self, id: &ChannelEndId) -> Result<ChannelEnd> {
        self.count("channel");
        self.inner.channel(id).await
    }

    async fn root(&self, height: Option<Height>) -> Result<(Height, Vec<u8>)> {
        self.count("root");
        self.inner.root(height).await
    }

    async fn update_at(&self, trusted: Height, height: Height) -> Result<Vec<u8>> {
        self.count("update_at");
        if self.twist.lock().unwrap().no_update_at {
            return Err(AdapterError::Unreachable { endpoint: "twisted".into(), detail: "no such header".into() });
        }
        self.inner.update_at(trusted, height).await
    }

    async fn submitted(&self, client: &ClientId, height: Height, tx: &TxId) -> Result<Vec<Vec<u8>>> {
        self.count("submitted");
        self.inner.submitted(client, height, tx).await
    }

    async fn plan_update(&self, view: &ClientView, need: Option<Height>, limits: HostLimits) -> Result<Plan> {
        self.count("plan_update");
        if let Some(plan) = self.twist.lock().unwrap().plan.take() {
            return Ok(plan);
        }
        self.inner.plan_update(view, need, limits).await
    }

    async fn provable(&self, claim: &Claim) -> Result<Provable> {
        self.count("provable");
        if matches!(claim, Claim::NoCommitment { .. }) {
            self.count("provable no-commitment");
        }
        self.inner.provable(claim).await
    }

    async fn fetch(&self, claims: &[Claim], height: Height) -> Result<Evidence> {
        self.count("fetch");
        if claims.iter().any(|claim| matches!(claim, Claim::NoCommitment { .. })) {
            self.count("fetch no-commitment");
        }
        self.inner.fetch(claims, height).await
    }

    async fn build(&self, request: BuildRequest) -> Result<Built> {
        self.count("build");
        let messages = request.messages.clone();
        if request.simulate {
            *self.simulated.lock().unwrap() += messages.len();
        }
        let built = self.inner.build(request).await?;
        let included = built.included.iter().map(|index| messages[*index].clone()).collect();
        self.built.lock().unwrap().insert(built.unsigned.clone(), (included, built.gas_price));
        Ok(built)
    }

    async fn sign(&self, signer: &str, built: &Built) -> Result<SignedTx> {
        self.inner.sign(signer, built).await
    }

    async fn broadcast(&self, tx: &SignedTx) -> Result<BroadcastResult> {
        self.count("broadcast");
        self.sent.lock().unwrap().insert(tx.tx_id.clone(), self.messages(tx).unwrap_or_default());
        self.check(tx).await;
        self.inner.broadcast(tx).await
    }

    async fn outcome(&self, tx: &SignedTx) -> Result<Outcome> {
        self.count("outcome");
        let bent = {
            let mut twist = self.twist.lock().unwrap();
            let bent = twist.applied > 0;
            twist.applied = twist.applied.saturating_sub(1);
            bent
        };
        if bent {
            let count = self.messages(tx).map_or(0, |messages| messages.len());
            let height = self.inner.status().await?.head.height;
            let results = vec![MessageResult::Applied { created: None }; count];
            return Ok(Outcome::Included { height, gas_used: 1, fee: 1, results });
        }
        let is_evidence = |messages: &Vec<Message>| messages.iter().any(|message| matches!(message, Message::SubmitMisbehaviour { .. }));
        let refused = self.twist.lock().unwrap().refused_evidence > 0;
        if refused && self.messages(tx).as_ref().is_some_and(is_evidence) {
            self.twist.lock().unwrap().refused_evidence -= 1;
            let height = self.inner.status().await?.head.height;
            return Ok(Outcome::Included { height, gas_used: 1, fee: 1, results: vec![MessageResult::Failed("no room".into())] });
        }
        self.inner.outcome(tx).await
    }

    async fn account(&self, signer: &str) -> Result<Account> {
        self.count("account");
        self.inner.account(signer).await
    }

    fn distrust(&self) {
        let mut twist = self.twist.lock().unwrap();
        twist.distrusted += 1;
        if twist.has_honest_neighbour {
            (twist.head_above, twist.view, twist.consensus, twist.freezes) = (None, None, false, None);
        }
    }
}
