//! Who may do what: owner, roles, pause, client creation, recovery. Not packets.

use crate::support::Pair;
use crate::support::pair::{ALICE, Block, OWNER, RELAYER};
use alloy::primitives::{Address, Bytes, U256, address, keccak256};
use alloy::sol_types::{SolCall, SolError, SolValue};
use causeway_evm_contracts::Contract;
use causeway_evm_contracts::abi::{
    ConsensusState, CounterpartyInfo, HostileApp, Init, Packet, Payload, QbftLightClient, Router, TokenTransfer, Voucher,
};

const MALLORY: Address = address!("0x6666000000000000000000000000000000000006");

fn info(client_id: &str) -> CounterpartyInfo {
    CounterpartyInfo { clientId: client_id.to_owned(), merklePrefix: vec![Bytes::new()] }
}

/// refuse.md O4: one who holds every key hands it on, and holds none afterwards.
#[test]
fn ownership_moves_in_two_steps() {
    let mut pair = Pair::new();
    let (evm, router) = (&mut pair.a.evm, pair.a.router);
    let offer = Router::transferOwnershipCall { newOwner: ALICE };
    assert_eq!(evm.call(MALLORY, router, &offer).error(), "OwnableUnauthorizedAccount");
    evm.call(OWNER, router, &offer).must();
    assert_eq!(evm.view(router, &Router::ownerCall {}), OWNER);
    assert_eq!(evm.call(MALLORY, router, &Router::acceptOwnershipCall {}).error(), "OwnableUnauthorizedAccount");
    evm.call(ALICE, router, &Router::acceptOwnershipCall {}).must();
    assert_eq!(evm.view(router, &Router::ownerCall {}), ALICE);
    assert!(!evm.call(OWNER, router, &Router::unpauseCall {}).ok);
}

#[test]
fn pause_stops_packets_and_not_clients() {
    let mut pair = Pair::new();
    let packet = pair.a.raw("hostile", b"x");
    let block = pair.a_to_b();
    let pauser = keccak256("PAUSER_ROLE");
    assert_eq!(pair.b.evm.call(MALLORY, pair.b.router, &Router::pauseCall {}).error(), "MissingRole");
    pair.b.evm.call(OWNER, pair.b.router, &Router::grantRoleCall { role: pauser, account: ALICE }).must();
    pair.b.evm.call(ALICE, pair.b.router, &Router::pauseCall {}).must();
    assert_eq!(pair.b.recv(&packet, &block).error(), "RouterPaused");
    let next = pair.a.seal();
    pair.b.evm.time = next.time;
    pair.b.update(&next).must();
    assert_eq!(pair.b.evm.call(ALICE, pair.b.router, &Router::unpauseCall {}).error(), "OwnableUnauthorizedAccount");
    pair.b.evm.call(OWNER, pair.b.router, &Router::unpauseCall {}).must();
    pair.b.recv(&packet, &block).must();
}

#[test]
fn nothing_stops_a_router_that_nobody_can_start_again() {
    let mut pair = Pair::new();
    let (evm, router) = (&mut pair.a.evm, pair.a.router);
    evm.call(OWNER, router, &Router::grantRoleCall { role: keccak256("PAUSER_ROLE"), account: ALICE }).must();
    evm.call(ALICE, router, &Router::pauseCall {}).must();
    assert_eq!(evm.call(OWNER, router, &Router::renounceOwnershipCall {}).error(), "RouterPaused");
    evm.call(OWNER, router, &Router::unpauseCall {}).must();
    assert_eq!(evm.call(ALICE, router, &Router::renounceOwnershipCall {}).error(), "OwnableUnauthorizedAccount");
    evm.call(OWNER, router, &Router::renounceOwnershipCall {}).must();
    assert_eq!(evm.call(ALICE, router, &Router::pauseCall {}).error(), "OwnableInvalidOwner");
}

/// refuse.md O4: a permission that was given is taken back.
#[test]
fn relaying_can_be_closed() {
    let mut pair = Pair::new();
    let packet = pair.a.raw("hostile", b"x");
    let block = pair.a_to_b();
    pair.b.evm.call(OWNER, pair.b.router, &Router::setRelayingOpenCall { open: false }).must();
    assert_eq!(pair.b.recv(&packet, &block).error(), "MissingRole");
    assert_eq!(pair.b.update(&block).error(), "MissingRole");
    let grant = Router::grantRoleCall { role: keccak256("RELAYER_ROLE"), account: RELAYER };
    assert_eq!(pair.b.evm.call(RELAYER, pair.b.router, &grant).error(), "OwnableUnauthorizedAccount");
    pair.b.evm.call(OWNER, pair.b.router, &grant).must();
    pair.b.recv(&packet, &block).must();
    let revoke = Router::revokeRoleCall { role: keccak256("RELAYER_ROLE"), account: RELAYER };
    pair.b.evm.call(OWNER, pair.b.router, &revoke).must();
    assert_eq!(pair.b.recv(&packet, &block).error(), "MissingRole");
}

