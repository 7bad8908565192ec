// SPDX-License-Identifier: Apache-2.0
// General messages in the ICS-27 GMP format: a call on the other chain, its result or its timeout in a callback.
//
// A callback that fails does not hold the packet: the acknowledgement stands and `CallbackFailed` records why. That is safe
// because a callback always gets CALLBACK_GAS; with less the message reverts and is tried again, so no relayer can starve it.
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {CallAccount} from "./CallAccount.sol";
import {CappedCall} from "./CappedCall.sol";
import {Hex} from "./Hex.sol";
import {Ics24} from "./Ics24.sol";
import {IIBCApp, IPacketSender, MsgSendPacket, Payload} from "./Interfaces.sol";

/// What a contract that sends messages may implement to hear how they ended.
interface IMessageCallback {
    function onMessageResult(string calldata clientId, uint64 sequence, bool success, bytes calldata result) external;
    function onMessageTimeout(string calldata clientId, uint64 sequence) external;
}

contract MessageGateway is IIBCApp {
    struct SendCall {
        string sourceClient;
        uint64 timeoutTimestamp;
        string receiver;
        bytes salt;
        bytes payload;
        string memo;
    }

    /// The packet's value is the ABI encoding of this.
    struct GmpPacket {
        string sender;
        string receiver;
        bytes salt;
        bytes payload;
        string memo;
    }

    /// A successful acknowledgement is the ABI encoding of this.
    struct GmpResult {
        bytes result;
    }

    event CallSent(string sourceClient, uint64 indexed sequence, address indexed sender);
    event CallExecuted(string destClient, uint64 indexed sequence, address indexed account, address receiver);
    event CallFinished(string sourceClient, uint64 indexed sequence, address indexed sender, bool success);
    event CallTimedOut(string sourceClient, uint64 indexed sequence, address indexed sender);
    event CallbackFailed(string sourceClient, uint64 indexed sequence, address indexed sender, bytes reason);
    event AccountCreated(address account, string clientId, string sender, bytes salt);

    error NotRouter(address caller);
    error PayloadEmpty();
    error ReceiverInvalid(string receiver);
    error SenderInvalid(string sender);
    error UnexpectedPort(string port);
    error UnexpectedVersion(string version);
    error UnexpectedEncoding(string encoding);
    error InsufficientGas(uint256 left, uint256 needed);

    string public constant PORT = "gmpport";
    string public constant VERSION = "ics27-2";
    string public constant ENCODING = "application/x-solidity-abi";
    /// What a sender's callback gets, always and at most.
    uint256 public constant CALLBACK_GAS = 150_000;
    uint256 private constant REASON_CAP = 256;

    address public immutable router;
    address public immutable accountImplementation;

    constructor(address router_) {
        router = router_;
        accountImplementation = address(new CallAccount());
    }

    modifier onlyRouter() {
        if (msg.sender != router) revert NotRouter(msg.sender);
        _;
    }

    /// The account that acts here for a sender behind a client; it may not exist yet.
    function accountOf(string calldata clientId, string calldata sender, bytes calldata salt)
        external
        view
        returns (address)
    {
        return Clones.predictDeterministicAddress(accountImplementation, keccak256(abi.encode(clientId, sender, salt)));
    }

    /// Asks for a call on the other chain.
    function sendCall(SendCall calldata m) external returns (uint64 sequence) {
        if (m.payload.length == 0) revert PayloadEmpty();
        bytes memory value = abi.encode(GmpPacket(Hex.write(msg.sender), m.receiver, m.salt, m.payload, m.memo));
        sequence = IPacketSender(router).sendPacket(
            MsgSendPacket(m.sourceClient, m.timeoutTimestamp, Payload(PORT, PORT, VERSION, ENCODING, value))
        );
        emit CallSent(m.sourceClient, sequence, msg.sender);
    }

    function onRecvPacket(OnRecvPacketCallback calldata m) external onlyRouter returns (bytes memory) {
        Payload calldata p = m.payload;
        if (keccak256(bytes(p.sourcePort)) != keccak256(bytes(PORT))) revert UnexpectedPort(p.sourcePort);
        if (keccak256(bytes(p.version)) != keccak256(bytes(VERSION))) revert UnexpectedVersion(p.version);
        if (keccak256(bytes(p.encoding)) != keccak256(bytes(ENCODING))) revert UnexpectedEncoding(p.encoding);
        GmpPacket memory call = abi.decode(p.value, (GmpPacket));
        if (call.payload.length == 0) revert PayloadEmpty();
        (bool ok, address receiver) = Hex.read(bytes(call.receiver));
        if (!ok) revert ReceiverInvalid(call.receiver);
        CallAccount account = _account(m.destinationClient, call.sender, call.salt);
        bytes memory result = account.execute(receiver, call.payload);
        emit CallExecuted(m.destinationClient, m.sequence, address(account), receiver);
        return abi.encode(GmpResult(result));
    }

    function onAcknowledgementPacket(OnAcknowledgementPacketCallback calldata m) external onlyRouter {
        address sender = _sender(m.payload.value);
        bool success = m.acknowledgement.length != 32 || bytes32(m.acknowledgement) != Ics24.UNIVERSAL_ERROR_ACK;
        bytes memory result = m.acknowledgement;
        if (success) {
            // What another chain's application wrote may be no result at all; that must not hold the packet.
            try this.decodeResult(result) returns (bytes memory inner) {
                result = inner;
            } catch {
                success = false;
            }
        } else {
            result = "";
        }
        emit CallFinished(m.sourceClient, m.sequence, sender, success);
        _notify(
            m.sourceClient,
            m.sequence,
            sender,
            abi.encodeCall(IMessageCallback.onMessageResult, (m.sourceClient, m.sequence, success, result))
        );
    }

    function onTimeoutPacket(OnTimeoutPacketCallback calldata m) external onlyRouter {
        address sender = _sender(m.payload.value);
        emit CallTimedOut(m.sourceClient, m.sequence, sender);
        _notify(
            m.sourceClient,
            m.sequence,
            sender,
            abi.encodeCall(IMessageCallback.onMessageTimeout, (m.sourceClient, m.sequence))
        );
    }

    /// The result in a successful acknowledgement; reverts where it is none.
    function decodeResult(bytes calldata acknowledgement) external pure returns (bytes memory) {
        return abi.decode(acknowledgement, (GmpResult)).result;
    }

    function _notify(string calldata clientId, uint64 sequence, address sender, bytes memory data) private {
        if (sender.code.length == 0) return;
        uint256 left = gasleft();
        uint256 needed = CALLBACK_GAS + CALLBACK_GAS / 63 + 20_000;
        if (left < needed) revert InsufficientGas(left, needed);
        (bool ok,, bytes memory reason) = CappedCall.call(sender, CALLBACK_GAS, data, REASON_CAP);
        if (!ok) emit CallbackFailed(clientId, sequence, sender, reason);
    }

    function _sender(bytes calldata value) private pure returns (address sender) {
        GmpPacket memory call = abi.decode(value, (GmpPacket));
        bool ok;
        (ok, sender) = Hex.read(bytes(call.sender));
        if (!ok) revert SenderInvalid(call.sender);
    }

    function _account(string calldata clientId, string memory sender, bytes memory salt)
        private
        returns (CallAccount)
    {
        bytes32 id = keccak256(abi.encode(clientId, sender, salt));
        address account = Clones.predictDeterministicAddress(accountImplementation, id);
        if (account.code.length == 0) {
            Clones.cloneDeterministic(accountImplementation, id);
            emit AccountCreated(account, clientId, sender, salt);
        }
        return CallAccount(account);
    }
}
