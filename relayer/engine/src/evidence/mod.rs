//! Evidence against chains and clients, as the journal keeps it: written before anything is done with it, read again at every start, shown to
//! people. With evidence that convicts, nothing of a chain is relayed until people have put it aside, together with what was trusted.
//!
//! What it is not: it judges nothing; [`crate::chain`] and the wardens do.

mod prosecutor;

pub(crate) use prosecutor::Prosecutor;

use crate::chain::{Chain, Conflict, Suspicion};
use crate::error::{QueryError, StartError};
use crate::journal::{Journal, Op, codec, keys, wire};
use causeway_store::{Store, StoreError, Tree, Write};
use causeway_types::{ChainId, ClientId, Height};
use prost::Message as _;

/// Rows read in one step.
const PAGE: usize = 500;

/// What a piece of evidence is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceKind {
    /// Two validly sealed headers contradict each other, but are not on one trusted height yet: no client takes them so.
    Suspected,
    /// The two updates convict the chain: every client of it that holds their trusted height is frozen by them.
    Convicts,
    /// By its host's word, a client holds something else than was verified.
    Mismatch,
}

impl EvidenceKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspected => "suspected",
            Self::Convicts => "convicts",
            Self::Mismatch => "mismatch",
        }
    }

    fn number(self) -> u32 {
        match self {
            Self::Suspected => 1,
            Self::Convicts => 2,
            Self::Mismatch => 3,
        }
    }

    fn of(row: &wire::EvidenceRow) -> Self {
        match row.kind {
            0 if row.b.is_empty() => Self::Mismatch,
            1 => Self::Suspected,
            3 => Self::Mismatch,
            _ => Self::Convicts,
        }
    }
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The chain that it is against.
    pub chain: ChainId,
    /// The height that it is about.
    pub height: Height,
    /// What it is good for.
    pub kind: EvidenceKind,
    /// In words.
    pub what: String,
    /// When it was found, unix milliseconds.
    pub at_ms: u64,
    /// When it was put aside, unix milliseconds; `None`: it stands.
    pub closed_ms: Option<u64>,
    /// The two updates in canonical form, as far as they are there. Of a mismatch, the first is the trusted state as it was verified.
    pub updates: [Vec<u8>; 2],
}

impl Evidence {
    fn read(key: &[u8], bytes: &[u8]) -> Result<(Self, wire::EvidenceRow), codec::Damaged> {
        let (chain, height) = keys::evidence_place(key).ok_or_else(|| codec::Damaged("key of evidence".into()))?;
        let row: wire::EvidenceRow = codec::decode(bytes)?;
        let evidence = Self {
            chain,
            height,
            kind: EvidenceKind::of(&row),
            what: row.what.clone(),
            at_ms: row.at_ms,
            closed_ms: Some(row.closed_ms).filter(|at_ms| *at_ms > 0),
            updates: [row.a.clone(), row.b.clone()],
        };
        Ok((evidence, row))
    }
}

type Rows = Vec<(Vec<u8>, Evidence, wire::EvidenceRow)>;

async fn rows(store: &dyn Store, prefix: &[u8]) -> Result<Rows, QueryError> {
    let (mut all, mut after) = (Rows::new(), None::<Vec<u8>>);
    loop {
        let page = store.scan(Tree::Meta, prefix, after.as_deref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after = Some(last.clone());
        for (key, bytes) in page {
            let (evidence, row) = Evidence::read(&key, &bytes).map_err(|error| QueryError::Damaged(error.0))?;
            all.push((key, evidence, row));
        }
    }
}

/// Everything that a journal holds of it, by chain and height. An engine may run on the store or not.
///
/// # Errors
/// [`QueryError::Store`]; [`QueryError::Damaged`] for a row that does not decode.
pub async fn list(store: &dyn Store) -> Result<Vec<Evidence>, QueryError> {
    Ok(rows(store, keys::EVIDENCE).await?.into_iter().map(|(_, evidence, _)| evidence).collect())
}

/// Writes that put aside what stands against a chain; it stays to be read.
pub(crate) async fn closing(store: &dyn Store, chain: &ChainId, now_ms: u64) -> Result<Vec<Write>, StoreError> {
    let found = rows(store, &keys::evidence_against(chain)).await;
    let found = match found {
        Ok(found) => found,
        Err(QueryError::Store(error)) => return Err(error),
        // A row that nobody can read halts nothing.
        Err(_) => return Ok(Vec::new()),
    };
    let open = found.into_iter().filter(|(_, evidence, _)| evidence.closed_ms.is_none());
    let closed = open.map(|(key, _, row)| Write::Put(Tree::Meta, key, wire::EvidenceRow { closed_ms: now_ms, ..row }.encode_to_vec()));
    Ok(closed.collect())
}

/// A client of which its host says that it holds something else than was verified, since an earlier start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doubted {
    pub(crate) host: ChainId,
    pub(crate) client: ClientId,
    pub(crate) height: Height,
    pub(crate) what: String,
}

