//! IBC classic and IBC v2 at once between two live ibc-go chains, by the released binary: channels opened by one command, transfers both ways,
//! time-outs by time and by height, an ordered channel, a kill in the middle.

use std::time::Duration;

use anyhow::{Result, ensure};
use causeway_tests::chains::simd::{NetworkConfig, binary_or_skip};
use causeway_tests::cli::{UNTRUSTED, text};
use causeway_tests::cosmos::{CHAIN_IDS, Expiry, Site};
use causeway_tests::poll;

/// Longest that everything sent may take to end.
const END: Duration = Duration::from_secs(120);
/// A timeout that nothing reaches.
const LONG: Expiry = Expiry::AfterS(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_protocols_at_once() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    let [on_a, on_b] = site.open_channel("classic", &[]).await?;
    // The same command again changes nothing.
    ensure!(site.open_channel("classic", &[]).await? == [on_a.clone(), on_b.clone()], "a second channel was opened");
    let mut relayer = site.start().await?;

    site.transfer(0, 20, 600).await?;
    site.transfer_over(0, &on_a, 20, LONG).await?;
    site.transfer_over(1, &on_b, 20, LONG).await?;
    let relay = site.relay().await?;
    relay.wait_until_ended(60, END).await?;
    let arrived = (site.received(1)?, site.received_over(1, &on_b)?, site.received_over(0, &on_a)?);
    ensure!(arrived == (20, 20, 20), "{arrived:?} arrived");
    let status = site.cli.ok(&["status"]).await?;
    ensure!(status.stdout.contains("classic"), "{status}");

    // Killed with packets in flight; more are sent while it is down, some of which nobody can deliver in time.
    let owner = site.networks[0].account("user")?.address.clone();
    site.transfer_over(0, &on_a, 20, LONG).await?;
    relayer.kill()?;
    site.transfer_over(0, &on_a, 20, LONG).await?;
    let before = site.networks[0].balance(&owner, "stake")?;
    site.transfer_over(0, &on_a, 2, Expiry::AfterS(8)).await?;
    let soon = site.networks[1].height(0).await? + 10;
    site.transfer_over(0, &on_a, 2, Expiry::Height(soon)).await?;
    site.networks[1].wait_for_height(soon + 20, END).await?;
    let relayer = site.start().await?;
    let relay = site.relay().await?;
    relay.wait_until_ended(104, END).await?;
    ensure!(site.received_over(1, &on_b)? == 60, "{} arrived", site.received_over(1, &on_b)?);
    ensure!(site.networks[0].balance(&owner, "stake")? == before, "what expired came back");
    drop(relayer);
    Ok(())
}

/// Interchain accounts: the application begins an ordered channel, the operator's command finishes it, and what its owner orders is executed in
/// order, over a kill as well; the first order that times out closes the channel at its end, the relayer closes the other one and returns what
/// was still on its way. A channel that its application closes is closed at its other end. Other paths go on, and a relayer starts on all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordered_channel_keeps_its_order_and_closes() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    site.open_channel("transfers", &[]).await?;
    let account = site.register_account().await?;
    let mut relayer = site.start().await?;
    let relay = site.relay().await?;
    site.pay(1, &account, 1_000).await?;

    // Each order spends what is there: the balance is that of all orders before it.
    let paid = |site: &Site| site.networks[1].balance(&account, "stake");
    for _ in 0..3 {
        site.order(&account, 5, 600).await?;
    }
    relay.wait_until_ended(15, END).await?;
    ensure!(paid(&site)? == 985, "{} left", paid(&site)?);
    site.order(&account, 10, 600).await?;
    relayer.kill()?;
    site.order(&account, 10, 600).await?;
    let mut relayer = site.start().await?;
    let relay = site.relay().await?;
    relay.wait_until_ended(35, END).await?;
    ensure!(paid(&site)? == 965, "{} left", paid(&site)?);

    relayer.kill()?;
    // The first expires and closes the channel; the others could wait for long, but nobody will receive them.
    site.order(&account, 1, 5).await?;
    site.order(&account, 3, 6_000).await?;
    let later = site.networks[1].height(0).await? + 20;
    site.networks[1].wait_for_height(later, END).await?;
    let mut relayer = site.start().await?;
    let relay = site.relay().await?;
    let packets = relay.wait_until_ended(39, END).await?;
    ensure!(paid(&site)? == 965, "{} left", paid(&site)?);
    let on_close = packets.iter().filter(|packet| packet.costs.iter().any(|cost| cost.action == "timeout-on-close")).count();
    ensure!(on_close == 3, "{on_close} packets were returned by the closing");
    site.wait_until_closed("accounts", END).await?;

    // The application of another channel closes it.
    relayer.kill()?;
    let [mock, _] = site.open_channel("mocks", &["--port", "mock", "--version", "mock-version"]).await?;
    let mut relayer = site.start().await?;
    site.close_channel(0, "mock", &mock).await?;
    site.wait_until_closed("mocks", END).await?;
    let status = site.cli.ok(&["status"]).await?;
    ensure!(status.stdout.contains("CLOSED"), "{status}");

    // Started again on two closed channels, the relayer says so and goes on with the third.
    relayer.kill()?;
    let _relayer = site.start().await?;
    let relay = site.relay().await?;
    site.wait_until_closed("accounts", END).await?;
    site.transfer_over(0, "channel-0", 2, LONG).await?;
    relay.wait_until_ended(41, END).await?;
    Ok(())
}

