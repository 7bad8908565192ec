//! Small questions that come at the same moment travel in one HTTP request.
//!
//! The first waits a moment for others; whoever gives up waiting takes nothing from the rest. Not for calls that keep a node busy: a node
//! answers a batch when all of it is done. Called by [`super::Rpc::together`].

use super::{Answer, Call, Rpc, missing};
use causeway_adapter::AdapterError;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long the first question waits.
const WAIT: Duration = Duration::from_millis(1);

/// Somebody's calls, which stay together.
#[derive(Debug)]
struct Asker {
    calls: Vec<Call>,
    answer: oneshot::Sender<Result<Vec<Answer>, AdapterError>>,
}

/// Questions that wait for company.
#[derive(Debug, Default)]
pub(super) struct Company {
    waiting: Mutex<Vec<Asker>>,
}

impl Company {
    /// Whether it is the first, for which somebody must set out.
    fn join(&self, asker: Asker) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(asker);
        waiting.len() == 1
    }

    fn leave(&self) -> Vec<Asker> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Rpc {
    /// As [`Rpc::batch`], in the company of what others ask at the same moment.
    pub(crate) async fn together(&self, calls: Vec<Call>) -> Result<Vec<Answer>, AdapterError> {
        if calls.len() >= self.size() {
            return self.batch(calls).await;
        }
        let (answer, answered) = oneshot::channel();
        if self.shared.company.join(Asker { calls, answer }) {
            let rpc = self.clone();
            // A task of its own: the one who asked first may go away.
            drop(tokio::spawn(async move {
                tokio::time::sleep(WAIT).await;
                let mut groups = Vec::new();
                for asker in rpc.shared.company.leave() {
                    rpc.seat(&mut groups, asker);
                }
                futures::future::join_all(groups.into_iter().map(|group| rpc.ask_for(group))).await;
            }));
        }
        answered.await.unwrap_or_else(|_| Err(missing(&self.first_name())))
    }

    /// Into the last request where there is room, else into another.
    fn seat(&self, groups: &mut Vec<Vec<Asker>>, asker: Asker) {
        let taken = |group: &Vec<Asker>| group.iter().map(|asker| asker.calls.len()).sum::<usize>();
        match groups.last_mut() {
            Some(group) if taken(group) + asker.calls.len() <= self.size() => group.push(asker),
            _ => groups.push(vec![asker]),
        }
    }

    async fn ask_for(&self, group: Vec<Asker>) {
        let calls = group.iter().flat_map(|asker| asker.calls.iter().cloned()).collect();
        let mut answers = self.request(calls).await.map(Vec::into_iter);
        for Asker { calls, answer } in group {
            let own = match &mut answers {
                Ok(answers) => Ok(answers.by_ref().take(calls.len()).collect()),
                Err(error) => Err(error.clone()),
            };
            // One who no longer waits has no use for it.
            drop(answer.send(own));
        }
    }
}
