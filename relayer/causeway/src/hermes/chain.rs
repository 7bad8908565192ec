//! One `[[chains]]` of Hermes.

use super::global::clear_interval_s;
use super::reader::Section;
use super::{Fate, Notes};
use causeway_types::ChainId;

/// Public keys of ethermint's own type, the one that is written here.
const ETHERMINT_PUBKEY: &str = "/ethermint.crypto.v1.ethsecp256k1.PubKey";

/// Which channels Hermes relays of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Channels {
    /// All that it finds.
    All,
    /// Those that fit a pattern of port and channel.
    Only(Vec<(String, String)>),
    /// Those that fit none.
    AllBut(Vec<(String, String)>),
}

/// What the new configuration takes over of a chain.
#[derive(Debug)]
pub(super) struct Chain {
    /// Name here.
    pub(super) name: String,
    /// What the chain calls itself.
    pub(super) chain_id: String,
    pub(super) rpc: String,
    pub(super) address_prefix: String,
    pub(super) gas_denom: String,
    /// A TOML value: a price in quotes, or a table that says who is asked.
    pub(super) gas_price: String,
    pub(super) ethermint: bool,
    pub(super) key_name: String,
    pub(super) fee_granter: Option<String>,
    pub(super) memo: Option<String>,
    pub(super) store_name: Option<String>,
    pub(super) tx_gas_max: Option<u64>,
    pub(super) messages_max: Option<u64>,
    pub(super) tx_bytes_max: Option<u64>,
    pub(super) request_timeout_ms: Option<u64>,
    pub(super) response_bytes_max: Option<u64>,
    pub(super) trusting_period_s: Option<u64>,
    pub(super) clock_drift_max_s: Option<u64>,
    pub(super) gas_headroom_percent: Option<u64>,
    pub(super) clear_interval_s: Option<u64>,
    /// A consumer chain has no staking of its own to ask.
    pub(super) asks_unbonding_period: bool,
    pub(super) channels: Channels,
}

/// Reads one chain; none when it is of a kind that is not relayed.
pub(super) fn read(mut section: Section, notes: &mut Notes) -> Result<Option<Chain>, String> {
    let chain_id = section.required("id")?;
    let name: String = chain_id.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).take(64).collect();
    ChainId::new(&name).map_err(|error| format!("chains.id: {error}"))?;
    let mut section = section.called(format!("chains.{name}"));
    if let Some(kind) = section.text("type")?.filter(|kind| kind != "CosmosSdk") {
        notes.add(section.key("type"), Fate::Look, format!("{kind} is no chain of the Cosmos SDK: the chain was left out"));
        return Ok(None);
    }
    let (gas_price, gas_denom) = price(&mut section, &chain_id, notes)?;
    let chain = Chain {
        rpc: taken(&mut section, "rpc_addr", "chain.cosmos.rpc", notes)?,
        address_prefix: taken(&mut section, "account_prefix", "chain.cosmos.address_prefix", notes)?,
        key_name: taken(&mut section, "key_name", "chain.signers", notes)?,
        gas_price,
        gas_denom,
        ethermint: is_ethermint(&mut section, notes)?,
        fee_granter: optional(&mut section, "fee_granter", "chain.cosmos.fee_granter", notes)?,
        memo: memo(&mut section, notes)?,
        store_name: optional(&mut section, "store_prefix", "chain.cosmos.store_name", notes)?.filter(|store| store != "ibc"),
        tx_gas_max: number(&mut section, "max_gas", "chain.cosmos.tx_gas_max", (200_000, 10_000_000_000), notes)?,
        messages_max: number(&mut section, "max_msg_num", "chain.cosmos.messages_max", (1, 1_000), notes)?,
        tx_bytes_max: number(&mut section, "max_tx_size", "chain.cosmos.tx_bytes_max", (4_096, 16_777_216), notes)?,
        request_timeout_ms: duration(&mut section, "rpc_timeout", ("chain.cosmos.request_timeout_ms", 1), (100, 120_000), notes)?,
        response_bytes_max: response_bytes(&mut section, notes)?,
        trusting_period_s: trusting_period(&mut section, notes)?,
        clock_drift_max_s: duration(&mut section, "clock_drift", ("chain.clock_drift_max_s", 1_000), (0, 3_600), notes)?,
        gas_headroom_percent: gas_headroom(&mut section, notes)?,
        clear_interval_s: {
            let key = section.key("clear_interval");
            section.whole("clear_interval")?.map(|blocks| clear_interval_s(key, blocks, notes))
        },
        asks_unbonding_period: consumer(&mut section, notes)?,
        channels: channels(&mut section, notes)?,
        name,
        chain_id,
    };
    threshold(&mut section, notes)?;
    let why = "an option of ethermint's own transactions; transactions are sent without it, at gas_price";
    section.drop_key("extension_options", Fate::Look, why, notes);
    section.rest(notes);
    Ok(Some(chain))
}

