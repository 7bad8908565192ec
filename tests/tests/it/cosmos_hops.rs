//! Transfers that go on from the chain that received them, over three live ibc-go chains in a line, by the released binary: acknowledgements
//! are written long after their packet arrived, when the packet that went on has ended.

use std::time::Duration;

use anyhow::{Result, ensure};
use causeway_tests::chains::simd::binary_or_skip;
use causeway_tests::cosmos::{Forward, Line, Protocol};
use causeway_tests::poll;
use causeway_tests::relay::{Relay, is_ended};

/// Longest that everything sent may take to end.
const END: Duration = Duration::from_secs(120);

/// A timeout of the second hop that nothing reaches, and one that passes while nobody relays.
const LONG: &str = "10m";
const SHORT: &str = "2s";

/// Blocks of half a second or more that take longer than the short timeout.
const SHORT_BLOCKS: u64 = 8;

const BOTH: [Protocol; 2] = [Protocol::Classic, Protocol::V2];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledgements_wait_for_the_onward_hop() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut line = Line::ready(&node).await?;
    let before = line.owned()?;
    let receiver = line.networks[2].account("user")?.address.clone();
    let (to, by) = (receiver.as_str(), |protocol, receiver, timeout| Forward { protocol, receiver, timeout });

    // One that arrives and one that the third chain refuses, which returns to its sender over both hops.
    let mut relayer = line.start().await?;
    line.send(&BOTH.map(|protocol| [by(protocol, to, LONG), by(protocol, "nobody", LONG)]).concat()).await?;
    line.relay().await?.wait_until_ended(8, END).await?;
    ensure!(line.owned()? + 2 == before, "{} of {before} are left", line.owned()?);

    // Received and sent on while the third chain stands still; then the relayer is killed, and the second chain's node as well.
    line.networks[2].stop_node(0)?;
    line.send(&BOTH.map(|protocol| [by(protocol, to, LONG), by(protocol, to, SHORT)]).concat()).await?;
    let relay = line.relay().await?;
    poll::until("the onward packets to be seen", END, || async { Ok((sent_on(&relay).await?.len() == 8).then_some(())) }).await?;
    relayer.kill()?;
    line.networks[1].stop_node(0)?;
    line.networks[1].start_node(0).await?;
    line.networks[2].start_node(0).await?;
    let expired = line.networks[2].height(0).await? + SHORT_BLOCKS;
    line.networks[2].wait_for_height(expired, END).await?;

    // The second hop alone is relayed: its ends write acknowledgements of packets whose path nobody watches.
    let mut relayer = line.start_second_hop().await?;
    let relay = line.relay().await?;
    poll::until("the second hop to end", END, || async {
        let sent_on = sent_on(&relay).await?;
        Ok((sent_on.len() == 8 && sent_on.iter().all(|ended| *ended)).then_some(()))
    })
    .await?;
    relayer.kill()?;
    ensure!(line.owned()? + 6 == before, "{} of {before} are left, though nobody relays to the first chain", line.owned()?);

    // Found in state by the next process: what arrived is acknowledged, what expired is returned.
    let mut relayer = line.start().await?;
    line.relay().await?.wait_until_ended(16, END).await?;
    ensure!(line.owned()? + 4 == before, "{} of {before} are left", line.owned()?);
    for protocol in BOTH {
        let (arrived, held) = (line.received(protocol)?, line.passing(protocol)?);
        ensure!(arrived == 2 && held == 2, "{protocol:?}: {arrived} arrived, and the chain between holds {held}");
        let acknowledged = line.acknowledged_later(protocol)?;
        ensure!(acknowledged == 4, "{protocol:?}: {acknowledged} were acknowledged");
    }
    relayer.kill()
}

/// Whether each packet that the second chain sent has ended.
async fn sent_on(relay: &Relay) -> Result<Vec<bool>> {
    let packets = relay.list().await?;
    let onward = packets.iter().filter(|packet| packet.id.as_ref().is_some_and(|id| id.chain == "chainb"));
    Ok(onward.map(is_ended).collect())
}