#[test]
fn ids_and_ports_are_guarded() {
    let mut pair = Pair::new();
    let client = pair.a.evm.deploy(MALLORY, Contract::HostileClient, &[]);
    let (evm, router) = (&mut pair.a.evm, pair.a.router);
    let named = |id: &str| Router::addClient_0Call { clientId: id.to_owned(), info: info("other-0"), client };
    assert_eq!(evm.call(MALLORY, router, &named("mine-0")).error(), "MissingRole");
    for bad in ["abc", "client-7", "channel-7", "with space", ""] {
        assert_eq!(evm.call(OWNER, router, &named(bad)).error(), "IBCInvalidClientId", "{bad}");
    }
    assert_eq!(evm.call(OWNER, router, &named("qbft-0")).error(), "IBCClientAlreadyExists");
    evm.call(OWNER, router, &named("qbft-1")).must();
    let port = |id: &str| Router::addIBCApp_1Call { portId: id.to_owned(), app: client };
    assert_eq!(evm.call(MALLORY, router, &port("port")).error(), "MissingRole");
    assert_eq!(evm.call(OWNER, router, &port("transfer")).error(), "IBCPortAlreadyExists");
    assert_eq!(evm.call(OWNER, router, &port(&format!("{MALLORY:#x}"))).error(), "IBCInvalidPortIdentifier");
    assert_eq!(evm.call(MALLORY, router, &Router::addIBCApp_0Call { app: MALLORY }).error(), "ContractExpected");
    evm.call(MALLORY, router, &Router::addIBCApp_0Call { app: client }).must();
    assert_eq!(evm.view(router, &Router::getIBCAppCall { portId: format!("{client:#x}") }), client);
    // A chosen id that looks like the next automatic one is passed over.
    let id = evm.call(MALLORY, router, &Router::addClient_1Call { info: info("x-0"), client }).answer::<Router::addClient_1Call>();
    assert_eq!(id, "client-1");
}

#[test]
fn only_the_creator_names_the_counterparty_and_once() {
    let mut pair = Pair::new();
    let register = Router::registerCounterpartyCall { clientId: pair.a.client_id.clone(), info: info("qbft-5") };
    assert_eq!(pair.a.evm.call(OWNER, pair.a.router, &register).error(), "CounterpartyAlreadyRegistered");
    assert_eq!(pair.a.evm.call(MALLORY, pair.a.router, &register).error(), "NotClientCreator");
    let create = Router::createClientCall { clientType: "ibft2".to_owned(), init: Bytes::new() };
    assert_eq!(pair.a.evm.call(MALLORY, pair.a.router, &create).error(), "ClientTypeUnknown");
    let add = Router::registerClientTypeCall { clientType: "ibft2".to_owned(), factory: pair.a.token };
    assert_eq!(pair.a.evm.call(MALLORY, pair.a.router, &add).error(), "OwnableUnauthorizedAccount");
    let factory = pair.a.evm.deploy(OWNER, Contract::QbftLightClientFactory, &U256::from(1).abi_encode());
    let add = Router::registerClientTypeCall { clientType: "ibft2".to_owned(), factory };
    pair.a.evm.call(OWNER, pair.a.router, &add).must();
    let block = pair.b.seal();
    let mut init = pair.b.init(&block);
    let create = |init: &causeway_evm_contracts::abi::Init| Router::createClientCall {
        clientType: "ibft2".to_owned(),
        init: init.abi_encode().into(),
    };
    assert_eq!(pair.a.evm.call(MALLORY, pair.a.router, &create(&init)).error(), "WrongKind");
    init.clientState.kind = 1;
    let id = pair.a.evm.call(MALLORY, pair.a.router, &create(&init)).answer::<Router::createClientCall>();
    assert_eq!(id, "ibft2-1");
    let counterparty = Router::getCounterpartyCall { clientId: id };
    assert_eq!(pair.a.evm.try_call(MALLORY, pair.a.router, &counterparty).error(), "IBCCounterpartyClientNotFound");
}

