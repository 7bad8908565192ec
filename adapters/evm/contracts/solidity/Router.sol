// SPDX-License-Identifier: Apache-2.0
// The IBC v2 router: interface, events and storage of ICS26Router, and `relayBatch`, in which a failing message neither reverts
// nor hides the others. State changes come before callbacks everywhere; nothing of a packet is decided by the relayer.
pragma solidity 0.8.37;

import {CappedCall} from "./CappedCall.sol";
import {Hex} from "./Hex.sol";
import {Ics24} from "./Ics24.sol";
import {
    BatchItem,
    ClientStatus,
    CounterpartyInfo,
    Height,
    IBatchLightClient,
    IIBCApp,
    IIBCAppCallbacks,
    ILightClient,
    IPacketSender,
    MsgAckPacket,
    MsgRecvPacket,
    MsgSendPacket,
    MsgTimeoutPacket,
    MsgVerifyMembership,
    MsgVerifyNonMembership,
    Packet,
    Payload,
    UpdateResult
} from "./Interfaces.sol";
import {RouterAccess} from "./RouterAccess.sol";
import {RouterClients} from "./RouterClients.sol";

contract Router is RouterClients, IPacketSender {
    /// The gas an application must be given unless its port asks for more; with less the message reverts and can be tried again.
    /// refuse.md C1.
    uint256 public constant PACKET_GAS_FLOOR = 300_000;
    /// The most that a port may ask for: a port that no transaction can serve would be closed.
    uint256 public constant PORT_GAS_FLOOR_MAX = 10_000_000;
    /// Kept back from a callback to write the acknowledgement and its event.
    uint256 private constant AFTER_CALLBACK_GAS = 60_000;
    /// The relayer promises a message at least this: the floor, what is kept back, and the work around both.
    uint256 public constant MESSAGE_GAS_FLOOR = 450_000;
    /// A receiver that reverts with less than this share of its gas left counts as out of gas. Each frame keeps 1/64 of what its callee
    /// wastes, so an eighth covers eight frames.
    uint256 private constant STARVED_SHARE = 8;
    uint256 private constant MAX_TIMEOUT_SECONDS = 1 days;
    uint256 private constant MAX_ACK = 16 * 1024;

    /// ERC-7201 `ibc.storage.IBCStore` and `ibc.storage.ICS26Router`.
    bytes32 private constant IBCSTORE_STORAGE_SLOT =
        0x1260944489272988d9df285149b5aa1b0f48f2136d6f416159f840a3e0747600;
    bytes32 private constant ICS26ROUTER_STORAGE_SLOT =
        0xc5779f3c2c21083eefa6d04f6a698bc0d8c10db124ad5e0df6ef394b6d7bf600;

    struct Store {
        mapping(bytes32 path => bytes32) commitments;
        mapping(string clientId => uint64) prevSequenceSends;
    }

    /// An application, and the least gas it must be given when that is more than `PACKET_GAS_FLOOR`. Upstream keeps the address alone in
    /// this slot; both are read at once.
    struct App {
        address app;
        uint64 gasFloor;
    }

    struct Apps {
        mapping(string portId => App) apps;
    }

    /// What a message's own frame is told by the frame that verified it.
    struct Verified {
        address relayer;
        bytes32 clientHash;
        bytes32 counterpartyHash;
        uint256 timestampSeconds;
    }

    constructor(address owner_) RouterAccess(owner_) {}

    function _store() private pure returns (Store storage $) {
        assembly {
            $.slot := IBCSTORE_STORAGE_SLOT
        }
    }

    function _apps() private pure returns (Apps storage $) {
        assembly {
            $.slot := ICS26ROUTER_STORAGE_SLOT
        }
    }

    // Reading

    /// The commitment under keccak256 of a path; zero when there is none.
    function getCommitment(bytes32 hashedPath) external view returns (bytes32) {
        return _store().commitments[hashedPath];
    }

    /// The sequence that the next packet over a client gets.
    function getNextSequenceSend(string calldata clientId) external view returns (uint64) {
        return _store().prevSequenceSends[clientId] + 1;
    }

    function getIBCApp(string calldata portId) public view returns (address app) {
        (app,) = _app(portId);
    }

    /// The gas that the application of a port must be given.
    function getPortGasFloor(string calldata portId) external view returns (uint256 floor) {
        (, floor) = _app(portId);
    }

    function _app(string calldata portId) private view returns (address app, uint256 floor) {
        App memory held = _apps().apps[portId];
        app = held.app;
        if (app == address(0)) revert IBCAppNotFound(portId);
        floor = held.gasFloor > PACKET_GAS_FLOOR ? held.gasFloor : PACKET_GAS_FLOOR;
    }

    function isPacketReceived(string calldata destClient, uint64 sequence) external view returns (bool) {
        return _store().commitments[Ics24.key(destClient, Ics24.RECEIPT, sequence)] != 0;
    }

    function getPacketCommitment(string calldata sourceClient, uint64 sequence) external view returns (bytes32) {
        return _store().commitments[Ics24.key(sourceClient, Ics24.PACKET, sequence)];
    }

    function getPacketReceipt(string calldata destClient, uint64 sequence) external view returns (bytes32) {
        return _store().commitments[Ics24.key(destClient, Ics24.RECEIPT, sequence)];
    }

    function getAckCommitment(string calldata destClient, uint64 sequence) external view returns (bytes32) {
        return _store().commitments[Ics24.key(destClient, Ics24.ACK, sequence)];
    }

    // Applications

    /// Registers an application under its own address in lower-case hex.
    function addIBCApp(address app) external nonReentrant {
        _addApp(Hex.write(app), app);
    }

    /// Registers an application under a name.
    function addIBCApp(string calldata portId, address app) external nonReentrant onlyRole(ID_CUSTOMIZER_ROLE) {
        bytes calldata name = bytes(portId);
        // A name that looks like an address would take a port that is open to all.
        bool address_ = name.length == 40 || (name.length == 42 && name[0] == "0" && (name[1] == "x" || name[1] == "X"));
        if (address_ || !_validIdentifier(name)) revert IBCInvalidPortIdentifier(portId);
        _addApp(portId, app);
    }

    function _addApp(string memory portId, address app) private {
        Apps storage $ = _apps();
        if ($.apps[portId].app != address(0)) revert IBCPortAlreadyExists(portId);
        if (app.code.length == 0) revert ContractExpected(app);
        $.apps[portId].app = app;
        emit IBCAppAdded(portId, app);
    }

    /// Says how much gas the application of a port must be given; `PACKET_GAS_FLOOR` is the least, and the default. The application
    /// itself may, and who holds the role. refuse.md C1: a receiver that needs more could be starved into an error acknowledgement.
    function setPortGasFloor(string calldata portId, uint256 gasFloor) external nonReentrant {
        (address app,) = _app(portId);
        if (msg.sender != app) _requireRole(PORT_GAS_ROLE);
        if (gasFloor < PACKET_GAS_FLOOR || gasFloor > PORT_GAS_FLOOR_MAX) {
            revert PortGasFloorInvalid(gasFloor, PACKET_GAS_FLOOR, PORT_GAS_FLOOR_MAX);
        }
        _apps().apps[portId].gasFloor = uint64(gasFloor);
        emit PortGasFloorSet(portId, gasFloor);
    }

    // Packets, one by one

    function sendPacket(MsgSendPacket calldata m) external nonReentrant whenNotPaused returns (uint64 sequence) {
        Payload calldata p = m.payload;
        if (getIBCApp(p.sourcePort) != msg.sender) revert IBCUnauthorizedSender(msg.sender);
        if (
            bytes(p.destPort).length == 0 || bytes(p.version).length == 0 || bytes(p.encoding).length == 0
                || p.value.length == 0
        ) revert EmptyPayloadField();
        string memory counterparty = _clients().counterparties[m.sourceClient].clientId;
        if (bytes(counterparty).length == 0) revert IBCCounterpartyClientNotFound(m.sourceClient);
        if (m.timeoutTimestamp <= block.timestamp) {
            revert IBCInvalidTimeoutTimestamp(m.timeoutTimestamp, block.timestamp);
        }
        if (m.timeoutTimestamp - block.timestamp > MAX_TIMEOUT_SECONDS) {
            revert IBCInvalidTimeoutDuration(MAX_TIMEOUT_SECONDS, m.timeoutTimestamp - block.timestamp);
        }
        Store storage $ = _store();
        sequence = ++$.prevSequenceSends[m.sourceClient];
        $.commitments[Ics24.key(m.sourceClient, Ics24.PACKET, sequence)] =
            Ics24.commitment(sha256(bytes(counterparty)), m.timeoutTimestamp, p);
        Packet memory packet = Packet(sequence, m.sourceClient, counterparty, m.timeoutTimestamp, new Payload[](1));
        packet.payloads[0] = p;
        emit SendPacket(m.sourceClient, sequence, packet);
    }

    function recvPacket(MsgRecvPacket calldata m) external nonReentrant whenNotPaused onlyRelayer {
        Packet calldata packet = m.packet;
        (address client, CounterpartyInfo memory info) = _route(packet.destClient);
        Verified memory v = _verified(packet.destClient, info.clientId);
        _checkOne(packet);
        bytes memory path = Ics24.path(bytes(packet.sourceClient), Ics24.PACKET, packet.sequence);
        bytes32 value = Ics24.packet(packet.destClient, packet.timeoutTimestamp, packet.payloads[0]);
        _membership(client, m.proofCommitment, m.proofHeight, info, path, value);
        _recv(packet, v);
    }

    function ackPacket(MsgAckPacket calldata m) external nonReentrant whenNotPaused onlyRelayer {
        Packet calldata packet = m.packet;
        (address client, CounterpartyInfo memory info) = _route(packet.sourceClient);
        Verified memory v = _verified(packet.sourceClient, info.clientId);
        bytes memory path = Ics24.path(bytes(packet.destClient), Ics24.ACK, packet.sequence);
        bytes32 value = Ics24.ackCommitment(Ics24.sha(m.acknowledgement));
        _membership(client, m.proofAcked, m.proofHeight, info, path, value);
        _ack(packet, m.acknowledgement, v);
    }

    function timeoutPacket(MsgTimeoutPacket calldata m) external nonReentrant whenNotPaused onlyRelayer {
        Packet calldata packet = m.packet;
        (address client, CounterpartyInfo memory info) = _route(packet.sourceClient);
        Verified memory v = _verified(packet.sourceClient, info.clientId);
        bytes memory path = Ics24.path(bytes(packet.destClient), Ics24.RECEIPT, packet.sequence);
        MsgVerifyNonMembership memory msg_ =
            MsgVerifyNonMembership(m.proofTimeout, m.proofHeight, _prefixed(info.merklePrefix, path));
        v.timestampSeconds = _prove(client, abi.encodeCall(ILightClient.verifyNonMembership, (msg_)));
        _timeout(packet, v);
    }

    /// Several calls in one transaction, all or nothing.
    function multicall(bytes[] calldata calls) external returns (bytes[] memory results) {
        results = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool ok, bytes memory answer) = address(this).delegatecall(calls[i]);
            if (!ok) CappedCall.bubble(answer);
            results[i] = answer;
        }
    }

    function _route(string calldata clientId) private view returns (address client, CounterpartyInfo memory info) {
        client = getClient(clientId);
        info = getCounterparty(clientId);
    }

    function _verified(string calldata clientId, string memory counterparty) private view returns (Verified memory) {
        return Verified(msg.sender, keccak256(bytes(clientId)), keccak256(bytes(counterparty)), 0);
    }

    function _membership(
        address client,
        bytes calldata proof,
        Height calldata height,
        CounterpartyInfo memory info,
        bytes memory path,
        bytes32 value
    ) private {
        MsgVerifyMembership memory m =
            MsgVerifyMembership(proof, height, _prefixed(info.merklePrefix, path), abi.encodePacked(value));
        _prove(client, abi.encodeCall(ILightClient.verifyMembership, (m)));
    }

    function _prove(address client, bytes memory data) private returns (uint256) {
        (bool ok,, bytes memory answer) = CappedCall.call(client, CLIENT_GAS_CAP, data, REASON_CAP);
        if (!ok) CappedCall.bubble(answer);
        if (answer.length != 32) revert ClientCallFailed(answer);
        return CappedCall.word(answer);
    }

    /// The path goes after the last element of the prefix.
    function _prefixed(bytes[] memory prefix, bytes memory path) private pure returns (bytes[] memory) {
        uint256 last = prefix.length - 1;
        prefix[last] = abi.encodePacked(prefix[last], path);
        return prefix;
    }

    // Packets, many at once

    /// Relays messages over one client. Proofs are checked together; then each message runs in a call of its own, so that its
    /// failure undoes nothing but itself. What cannot be tried at all (unknown client, refused update) reverts.
    function relayBatch(RelayBatch calldata batch)
        external
        nonReentrant
        whenNotPaused
        onlyRelayer
        returns (Result[] memory results)
    {
        if (batch.minGasPerMessage < MESSAGE_GAS_FLOOR) revert MinGasTooLow(batch.minGasPerMessage, MESSAGE_GAS_FLOOR);
        (address client, CounterpartyInfo memory info) = _route(batch.clientId);
        Verified memory v = _verified(batch.clientId, info.clientId);
        if (batch.update.length != 0) _update(batch.clientId, client, batch.update);
        bool[] memory proven;
        bytes memory refusal;
        (v.timestampSeconds, proven, refusal) = _proveBatch(client, batch, info.merklePrefix);
        uint256 count = batch.messages.length;
        results = new Result[](count);
        for (uint256 i = 0; i < count; ++i) {
            bytes memory reason;
            if (refusal.length != 0) {
                (results[i], reason) = (Result.Failed, refusal);
            } else if (!proven[i]) {
                (results[i], reason) = (Result.Failed, abi.encodeWithSelector(ProofNotAccepted.selector));
            } else {
                // Read anew for each: the callback before may have frozen the client.
                uint8 state = _status(client);
                if (state != uint8(ClientStatus.Active)) {
                    (results[i], reason) = (Result.Failed, abi.encodeWithSelector(ClientNotActive.selector, state));
                } else {
                    (results[i], reason) = _relayApart(batch, i, v);
                }
            }
            RelayMessage calldata m = batch.messages[i];
            emit MessageResult(i, m.kind, m.packet.sequence, results[i], reason);
        }
    }

    /// One call into the client for all items. A refusal (frozen, unknown height) is every message's, and the update stays.
    function _proveBatch(address client, RelayBatch calldata batch, bytes[] memory prefix)
        private
        returns (uint256 timestampSeconds, bool[] memory proven, bytes memory refusal)
    {
        uint256 count = batch.messages.length;
        BatchItem[] memory items = new BatchItem[](count);
        // Not a revert: that would undo an update that froze the client.
        if (prefix.length != 1) return (0, proven, abi.encodeWithSelector(CounterpartyInvalid.selector));
        for (uint256 i = 0; i < count; ++i) {
            items[i] = _item(batch.messages[i], prefix[0]);
        }
        bytes memory data = abi.encodeCall(IBatchLightClient.verifyBatch, (batch.proofHeight, batch.nodes, items));
        uint256 expected = 96 + 32 * count;
        (bool ok, uint256 size, bytes memory answer) =
            CappedCall.call(client, CLIENT_GAS_CAP, data, expected > REASON_CAP ? expected : REASON_CAP);
        if (!ok) {
            _truncate(answer);
            refusal = answer.length == 0 ? _noAnswer() : answer;
            return (0, proven, refusal);
        }
        uint256 pos;
        uint256 length;
        assembly ("memory-safe") {
            timestampSeconds := mload(add(answer, 32))
            pos := mload(add(answer, 64))
            length := mload(add(answer, 96))
            proven := add(answer, 96)
        }
        bool answered = size == expected && pos == 64 && length == count;
        for (uint256 i = 0; answered && i < count; ++i) {
            assembly ("memory-safe") {
                // Neither true nor false is no proof.
                answered := lt(mload(add(add(proven, 32), shl(5, i))), 2)
            }
        }
        if (!answered) refusal = _noAnswer();
    }

    function _noAnswer() private pure returns (bytes memory) {
        return abi.encodeWithSelector(ClientCallFailed.selector, 0x20, 0);
    }

    /// What must be proven for a message. A malformed one becomes an item that nothing proves.
    function _item(RelayMessage calldata m, bytes memory prefix) private view returns (BatchItem memory item) {
        Packet calldata packet = m.packet;
        item.nodes = m.nodes;
        if (m.kind == Kind.Recv) {
            if (packet.payloads.length != 1) return item;
            item.path = abi.encodePacked(prefix, packet.sourceClient, Ics24.PACKET, packet.sequence);
            item.value = Ics24.packet(packet.destClient, packet.timeoutTimestamp, packet.payloads[0]);
        } else if (m.kind == Kind.Ack) {
            item.path = abi.encodePacked(prefix, packet.destClient, Ics24.ACK, packet.sequence);
            item.value = Ics24.ackCommitment(Ics24.sha(m.acknowledgement));
        } else {
            item.path = abi.encodePacked(prefix, packet.destClient, Ics24.RECEIPT, packet.sequence);
        }
    }

    /// Runs one message in a frame of its own with exactly the promised gas.
    function _relayApart(RelayBatch calldata batch, uint256 index, Verified memory v)
        private
        returns (Result, bytes memory reason)
    {
        uint256 promised = batch.minGasPerMessage;
        // The 63/64 rule cuts silently: be sure that the promise can be kept.
        uint256 needed = promised + promised / 63 + 30_000;
        bytes memory data = _messageCall(batch, index, v);
        if (gasleft() < needed) {
            return (Result.Failed, abi.encodeWithSelector(InsufficientGas.selector, gasleft(), needed));
        }
        (bool ok, uint256 size, bytes memory answer) = CappedCall.call(address(this), promised, data, REASON_CAP);
        if (!ok) return (Result.Failed, answer);
        if (size != 32) return (Result.Failed, "");
        return (Result(CappedCall.word(answer)), "");
    }

    /// The calldata of `relayOne`: the message is copied as it stands, up to where the next one begins.
    function _messageCall(RelayBatch calldata batch, uint256 index, Verified memory v)
        private
        pure
        returns (bytes memory data)
    {
        RelayMessage calldata m = batch.messages[index];
        uint256 end;
        uint256 from;
        assembly ("memory-safe") {
            from := m
            end := calldatasize()
        }
        if (index + 1 < batch.messages.length) {
            RelayMessage calldata following = batch.messages[index + 1];
            uint256 next;
            assembly ("memory-safe") {
                next := following
            }
            if (next > from) end = next;
        }
        bytes4 selector = this.relayOne.selector;
        assembly ("memory-safe") {
            let size := sub(end, from)
            data := mload(0x40)
            mstore(data, add(size, 0xa4))
            let pos := add(data, 32)
            mstore(pos, selector)
            mstore(add(pos, 0x04), mload(v))
            mstore(add(pos, 0x24), mload(add(v, 0x20)))
            mstore(add(pos, 0x44), mload(add(v, 0x40)))
            mstore(add(pos, 0x64), mload(add(v, 0x60)))
            mstore(add(pos, 0x84), 0xa0)
            calldatacopy(add(pos, 0xa4), from, size)
            mstore(0x40, and(add(add(pos, add(size, 0xa4)), 31), not(31)))
        }
    }

    /// One verified message. Only the router calls this, from `relayBatch`, which holds the guard.
    function relayOne(Verified calldata v, RelayMessage calldata m) external returns (Result) {
        if (msg.sender != address(this)) revert NotSelf();
        _onlyForward(m);
        Verified memory checked = v;
        if (m.kind == Kind.Recv) return _recv(m.packet, checked);
        if (m.kind == Kind.Ack) return _ack(m.packet, m.acknowledgement, checked);
        return _timeout(m.packet, checked);
    }

    /// The ABI allows offsets that point backwards, out of the message. What lies there is not what it was when the message was
    /// proven, because only the message was copied: such a message would be proven as one and run as another.
    function _onlyForward(RelayMessage calldata m) private pure {
        uint256 offsets;
        assembly ("memory-safe") {
            function word(pos) -> value {
                value := calldataload(pos)
            }
            let packet := word(add(m, 0x20))
            offsets := or(packet, word(add(m, 0x40)))
            packet := add(packet, m)
            let payload := word(add(packet, 0x80))
            offsets := or(or(offsets, payload), or(word(add(packet, 0x20)), word(add(packet, 0x40))))
            // The first entry of the list of payloads; there is exactly one.
            payload := add(add(packet, payload), 0x20)
            offsets := or(offsets, word(payload))
            payload := add(payload, word(payload))
            for { let i := 0 } lt(i, 0xa0) { i := add(i, 0x20) } { offsets := or(offsets, word(add(payload, i))) }
        }
        if (offsets >> 32 != 0) revert OffsetInvalid();
    }

    function _truncate(bytes memory reason) private pure {
        assembly ("memory-safe") {
            if gt(mload(reason), REASON_CAP) { mstore(reason, REASON_CAP) }
        }
    }

    // What a proven message does

    function _checkOne(Packet calldata packet) private pure {
        if (packet.payloads.length != 1) revert IBCMultiPayloadPacketNotSupported();
        if (packet.sequence == 0) revert SequenceZero();
    }

    /// The packet runs between the client that proved it and that client's counterparty, and no other.
    function _checkEnds(Verified memory v, string calldata here, string calldata there) private pure {
        if (keccak256(bytes(here)) != v.clientHash) revert WrongClient("", here);
        if (keccak256(bytes(there)) != v.counterpartyHash) revert IBCInvalidCounterparty("", there);
    }

    function _recv(Packet calldata packet, Verified memory v) private returns (Result) {
        _checkOne(packet);
        _checkEnds(v, packet.destClient, packet.sourceClient);
        if (packet.timeoutTimestamp <= block.timestamp) {
            revert IBCInvalidTimeoutTimestamp(packet.timeoutTimestamp, block.timestamp);
        }
        Store storage $ = _store();
        bytes32 receipt = Ics24.key(packet.destClient, Ics24.RECEIPT, packet.sequence);
        if ($.commitments[receipt] != 0) {
            emit Noop();
            return Result.Noop;
        }
        $.commitments[receipt] = keccak256(abi.encode(packet));
        Payload calldata payload = packet.payloads[0];
        (bool ok, bytes memory ack) = _callRecv(packet, payload, v.relayer);
        $.commitments[Ics24.key(packet.destClient, Ics24.ACK, packet.sequence)] = Ics24.ackCommitment(sha256(ack));
        bytes[] memory acks = new bytes[](1);
        acks[0] = ack;
        emit WriteAcknowledgement(packet.destClient, packet.sequence, packet, acks);
        return ok ? Result.Applied : Result.ErrorAck;
    }

    /// The application's acknowledgement, or the error acknowledgement when it reverted with a reason. Out of gas is no reason.
    function _callRecv(Packet calldata packet, Payload calldata payload, address relayer)
        private
        returns (bool, bytes memory)
    {
        (address app, uint256 floor) = _app(payload.destPort);
        bytes memory data = abi.encodeCall(
            IIBCApp.onRecvPacket,
            (
                IIBCAppCallbacks.OnRecvPacketCallback(
                    packet.sourceClient, packet.destClient, packet.sequence, payload, relayer
                )
            )
        );
        uint256 given = _callbackGas(floor);
        uint256 left = gasleft();
        (bool ok, uint256 size, bytes memory answer) = CappedCall.call(app, given, data, MAX_ACK + 64);
        if (!ok) {
            // A reason is not believed either when nearly all gas is gone: a frame below may have run out, and its caller found words for it.
            if (size == 0 || left - gasleft() > given - given / STARVED_SHARE) revert IBCFailedCallback();
            _truncate(answer);
            emit IBCAppRecvPacketCallbackError(answer);
            return (false, abi.encodePacked(Ics24.UNIVERSAL_ERROR_ACK));
        }
        return (true, _ackOf(answer, size));
    }

    /// Decodes `bytes` from a callback's answer without trusting its shape.
    function _ackOf(bytes memory answer, uint256 size) private pure returns (bytes memory ack) {
        if (size > MAX_ACK + 64) revert AcknowledgementTooLarge(size);
        if (size < 64) revert IBCAsyncAcknowledgementNotSupported();
        uint256 pos;
        uint256 length;
        assembly ("memory-safe") {
            pos := mload(add(answer, 32))
            length := mload(add(answer, 64))
            ack := add(answer, 64)
        }
        if (pos != 32 || length == 0 || length > size - 64) revert IBCAsyncAcknowledgementNotSupported();
        if (length == 32 && bytes32(ack) == Ics24.UNIVERSAL_ERROR_ACK) revert IBCErrorUniversalAcknowledgement();
    }

    function _ack(Packet calldata packet, bytes calldata acknowledgement, Verified memory v)
        private
        returns (Result)
    {
        _checkOne(packet);
        _checkEnds(v, packet.sourceClient, packet.destClient);
        if (!_deleteCommitment(packet)) return Result.Noop;
        Payload calldata payload = packet.payloads[0];
        _callBack(
            payload.sourcePort,
            abi.encodeCall(
                IIBCApp.onAcknowledgementPacket,
                (
                    IIBCAppCallbacks.OnAcknowledgementPacketCallback(
                        packet.sourceClient, packet.destClient, packet.sequence, payload, acknowledgement, v.relayer
                    )
                )
            )
        );
        emit AckPacket(packet.sourceClient, packet.sequence, packet, acknowledgement);
        return Result.Applied;
    }

    function _timeout(Packet calldata packet, Verified memory v) private returns (Result) {
        _checkOne(packet);
        _checkEnds(v, packet.sourceClient, packet.destClient);
        if (v.timestampSeconds < packet.timeoutTimestamp) {
            revert IBCInvalidTimeoutTimestamp(packet.timeoutTimestamp, v.timestampSeconds);
        }
        if (!_deleteCommitment(packet)) return Result.Noop;
        Payload calldata payload = packet.payloads[0];
        _callBack(
            payload.sourcePort,
            abi.encodeCall(
                IIBCApp.onTimeoutPacket,
                (
                    IIBCAppCallbacks.OnTimeoutPacketCallback(
                        packet.sourceClient, packet.destClient, packet.sequence, payload, v.relayer
                    )
                )
            )
        );
        emit TimeoutPacket(packet.sourceClient, packet.sequence, packet);
        return Result.Applied;
    }

    /// Deletes the packet's commitment before any callback runs (refuse.md O2); false when it is gone already.
    function _deleteCommitment(Packet calldata packet) private returns (bool) {
        Store storage $ = _store();
        bytes32 key = Ics24.key(packet.sourceClient, Ics24.PACKET, packet.sequence);
        bytes32 held = $.commitments[key];
        if (held == 0) {
            emit Noop();
            return false;
        }
        bytes32 actual = Ics24.packet(packet.destClient, packet.timeoutTimestamp, packet.payloads[0]);
        if (held != actual) revert IBCPacketCommitmentMismatch(held, actual);
        delete $.commitments[key];
        return true;
    }

    /// A callback that must succeed: its failure undoes the message.
    function _callBack(string calldata portId, bytes memory data) private {
        (address app, uint256 floor) = _app(portId);
        (bool ok, uint256 size, bytes memory answer) = CappedCall.call(app, _callbackGas(floor), data, REASON_CAP);
        if (ok) return;
        if (size == 0) revert IBCFailedCallback();
        CappedCall.bubble(answer);
    }

    /// What a callback gets. At least the port's floor, really: the 63/64 rule is taken into account.
    function _callbackGas(uint256 floor) private view returns (uint256 given) {
        uint256 left = gasleft();
        uint256 needed = floor + floor / 63 + AFTER_CALLBACK_GAS;
        if (left < needed) revert InsufficientGas(left, needed);
        return left - AFTER_CALLBACK_GAS;
    }
}