fn taken(section: &mut Section, key: &str, ours: &str, notes: &mut Notes) -> Result<String, String> {
    let value = section.required(key)?;
    notes.add(section.key(key), Fate::Taken, ours);
    Ok(value)
}

fn optional(section: &mut Section, key: &str, ours: &str, notes: &mut Notes) -> Result<Option<String>, String> {
    let value = section.text(key)?.filter(|text| !text.is_empty());
    if value.is_some() {
        notes.add(section.key(key), Fate::Taken, ours);
    }
    Ok(value)
}

fn number(section: &mut Section, key: &str, ours: &str, bounds: (u64, u64), notes: &mut Notes) -> Result<Option<u64>, String> {
    let name = section.key(key);
    Ok(section.whole(key)?.map(|value| notes.bounded(name, ours, value, bounds)))
}

/// A duration in units of `unit_ms` milliseconds, rounded up.
fn duration(
    section: &mut Section,
    key: &str,
    (ours, unit_ms): (&str, u64),
    bounds: (u64, u64),
    notes: &mut Notes,
) -> Result<Option<u64>, String> {
    let name = section.key(key);
    Ok(section.duration_ms(key)?.map(|ms| notes.bounded(name, ours, ms.div_ceil(unit_ms), bounds)))
}

/// The price of gas as it is written here, and its denomination.
fn price(section: &mut Section, chain_id: &str, notes: &mut Notes) -> Result<(String, String), String> {
    let missing = || format!("{} is missing; Hermes requires gas_price = {{ price = …, denom = '…' }}", section.key("gas_price"));
    let missing = missing();
    let mut table = section.section("gas_price")?.ok_or_else(|| missing.clone())?;
    let price = table.price("price")?.ok_or(missing)?;
    price.parse::<causeway_cosmos_adapter::GasPrice>().map_err(|error| format!("{}: {error}", table.key("price")))?;
    let denom = table.required("denom")?;
    notes.add(section.key("gas_price"), Fate::Taken, format!("chain.cosmos.gas_price = \"{price}\", gas_denom = \"{denom}\""));
    table.rest(notes);
    let dynamic = match section.section("dynamic_gas_price")? {
        Some(table) => dynamic_price((table, section.key("dynamic_gas_price")), chain_id, notes)?,
        None => None,
    };
    Ok((dynamic.unwrap_or_else(|| format!("\"{price}\"")), denom))
}