/// What stands against a chain since an earlier start: made known through its trust, where its workers find it. The clients in doubt.
pub(crate) async fn recall(store: &dyn Store, chain: &Chain) -> Result<Vec<Doubted>, StartError> {
    let found = rows(store, &keys::evidence_against(chain.id())).await.map_err(|error| match error {
        QueryError::Store(error) => StartError::Store(error),
        error => StartError::Damaged { what: "evidence".into(), detail: error.to_string() },
    })?;
    let mut doubted = Vec::new();
    for (_, evidence, row) in found {
        if evidence.closed_ms.is_some() {
            continue;
        }
        let height = evidence.height;
        match evidence.kind {
            EvidenceKind::Convicts => chain.trust.convicted(Conflict { height, updates: Some((row.a, row.b)) }),
            EvidenceKind::Suspected => {
                let suspicion = suspicion(chain, height, row);
                chain.trust.suspect(height, suspicion);
            }
            EvidenceKind::Mismatch => {
                if let (Ok(host), Ok(client)) = (ChainId::new(row.host), ClientId::new(row.client)) {
                    doubted.push(Doubted { host, client, height, what: row.what });
                }
            }
        }
    }
    Ok(doubted)
}

/// What is needed to bring suspected headers into a form that convicts; none where the trusted states are forgotten by now.
fn suspicion(chain: &Chain, height: Height, row: wire::EvidenceRow) -> Option<Suspicion> {
    let at = |row: Option<wire::HeightRow>| row.map(|row| Height { revision: row.revision, number: row.number });
    let base = chain.trust.at(at(row.base)?)?;
    let other = chain.trust.held(at(row.other)?)?;
    Some(Suspicion { height, base, other, update: row.b })
}

/// Chains against which evidence stands that convicts or may.
///
/// # Errors
/// [`StoreError`]; what does not decode is for the start to refuse.
pub(crate) async fn accused(store: &dyn Store) -> Result<Vec<ChainId>, StoreError> {
    match rows(store, keys::EVIDENCE).await {
        Ok(found) => {
            let grave = |evidence: &Evidence| evidence.closed_ms.is_none() && evidence.kind != EvidenceKind::Mismatch;
            Ok(found.into_iter().filter(|(_, evidence, _)| grave(evidence)).map(|(_, evidence, _)| evidence.chain).collect())
        }
        Err(QueryError::Store(error)) => Err(error),
        Err(_) => Ok(Vec::new()),
    }
}

/// What a conviction says.
pub(crate) fn words(chain: &ChainId, height: Height) -> String {
    format!("{chain} sealed two blocks at height {height}, or blocks whose times are against their heights")
}

/// Keeps evidence that convicts, then makes it known: every client of the chain is told of it, and nothing of the chain is relayed any more.
///
/// # Errors
/// [`StoreError`]: the journal stopped, and nothing was made known.
pub(crate) async fn convict(chain: &Chain, journal: &Journal, height: Height, (a, b): (Vec<u8>, Vec<u8>)) -> Result<(), StoreError> {
    let row = wire::EvidenceRow {
        a: a.clone(),
        b: b.clone(),
        what: words(chain.id(), height),
        at_ms: chain.now_ms(),
        kind: EvidenceKind::Convicts.number(),
        ..Default::default()
    };
    let write = Write::Put(Tree::Meta, keys::evidence(chain.id(), height), row.encode_to_vec());
    journal.commit(vec![Op::Write(write)]).await?;
    chain.trust.convicted(Conflict { height, updates: Some((a, b)) });
    Ok(())
}

/// Keeps two headers that contradict each other, as they came.
async fn keep(chain: &Chain, journal: &Journal, suspicion: &Suspicion) -> Result<(), StoreError> {
    let row = wire::EvidenceRow {
        a: suspicion.other.update.clone(),
        b: suspicion.update.clone(),
        what: words(chain.id(), suspicion.height),
        at_ms: chain.now_ms(),
        kind: EvidenceKind::Suspected.number(),
        base: Some(codec::height_row(suspicion.base.height)),
        other: Some(codec::height_row(suspicion.other.state.height)),
        ..Default::default()
    };
    let write = Write::Put(Tree::Meta, keys::evidence(chain.id(), suspicion.height), row.encode_to_vec());
    journal.commit(vec![Op::Write(write)]).await
}

/// The row that a client in doubt is kept in: the trusted state as it was verified here.
pub(crate) fn mismatch(chain: &Chain, doubted: &Doubted, verified: Vec<u8>) -> Write {
    let Doubted { host, client, height, what } = doubted;
    let row = wire::EvidenceRow {
        a: verified,
        what: what.clone(),
        at_ms: chain.now_ms(),
        kind: EvidenceKind::Mismatch.number(),
        host: host.as_str().to_owned(),
        client: client.as_str().to_owned(),
        ..Default::default()
    };
    Write::Put(Tree::Meta, keys::mismatch(chain.id(), *height, (host, client)), row.encode_to_vec())
}

/// The doubt of a client is over: its host's word was not true, or is not any more.
pub(crate) fn cleared(chain: &Chain, height: Height, client: (&ChainId, &ClientId)) -> Write {
    Write::Delete(Tree::Meta, keys::mismatch(chain.id(), height, client))
}