/// A client contract of B's chain on A, made for recovery: from B's newest block, with what a test changes in it.
fn substitute(pair: &mut Pair, change: impl FnOnce(&mut Init)) -> Address {
    let block = pair.b.seal();
    let mut init = pair.b.init(&block);
    init.consensusState.timestamp = pair.a.evm.time;
    change(&mut init);
    pair.a.evm.deploy(OWNER, Contract::QbftLightClient, &Bytes::from(init.abi_encode()).abi_encode())
}

/// A call that recovers A's client with a substitute.
fn recover(pair: &Pair, substitute: Address) -> Router::recoverClientCall {
    Router::recoverClientCall { clientId: pair.a.client_id.clone(), substitute }
}

#[test]
fn refuses_c8_substitute_for_a_client_that_works() {
    let mut pair = Pair::new();
    let good = substitute(&mut pair, |_| ());
    let call = recover(&pair, good);
    assert_eq!(pair.a.evm.call(OWNER, pair.a.router, &call).error(), "ClientStillActive");
    pair.a.evm.time += 86_400 * 8;
    assert_eq!(pair.a.evm.call(MALLORY, pair.a.router, &call).error(), "MissingRole");
    // It expired as well.
    assert_eq!(pair.a.evm.call(OWNER, pair.a.router, &call).error(), "ClientNotActive");
    let good = substitute(&mut pair, |_| ());
    let grant = Router::grantRoleCall { role: keccak256("RECOVERER_ROLE"), account: ALICE };
    pair.a.evm.call(OWNER, pair.a.router, &grant).must();
    let call = recover(&pair, good);
    pair.a.evm.call(ALICE, pair.a.router, &call).must();
    assert_eq!(pair.a.evm.view(pair.a.router, &Router::getClientCall { clientId: pair.a.client_id.clone() }), good);
    let migrate = Router::migrateClientCall { clientId: pair.a.client_id.clone(), info: info("qbft-3"), client: good };
    assert_eq!(pair.a.evm.call(ALICE, pair.a.router, &migrate).error(), "OwnableUnauthorizedAccount");
    pair.a.evm.call(OWNER, pair.a.router, &migrate).must();
}

#[test]
fn refuses_c8_substitute_of_another_chain() {
    let mut pair = Pair::new();
    pair.b_to_a();
    let latest = pair.a.latest();
    pair.a.evm.time += 86_400 * 8;
    let router = pair.b.router;
    let word = |address: Address| {
        let mut word = [0; 32];
        word[..20].copy_from_slice(address.as_slice());
        word
    };
    let text = |text: &str| {
        let mut word = [0; 32];
        word[..text.len()].copy_from_slice(text.as_bytes());
        word
    };
    let ibft2 = substitute(&mut pair, |init| init.clientState.kind = 1);
    let chain = substitute(&mut pair, |init| init.clientState.chainId = 8);
    let store = substitute(&mut pair, |init| init.clientState.router = MALLORY);
    let older = substitute(&mut pair, |init| init.clientState.latestHeight = latest - 1);
    let refusals = [
        (ibft2, Router::SubstituteOfAnotherType { expected: text("qbft").into(), found: text("ibft2").into() }.abi_encode()),
        (chain, Router::SubstituteOfAnotherChain { expected: U256::from(7), found: U256::from(8) }.abi_encode()),
        (store, Router::SubstituteOfAnotherStore { expected: word(router).into(), found: word(MALLORY).into() }.abi_encode()),
        (older, Router::SubstituteOlder { expected: U256::from(latest), found: U256::from(latest - 1) }.abi_encode()),
    ];
    for (substitute, refusal) in refusals {
        let call = recover(&pair, substitute);
        let out = pair.a.evm.call(OWNER, pair.a.router, &call);
        assert!(!out.ok);
        assert_eq!(hex::encode(&out.output), hex::encode(refusal), "{}", out.error());
    }
    // Whatever agrees to everything but does not say whom it follows is no substitute either.
    let silent = pair.a.evm.deploy(MALLORY, Contract::HostileClient, &[]);
    let call = recover(&pair, silent);
    assert_eq!(pair.a.evm.call(OWNER, pair.a.router, &call).error(), "LineageUnknown");
    let call = recover(&pair, MALLORY);
    assert_eq!(pair.a.evm.call(OWNER, pair.a.router, &call).error(), "ContractExpected");
    let same = substitute(&mut pair, |init| init.clientState.latestHeight = latest);
    let call = recover(&pair, same);
    pair.a.evm.call(OWNER, pair.a.router, &call).must();
}