/// A price that follows the chain's own, as a table; none where it was off. Hermes asks Osmosis in its own way and every other chain for the
/// fee market of Skip (`crates/relayer/src/chain/cosmos/eip_base_fee.rs`), times 1.1 and at most 0.6 unless it says otherwise.
fn dynamic_price((mut table, key): (Section, String), chain_id: &str, notes: &mut Notes) -> Result<Option<String>, String> {
    let enabled = table.truth("enabled")?.unwrap_or(false);
    let (multiplier, max_key) = (table.decimal("multiplier")?.unwrap_or(1.1), table.key("max"));
    let max = table.price("max")?.unwrap_or_else(|| "0.6".to_string());
    max.parse::<causeway_cosmos_adapter::GasPrice>().map_err(|error| format!("{max_key}: {error}"))?;
    table.rest(notes);
    if !enabled {
        notes.add(key, Fate::NotNeeded, "it was off");
        return Ok(None);
    }
    let source = if ["osmosis", "osmo-test"].iter().any(|name| chain_id.starts_with(name)) { "osmosis" } else { "feemarket" };
    // Below 10^4 by the bounds of Hermes and of here, so that nothing is cut off.
    let percent = (multiplier * 100.0).round().clamp(100.0, 1_000.0) as u64;
    let value = format!("{{ source = \"{source}\", max = \"{max}\", multiplier_percent = {percent} }}");
    let text =
        format!("chain.cosmos.gas_price = {value}; a chain that does not answer is told, not paid at gas_price, and above max it waits");
    notes.add(key, Fate::Taken, text);
    Ok(Some(value))
}

fn is_ethermint(section: &mut Section, notes: &mut Notes) -> Result<bool, String> {
    let key = section.key("address_type");
    let Some(mut table) = section.section("address_type")? else { return Ok(false) };
    let ethermint = match table.required("derivation")?.as_str() {
        "cosmos" => false,
        "ethermint" => true,
        other => return Err(format!("{}.derivation = \"{other}\": expected cosmos or ethermint", key)),
    };
    let kind = match table.section("proto_type")? {
        Some(mut proto) => {
            let kind = proto.text("pk_type")?;
            proto.rest(notes);
            kind
        }
        None => None,
    };
    table.rest(notes);
    match kind.filter(|kind| ethermint && kind != ETHERMINT_PUBKEY) {
        Some(kind) => notes.add(
            key,
            Fate::Look,
            format!("chain.cosmos.key_type = \"ethermint\" signs as {ETHERMINT_PUBKEY}; this chain wants {kind}"),
        ),
        None => notes.add(key, Fate::Taken, format!("chain.cosmos.key_type = \"{}\"", if ethermint { "ethermint" } else { "cosmos" })),
    }
    Ok(ethermint)
}

fn memo(section: &mut Section, notes: &mut Notes) -> Result<Option<String>, String> {
    let (prefix_key, overwrite_key) = (section.key("memo_prefix"), section.key("memo_overwrite"));
    let (prefix, overwrite) = (section.text("memo_prefix")?, section.text("memo_overwrite")?);
    if prefix.is_some() {
        let text = if overwrite.is_some() { "memo_overwrite wins" } else { "chain.cosmos.memo; no version is added to it" };
        notes.add(prefix_key, Fate::Taken, text);
    }
    if overwrite.is_some() {
        notes.add(overwrite_key, Fate::Taken, "chain.cosmos.memo");
    }
    let memo = overwrite.or(prefix).filter(|memo| !memo.is_empty());
    match memo {
        Some(memo) if memo.len() > 256 => Err(format!("{}: {} bytes; at most 256 are allowed", section.key("memo_prefix"), memo.len())),
        memo => Ok(memo),
    }
}

fn response_bytes(section: &mut Section, notes: &mut Notes) -> Result<Option<u64>, String> {
    let key = section.key("max_grpc_decoding_size");
    let bytes = section.bytes("max_grpc_decoding_size")?;
    Ok(bytes.map(|bytes| notes.bounded(key, "chain.cosmos.response_bytes_max", bytes, (65_536, 268_435_456))))
}

fn trusting_period(section: &mut Section, notes: &mut Notes) -> Result<Option<u64>, String> {
    let period = duration(section, "trusting_period", ("chain.trusting_period_s", 1_000), (60, 315_360_000), notes)?;
    if period.is_none() {
        let text = "not set: there, two thirds of the unbonding period; here, 14 days for clients that are created";
        notes.add(section.key("trusting_period"), Fate::Look, text);
    }
    Ok(period)
}

