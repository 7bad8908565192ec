//! Packets of IBC classic that end otherwise than their senders hoped, on two live ibc-go chains, by the released binary: receivers that are
//! none, texts and receivers that are too long, ports that the operator does not relay.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use causeway_proto::relay::v1::AckKind;
use causeway_tests::chains::simd::{NetworkConfig, binary_or_skip};
use causeway_tests::cosmos::{CHAIN_IDS, Expiry, NAMES, PATH, Site};
use causeway_tests::poll;
use causeway_tests::relay::describe;
use serde_json::json;

/// Longest that everything sent may take to end.
const END: Duration = Duration::from_secs(120);
/// Longest memo and receiver of ibc-go, bytes. Source: `modules/apps/transfer/types/msgs.go`.
const MEMO_MAX: usize = 32_768;
const RECEIVER_MAX: usize = 2_048;

/// An error acknowledgement returns the tokens; what a chain does not take is told in a line when it is sent, what it takes is relayed however
/// long it is, and tried once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_transfers_return_and_long_ones_are_told_or_relayed() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    let [on_a, on_b] = site.open_channel("classic", &[]).await?;
    let relayer = site.start().await?;
    let relay = site.relay().await?;
    let owner = site.networks[0].account("user")?.address.clone();
    let receiver = site.networks[1].account("user")?.address.clone();
    let before = site.networks[0].balance(&owner, "stake")?;

    // Nobody, and nobody with a long name: received, answered with an error, returned.
    site.transfer_as(0, &on_a, ("nobody", "")).await?;
    site.transfer_as(0, &on_a, (&"x".repeat(RECEIVER_MAX), "")).await?;
    let packets = relay.wait_until_ended(2, END).await?;
    ensure!(site.networks[0].balance(&owner, "stake")? == before, "what was refused came back");
    for packet in &packets {
        let kind = packet.acknowledgement.as_ref().map(|ack| ack.kind());
        ensure!(kind == Some(AckKind::Error) && packet.attempts <= 1, "{kind:?}: {}", describe(packet));
    }

    // The longest text that the chains take is relayed.
    site.transfer_as(0, &on_a, (&receiver, &"m".repeat(MEMO_MAX))).await?;
    relay.wait_until_ended(3, END).await?;
    ensure!(site.received_over(1, &on_b)? == 1, "{} arrived", site.received_over(1, &on_b)?);

    // One that is longer is refused where it is sent, in one line that names the rule.
    let (memo, name) = ("m".repeat(MEMO_MAX + 1), "x".repeat(RECEIVER_MAX + 1));
    let send =
        |path, to| ["packet", "send", "--path", path, "--from", NAMES[0], "transfer", "--token", "stake", "--amount", "1", "--to", to];
    for (to, memo, word) in [
        (receiver.as_str(), memo.as_str(), "memo must not exceed 32768 bytes"),
        (name.as_str(), "it says who receives", "recipient address must not exceed 2048 bytes"),
    ] {
        site.cli.refused(&[&send("classic", to)[..], &["--memo", memo]].concat(), 1, &["the chain refuses it", word]).await?;
    }
    // Who can be no account there, and no memo says otherwise, is told before anything is paid for.
    let stranger = owner.replace("cosmos1", "other1");
    for to in ["nobody", &stranger, &name] {
        site.cli.refused(&send("classic", to), 64, &["--to", "is no account of chain", "begins with `cosmos1`", "--memo"]).await?;
    }
    // In IBC v2 the sending chain takes it; the receiving one answers with an error, once, and it returns.
    let sender = site.networks[0].account("relayer")?.address.clone();
    let owned = site.networks[0].balance(&sender, "stake")?;
    site.cli.ok(&[&send(PATH, &receiver)[..], &["--memo", &memo]].concat()).await?;
    let packets = relay.wait_until_ended(4, END).await?;
    let long = packets.iter().find(|packet| packet.path == PATH).context("the packet of IBC v2")?;
    let kind = long.acknowledgement.as_ref().map(|ack| ack.kind());
    ensure!(kind == Some(AckKind::Error) && long.attempts <= 1, "{kind:?}: {}", describe(long));
    ensure!(site.received(1)? == 0 && site.networks[0].balance(&sender, "stake")? == owned, "it returned: {}", describe(long));
    drop(relayer);
    Ok(())
}

/// A path that relays other ports only leaves the packets of the rest alone and says so; once the rule is gone the operator has them delivered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ports_that_are_not_relayed_are_left_alone() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    let [on_a, on_b] = site.open_channel("classic", &[]).await?;
    let rule = "name = \"classic\"\nallow_ports = [\"ica*\"]";
    site.edit("name = \"classic\"", rule)?;
    let mut relayer = site.start().await?;
    let relay = site.relay().await?;
    site.transfer_over(0, &on_a, 2, Expiry::AfterS(600)).await?;
    site.transfer(0, 2, 600).await?;
    // Found in state they are told as what is not relayed, and cost nothing; the other path goes on.
    let both = || async {
        let counts = relay.counts().await?;
        let count = |state: &str| counts.get(state).copied().unwrap_or_default();
        Ok((count("COMPLETED") == 2 && count("EXCLUDED") == 2).then_some(()))
    };
    poll::until("two packets to arrive and two to be left", END, both).await?;
    for packet in relay.list().await?.iter().filter(|packet| packet.path == "classic") {
        ensure!(describe(packet).contains("EXCLUDED, attempts 0, port not relayed"), "{}", describe(packet));
    }
    ensure!(site.received_over(1, &on_b)? == 0, "a packet of a port that is not relayed arrived");
    let pending = site.cli.json(&["packet", "pending", "classic"]).await?;
    ensure!(pending["directions"][0]["unreceived"] == json!([1, 2]), "{pending}");

    relayer.kill()?;
    site.edit(rule, "name = \"classic\"")?;
    let relayer = site.start().await?;
    for sequence in 1..=2 {
        site.cli.ok(&["packet", "retry", &format!("{}/transfer/{on_a}/{sequence}", NAMES[0])]).await?;
    }
    site.relay().await?.wait_until_ended(4, END).await?;
    ensure!(site.received_over(1, &on_b)? == 2, "{} arrived", site.received_over(1, &on_b)?);
    drop(relayer);
    Ok(())
}