/// A's client of B took a header of the greatest height there is, with B's signatures and the packet in it, and froze on the next true
/// one. Answers the forged block, the true one, and the packet.
fn frozen_by_a_forged_height(pair: &mut Pair) -> (Block, Block, Packet) {
    let packet = pair.b.raw("hostile", b"x");
    let (first, height) = (pair.a.latest(), pair.b.height);
    pair.b.height = (1 << 63) - 2;
    let forged = pair.b_to_a();
    assert_eq!(pair.a.latest(), (1 << 63) - 1);
    pair.b.height = height;
    let honest = pair.b.seal();
    pair.a.evm.time = pair.a.evm.time.max(honest.time);
    let update = Router::updateClientCall { clientId: pair.a.client_id.clone(), updateMsg: honest.update(first) };
    let events = pair.a.evm.call(RELAYER, pair.a.router, &update).must().events::<QbftLightClient::Frozen>();
    assert_eq!(events.len(), 1, "the next header froze it");
    (forged, honest, packet)
}

fn state_of(block: &Block) -> ConsensusState {
    ConsensusState { timestamp: block.time, storageRoot: block.root.into(), validatorsHash: keccak256(block.validators.concat()) }
}

#[test]
fn a_forged_height_does_not_stop_the_named_authority() {
    let mut pair = Pair::new();
    let first = pair.a.latest();
    let (forged, honest, packet) = frozen_by_a_forged_height(&mut pair);
    let client = pair.a.client;
    let recover = |height| QbftLightClient::recoverCall { height, state: state_of(&honest) };
    assert_eq!(pair.a.evm.call(MALLORY, client, &recover(honest.height)).error(), "NotRecoverer");
    for wrong in [0, 1 << 63] {
        assert_eq!(pair.a.evm.call(OWNER, client, &recover(wrong)).error(), "HeightNotNewer", "{wrong}");
    }
    pair.a.evm.call(OWNER, client, &recover(honest.height)).must();
    assert_eq!(pair.a.latest(), honest.height);
    // Nothing from before is left: neither to prove at, nor to build upon.
    for old in [first, forged.height] {
        assert!(!pair.a.evm.view(client, &QbftLightClient::hasConsensusStateCall { height: old }), "{old}");
    }
    assert_eq!(pair.a.recv(&packet, &forged).error(), "TrustedHeightUnknown");
    let next = pair.b.seal();
    pair.a.evm.time = pair.a.evm.time.max(next.time);
    for old in [first, forged.height] {
        let update = Router::updateClientCall { clientId: pair.a.client_id.clone(), updateMsg: next.update(old) };
        assert_eq!(pair.a.evm.call(RELAYER, pair.a.router, &update).error(), "TrustedHeightUnknown", "{old}");
    }
    pair.a.update(&next).must();
    pair.a.recv(&packet, &next).must();
    assert_eq!(pair.a.evm.call(OWNER, client, &recover(next.height + 1)).error(), "RecoveryNotNeeded");
}

#[test]
fn a_forged_height_does_not_stop_a_substitute() {
    let mut pair = Pair::new();
    let (forged, honest, packet) = frozen_by_a_forged_height(&mut pair);
    // Everything else must still be equal.
    let chain = substitute(&mut pair, |init| init.clientState.chainId = 8);
    let call = recover(&pair, chain);
    assert_eq!(pair.a.evm.call(OWNER, pair.a.router, &call).error(), "SubstituteOfAnotherChain");
    let good = substitute(&mut pair, |init| {
        init.clientState.latestHeight = honest.height;
        init.consensusState = state_of(&honest);
    });
    let call = recover(&pair, good);
    assert_eq!(pair.a.evm.call(MALLORY, pair.a.router, &call).error(), "MissingRole");
    pair.a.evm.call(OWNER, pair.a.router, &call).must();
    assert_eq!(pair.a.recv(&packet, &forged).error(), "TrustedHeightUnknown");
    pair.a.recv(&packet, &honest).must();
}

#[test]
fn refuses_c8_recovery_of_a_client_that_gives_no_status() {
    let mut pair = Pair::new();
    let silent = pair.a.evm.deploy(MALLORY, Contract::TestToken, &("T".to_owned(), "T".to_owned()).abi_encode_params());
    let add = Router::addClient_1Call { info: info("x-0"), client: silent };
    let id = pair.a.evm.call(MALLORY, pair.a.router, &add).answer::<Router::addClient_1Call>();
    let good = substitute(&mut pair, |_| ());
    let call = Router::recoverClientCall { clientId: id, substitute: good };
    assert_eq!(pair.a.evm.call(OWNER, pair.a.router, &call).error(), "ClientStatusUnknown");
}