/// A multiplier of 1.1 is 110 percent; the older adjustment of 0.1 is the same.
fn gas_headroom(section: &mut Section, notes: &mut Notes) -> Result<Option<u64>, String> {
    let (multiplier_key, adjustment_key) = (section.key("gas_multiplier"), section.key("gas_adjustment"));
    let (multiplier, adjustment) = (section.decimal("gas_multiplier")?, section.decimal("gas_adjustment")?);
    let (key, factor) = match (multiplier, adjustment) {
        (Some(multiplier), _) => (multiplier_key, multiplier),
        (None, Some(adjustment)) => (adjustment_key, adjustment + 1.0),
        (None, None) => return Ok(None),
    };
    // Bounded before it is made a whole number.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100000")]
    let percent = (factor.clamp(0.0, 1_000.0) * 100.0).round() as u64;
    Ok(Some(notes.bounded(key, "chain.fees.gas_headroom_percent", percent, (100, 500))))
}

fn consumer(section: &mut Section, notes: &mut Notes) -> Result<bool, String> {
    let key = section.key("ccv_consumer_chain");
    match section.truth("ccv_consumer_chain")? {
        Some(true) => {
            notes.add(key, Fate::Look, "set chain.cosmos.unbonding_period_s: a consumer chain has no staking that could be asked");
            Ok(true)
        }
        Some(false) => {
            notes.add(key, Fate::NotNeeded, "the unbonding period is read from the chain");
            Ok(false)
        }
        None => Ok(false),
    }
}

/// Clients that exist keep their threshold, which is read from them; those that are created have a third.
fn threshold(section: &mut Section, notes: &mut Notes) -> Result<(), String> {
    let key = section.key("trust_threshold");
    let Some(mut table) = section.section("trust_threshold")? else { return Ok(()) };
    let (numerator, denominator) = (table.whole("numerator")?.unwrap_or(1), table.whole("denominator")?.unwrap_or(3));
    let (fate, text) = if numerator.saturating_mul(3) == denominator {
        (Fate::NotNeeded, "one third is what clients are created with".to_string())
    } else {
        let text = format!("clients that exist keep {numerator}/{denominator}; new ones are created with one third");
        (Fate::Look, text)
    };
    notes.add(key, fate, text);
    table.rest(notes);
    Ok(())
}

fn channels(section: &mut Section, notes: &mut Notes) -> Result<Channels, String> {
    // Before version 1.0 it was called `filters` and held what is allowed.
    if let Some(mut old) = section.section("filters")? {
        let list = old.pairs("channels")?.unwrap_or_default();
        notes.add(section.key("filters"), Fate::Taken, "the causeway path discover command below");
        old.rest(notes);
        return Ok(Channels::Only(list));
    }
    let key = section.key("packet_filter");
    let Some(mut filter) = section.section("packet_filter")? else { return Ok(Channels::All) };
    let policy = filter.text("policy")?.unwrap_or_else(|| "allowall".to_string());
    let list = filter.pairs("list")?.unwrap_or_default();
    let channels = match policy.as_str() {
        "allow" => Channels::Only(list),
        "deny" => Channels::AllBut(list),
        "allowall" => Channels::All,
        other => return Err(format!("{key}.policy = \"{other}\": expected allow, deny or allowall")),
    };
    if let Some((port, channel)) = list_of(&channels).iter().find(|(port, channel)| !is_pattern(port) || !is_pattern(channel)) {
        return Err(format!("{key}.list: [{port:?}, {channel:?}]: expected letters, digits, `._+-#[]<>` and `*`"));
    }
    notes.add(key, Fate::Taken, "the causeway path discover command below: each channel becomes a [[path]]");
    if let Some(fees) = filter.section("min_fees")? {
        notes.add(fees.key("*"), Fate::NotNeeded, "relayer fees (ICS-29) are gone from ibc-go since version 10");
    }
    filter.rest(notes);
    Ok(channels)
}

fn list_of(channels: &Channels) -> &[(String, String)] {
    match channels {
        Channels::All => &[],
        Channels::Only(list) | Channels::AllBut(list) => list,
    }
}

/// What ports and channels may be made of, and the wild card.
fn is_pattern(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-#[]<>*".contains(&byte))
}
