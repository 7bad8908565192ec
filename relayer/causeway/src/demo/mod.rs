//! `causeway demo`: two embedded chains, contracts, clients, an ordinary relayer, and packets of every class, checked to the last token.
//!
//! - [`plan`]: the classes and how each must end;
//! - [`stage`]: chains, contracts, keys, configuration and path, as an operator would set them up;
//! - [`side`], [`traffic`]: the dApps that send;
//! - [`rival`]: another relayer that was faster;
//! - [`ledger`]: what was sent, how it ended, and whether balances add up;
//! - [`view`]: what a person sees meanwhile; [`report`]: what is left at the end.

mod ledger;
mod plan;
mod report;
mod rival;
mod side;
mod stage;
mod traffic;
mod view;

pub(crate) use report::percentile;

use crate::cli::Global;
use crate::exit::{Code, Failure};
use crate::output;
use crate::relayer::Running;
use ledger::Ledger;
use plan::Class;
use report::Report;
use side::Side;
use stage::Stage;
use std::time::Duration;
use view::View;

/// Longest time until every packet has ended.
const DEADLINE: Duration = Duration::from_secs(240);
/// Seconds that packets which must be delivered have for it.
const TIMEOUT_S: u64 = 3_600;
/// Seconds after which undeliverable packets time out; long enough for the relayer to find out that they are.
const POISON_TIMEOUT_S: u64 = 20;
/// Seconds after which packets that nobody shall deliver time out.
const EXPIRED_TIMEOUT_S: u64 = 2;
/// Packets a user sends between two pauses.
const WAVE: usize = 25;
/// The pause: about a block.
const WAVE_PAUSE: Duration = Duration::from_millis(250);

/// What the person asked for.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Packets in all, both directions.
    pub(crate) packets: u32,
    /// Leave everything running at the end.
    pub(crate) keep: bool,
}

/// Runs the demo.
///
/// # Errors
/// Exit code 1 when a packet ended otherwise than its class must, or balances do not add up.
pub(crate) async fn run(global: &Global, options: Options) -> Result<(), Failure> {
    let view = View::new(global.json);
    view.step("two chains, each sealed by four QBFT validators");
    let mut stage = Box::pin(Stage::set_up(&view)).await?;
    let mut ledger = Ledger::open(&stage).await?;
    view.step("packets that expire, and packets that a rival relayer delivers first");
    let clock = ledger::Stopwatch::start();
    send_early(&mut stage, &mut ledger, options.packets).await?;
    view.step("the relayer starts with an ordinary configuration");
    let running = stage.start_relayer().await?;
    let result = relay(&mut stage, &mut ledger, &running, &view, options.packets).await;
    let report = match result {
        Ok(()) => ledger.report(&stage, &running, clock.elapsed_ms()).await,
        Err(failure) => Err(failure),
    };
    view.finish();
    let passed = report.as_ref().is_ok_and(Report::passed);
    if let Ok(report) = &report {
        show(report, options.keep.then(|| view::addresses(&stage, &running)), global.json);
    }
    if options.keep && report.is_ok() {
        if !global.json {
            view::explain(&stage, &running);
        }
        crate::relayer::wait_for_signal().await;
    }
    running.shutdown(Duration::from_secs(10)).await;
    stage.stop().await;
    report?;
    if passed { Ok(()) } else { Err(Failure::after_answer(Code::Failed, "the demo did not end as it had to; the table says where")) }
}

/// What is sent before the relayer starts: packets whose time is over by then, and packets a rival delivers.
async fn send_early(stage: &mut Stage, ledger: &mut Ledger, packets: u32) -> Result<(), Failure> {
    let early: Vec<Class> = classes(packets).into_iter().filter(|class| class.before_start()).collect();
    send(stage, ledger, &early).await?;
    for direction in [0, 1] {
        let sequences = ledger.sequences(direction, Class::Rival);
        if !sequences.is_empty() {
            stage.rival(direction, &sequences).await?;
        }
    }
    stage.wait_until_expired(ledger.latest_timeout_s(Class::Expired)).await
}

async fn relay(stage: &mut Stage, ledger: &mut Ledger, running: &Running, view: &View, packets: u32) -> Result<(), Failure> {
    let live: Vec<Class> = classes(packets).into_iter().filter(|class| !class.before_start()).collect();
    view.step("transfers, messages, poison and refusals, both ways");
    for wave in live.chunks(WAVE) {
        send(stage, ledger, wave).await?;
        view.show(&running.engine.status());
        tokio::time::sleep(WAVE_PAUSE).await;
    }
    view.step("waiting until every packet has ended");
    ledger.wait_for_endings(running, view, DEADLINE).await
}

/// Sends one packet a class of the list, from both chains in turn, and notes what was sent.
async fn send(stage: &mut Stage, ledger: &mut Ledger, classes: &[Class]) -> Result<(), Failure> {
    let mut hashes = Vec::with_capacity(classes.len());
    for class in classes {
        let direction = ledger.next_direction(*class);
        let (from, to) = stage.sides(direction);
        let timeout_s = timeout_s(from, *class).await?;
        let hash = traffic::send(from, to, *class, timeout_s, ledger.sent() as u64).await?;
        hashes.push((direction, *class, timeout_s, hash));
    }
    for (direction, class, timeout_s, hash) in hashes {
        let (from, _) = stage.sides(direction);
        let sequence = from.dapp.sent_sequence(from.at.router, hash).await?;
        ledger.note(direction, class, timeout_s, sequence);
    }
    Ok(())
}

async fn timeout_s(from: &Side, class: Class) -> Result<u64, Failure> {
    let after = match class {
        Class::Expired => EXPIRED_TIMEOUT_S,
        Class::Poison => POISON_TIMEOUT_S,
        _ => TIMEOUT_S,
    };
    Ok(from.dapp.time_s().await?.saturating_add(after))
}

/// The classes of all packets, poison and refusals spread evenly between the good ones.
fn classes(packets: u32) -> Vec<Class> {
    let mut slots: Vec<(u64, Class)> = Vec::with_capacity(packets as usize);
    for class in Class::ALL {
        let count = u64::from(class.share(packets));
        slots.extend((0..count).map(|i| ((2 * i + 1) * 1_000_000 / (2 * count), class)));
    }
    slots.sort();
    slots.into_iter().map(|(_, class)| class).collect()
}

/// The table, or one object; with the addresses of what goes on running.
fn show(report: &Report, running: Option<serde_json::Value>, as_json: bool) {
    if as_json {
        let mut object = report.json();
        if let (Some(fields), Some(running)) = (object.as_object_mut(), running) {
            fields.insert("running".to_string(), running);
        }
        output::json_object(&object);
        return;
    }
    println!("{}", report.table());
    for imbalance in &report.imbalances {
        println!("does not add up: {imbalance}");
    }
    println!("{}", report.summary());
}