/// A running relayer finishes the channel that an application begins, and relays it at once; so does the next process, which finds the channel
/// in state; after a timeout the account is registered anew, on a new channel.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_an_application_begins_is_finished_and_relayed() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    site.open_channel("transfers", &[]).await?;
    site.finish_handshakes()?;
    let mut relayer = site.start().await?;
    let relay = site.relay().await?;
    site.begin_account().await?;
    let account = poll::until("the account to be there", END, || async { site.account().map(Some) }).await?;
    site.pay(1, &account, 1_000).await?;
    let paid = |site: &Site| site.networks[1].balance(&account, "stake");
    poll::until("its channel to be relayed", END, || async {
        let status = site.cli.json(&["status"]).await?;
        let paths = status["paths"].as_array().cloned().unwrap_or_default();
        Ok(paths.iter().any(|path| path["name"] == "chaina.channel-1").then_some(()))
    })
    .await?;
    site.order(&account, 5, 600).await?;
    relay.wait_until_ended(5, END).await?;
    ensure!(paid(&site)? == 995, "{} left", paid(&site)?);

    // The next process is killed as the channel is closed by a timeout and the account is registered again.
    relayer.kill()?;
    site.order(&account, 1, 5).await?;
    let later = site.networks[1].height(0).await? + 20;
    site.networks[1].wait_for_height(later, END).await?;
    let mut relayer = site.start().await?;
    let relay = site.relay().await?;
    relay.wait_until_ended(6, END).await?;
    site.wait_until_closed("chaina.channel-1", END).await?;
    site.begin_account().await?;
    relayer.kill()?;
    let _relayer = site.start().await?;
    let relay = site.relay().await?;
    poll::until("the new channel to be relayed", END, || async {
        let status = site.cli.json(&["status"]).await?;
        let paths = status["paths"].as_array().cloned().unwrap_or_default();
        Ok(paths.iter().any(|path| path["name"] == "chaina.channel-2").then_some(()))
    })
    .await?;
    site.order(&account, 5, 600).await?;
    // The old channel has nothing left to do: it is no path of this process.
    relay.wait_until_ended(5, END).await?;
    ensure!(paid(&site)? == 990, "{} left", paid(&site)?);
    let channels = site.networks[1].get("/ibc/core/channel/v1/channels")?;
    let count = channels["channels"].as_array().map_or(0, Vec::len);
    ensure!(count == 3, "{count} channels where each was to be answered once");
    Ok(())
}

/// `path create --classic`, killed after every line that it prints and run again: one connection and one channel in the end. What cannot be is
/// refused with the reason, and changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_is_opened_once_wherever_the_command_is_killed() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    let args = ["path", "create", "chaina", "chainb", "--name", "classic", "--classic"];
    let mut finished = false;
    for line in 1..60 {
        let mut create = site.cli.spawn(&format!("create-{line}"), &args)?;
        let status = poll::until("the command to print a line or to end", END, || async {
            let printed = create_lines(site.cli.logs(), line)? >= line;
            Ok(printed.then_some(()))
        });
        let ended = tokio::select! {
            printed = status => printed.map(|()| None)?,
            status = create.wait(END) => Some(status?),
        };
        match ended {
            None => create.kill()?,
            Some(status) => {
                ensure!(status.success(), "{}", create.log_tail());
                finished = true;
                break;
            }
        }
    }
    ensure!(finished, "the command never came to its end");
    for network in &site.networks {
        for (kind, what) in [("channel", "channels"), ("connection", "connections")] {
            let found = network.get(&format!("/ibc/core/{kind}/v1/{what}"))?;
            // A chain has a connection of its own to itself.
            let all = found[what].as_array().cloned().unwrap_or_default();
            let ours = all.iter().filter(|one| one["id"] != "connection-localhost").count();
            ensure!(ours == 1, "{ours} {what} on {}: {found}", network.chain_id());
        }
    }
    let list = site.cli.json(&["path", "list"]).await?;
    let path = list["paths"].as_array().and_then(|paths| paths.iter().find(|path| path["name"] == "classic")).cloned().unwrap_or_default();
    let [client_a, client_b] = [text(&path, "/a/client")?, text(&path, "/b/client")?];
    let open = |name, more: &[&str]| {
        let on = ["path", "create", "chaina", "chainb", "--classic", "--name", name, "--client-b", client_b];
        [&on[..], more].concat().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let here = ["--client-a", client_a, "--connection-a", "connection-0"];
    let cases: [(Vec<String>, i32, &[&str]); 4] = [
        (open("port", &[&here[..], &["--port", "nowhere"]].concat()), 1, &["chaina", "channel-init", "nowhere"]),
        (open("version", &[&here[..], &["--version", "ics20-9"]].concat()), 1, &["chaina", "channel-init", "ics20-9"]),
        (open("client", &["--client-a", "07-tendermint-99"]), UNTRUSTED, &["07-tendermint-99", "does not exist"]),
        (open("clients", &["--client-a", &site.clients[0], "--connection-a", "connection-0"]), 1, &["connection-0", client_a]),
    ];
    for (args, code, words) in cases {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        site.cli.refused(&args, code, words).await?;
    }
    let channels = site.networks[0].get("/ibc/core/channel/v1/channels")?;
    ensure!(channels["channels"].as_array().map(Vec::len) == Some(1), "{channels}");
    Ok(())
}

/// Lines that a run of the command has printed.
fn create_lines(logs: &std::path::Path, run: usize) -> Result<usize> {
    Ok(std::fs::read_to_string(logs.join(format!("create-{run}.stdout")))?.lines().count())
}