#[test]
fn refuses_c1_floors_that_starve_or_close_a_port() {
    let mut pair = Pair::new();
    let (evm, router) = (&mut pair.b.evm, pair.b.router);
    let set = |gas: u64| Router::setPortGasFloorCall { portId: "hostile".to_owned(), gasFloor: U256::from(gas) };
    let floor = Router::getPortGasFloorCall { portId: "hostile".to_owned() };
    assert_eq!(evm.view(router, &floor), U256::from(300_000), "the default");
    assert_eq!(evm.call(MALLORY, router, &set(1_000_000)).error(), "MissingRole");
    for wrong in [0, 299_999, 10_000_001, u64::MAX] {
        assert_eq!(evm.call(OWNER, router, &set(wrong)).error(), "PortGasFloorInvalid", "{wrong}");
    }
    let nowhere = Router::setPortGasFloorCall { portId: "nowhere".to_owned(), gasFloor: U256::from(1_000_000) };
    assert_eq!(evm.call(OWNER, router, &nowhere).error(), "IBCAppNotFound");
    let grant = Router::grantRoleCall { role: keccak256("PORT_GAS_ROLE"), account: ALICE };
    evm.call(OWNER, router, &grant).must();
    let events = evm.call(ALICE, router, &set(1_000_000)).must().events::<Router::PortGasFloorSet>();
    assert_eq!((events[0].portId.as_str(), events[0].gasFloor), ("hostile", U256::from(1_000_000)));
    assert_eq!(evm.view(router, &floor), U256::from(1_000_000));
    assert_eq!(evm.view(router, &Router::getIBCAppCall { portId: "hostile".to_owned() }), pair.b.app, "the application stays");
    // The application may ask for itself.
    let arm = HostileApp::armCall { target_: router, plan_: set(2_000_000).abi_encode().into() };
    pair.b.evm.call(OWNER, pair.b.app, &arm).must();
    let m = causeway_evm_contracts::abi::OnRecvPacketCallback {
        sourceClient: String::new(),
        destinationClient: String::new(),
        sequence: 1,
        payload: Payload {
            sourcePort: String::new(),
            destPort: String::new(),
            version: String::new(),
            encoding: String::new(),
            value: Bytes::new(),
        },
        relayer: MALLORY,
    };
    pair.b.evm.call(MALLORY, pair.b.app, &HostileApp::onRecvPacketCall { m }).must();
    assert_eq!(pair.b.evm.view(router, &floor), U256::from(2_000_000));
}

#[test]
fn applications_listen_to_the_router_alone() {
    let mut pair = Pair::new();
    pair.delivered_transfer(10);
    let (_, voucher) = pair.voucher();
    let mint = Voucher::mintCall { to: MALLORY, amount: U256::from(1) };
    assert_eq!(pair.b.evm.call(MALLORY, voucher, &mint).error(), "NotTransferApp");
    assert_eq!(pair.b.evm.call(MALLORY, voucher, &Voucher::initializeCall { denom_: "x".to_owned() }).error(), "NotTransferApp");
    let packet = pair.a.raw("hostile", b"x");
    let m = causeway_evm_contracts::abi::OnTimeoutPacketCallback {
        sourceClient: packet.sourceClient.clone(),
        destinationClient: packet.destClient.clone(),
        sequence: 1,
        payload: packet.payloads[0].clone(),
        relayer: MALLORY,
    };
    let call = TokenTransfer::onTimeoutPacketCall { m };
    assert_eq!(pair.b.evm.call(MALLORY, pair.b.transfer, &call).error(), "NotRouter");
    assert_eq!(pair.b.evm.call(MALLORY, pair.b.gateway, &call).error(), "NotRouter");
    let send = causeway_evm_contracts::abi::MsgSendPacket {
        sourceClient: packet.sourceClient.clone(),
        timeoutTimestamp: pair.a.evm.time + 5,
        payload: packet.payloads[0].clone(),
    };
    assert_eq!(pair.a.evm.call(MALLORY, pair.a.router, &Router::sendPacketCall { m: send.clone() }).error(), "IBCUnauthorizedSender");
    let late = causeway_evm_contracts::abi::MsgSendPacket { timeoutTimestamp: pair.a.evm.time, ..send.clone() };
    let through = |m| HostileApp::sendCall { router: pair.a.router, m };
    assert_eq!(pair.a.evm.try_call(ALICE, pair.a.app, &through(late)).error(), "IBCInvalidTimeoutTimestamp");
    let far = causeway_evm_contracts::abi::MsgSendPacket { timeoutTimestamp: pair.a.evm.time + 86_401, ..send };
    assert_eq!(pair.a.evm.try_call(ALICE, pair.a.app, &through(far)).error(), "IBCInvalidTimeoutDuration");
}
