// SPDX-License-Identifier: Apache-2.0
// ICS-20 (ABI encoding) over IBC v2. Tokens of this chain are kept in escrow, apart BY CLIENT, so that a client can release only
// what left through it (refuse.md C3); tokens of other chains are vouchers.
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Hex} from "./Hex.sol";
import {Ics24} from "./Ics24.sol";
import {IIBCApp, IPacketSender, MsgSendPacket, Payload} from "./Interfaces.sol";
import {Voucher} from "./Voucher.sol";

contract TokenTransfer is IIBCApp {
    using SafeERC20 for IERC20;

    struct SendTransfer {
        string sourceClient;
        string denom;
        uint256 amount;
        string receiver;
        uint64 timeoutTimestamp;
        string memo;
    }

    /// The packet's value is the ABI encoding of this.
    struct TokenPacket {
        string denom;
        string sender;
        string receiver;
        uint256 amount;
        string memo;
    }

    event TransferSent(string sourceClient, uint64 indexed sequence, address indexed sender, string denom, uint256 amount);
    event TransferReceived(
        string destClient, uint64 indexed sequence, address indexed receiver, address token, uint256 amount
    );
    event TransferRefunded(string sourceClient, uint64 indexed sequence, address indexed sender, uint256 amount);
    event VoucherCreated(string denom, address voucher);

    error NotRouter(address caller);
    error AmountZero();
    error DenomUnknown(string denom);
    error ReceiverInvalid(string receiver);
    error SenderInvalid(string sender);
    error UnexpectedPort(string port);
    error UnexpectedVersion(string version);
    error UnexpectedEncoding(string encoding);
    error EscrowTooSmall(uint256 held, uint256 asked);
    /// The token delivered less than it was asked for (a fee on transfer, perhaps).
    error TokenShort(uint256 expected, uint256 received);

    string public constant PORT = "transfer";
    string public constant VERSION = "ics20-1";
    string public constant ENCODING = "application/x-solidity-abi";
    bytes private constant SUCCESS_ACK = bytes('{"result":"AQ=="}');
    uint256 private constant MAX_DENOM = 1024;

    address public immutable router;
    address public immutable voucherImplementation;

    /// What left through a client and has not come back: keccak256(client id), token, amount.
    mapping(bytes32 clientHash => mapping(address token => uint256)) private escrow;
    mapping(address token => bool) public isVoucher;

    constructor(address router_) {
        router = router_;
        voucherImplementation = address(new Voucher());
    }

    modifier onlyRouter() {
        if (msg.sender != router) revert NotRouter(msg.sender);
        _;
    }

    /// What is held in escrow for a client.
    function escrowed(string calldata clientId, address token) external view returns (uint256) {
        return escrow[keccak256(bytes(clientId))][token];
    }

    /// The voucher of a full denomination; zero before its first receipt.
    function voucherOf(string memory denom) public view returns (address voucher) {
        voucher = Clones.predictDeterministicAddress(voucherImplementation, keccak256(bytes(denom)));
        if (voucher.code.length == 0) voucher = address(0);
    }

    /// Sends tokens of the caller. `denom` is an ERC-20 address in hex, or the full denomination of a voucher.
    function sendTransfer(SendTransfer calldata m) external returns (uint64 sequence) {
        if (m.amount == 0) revert AmountZero();
        (address token, string memory denom) = _token(m.denom);
        if (_startsWith(bytes(denom), _prefix(m.sourceClient))) {
            Voucher(token).burn(msg.sender, m.amount);
        } else {
            escrow[keccak256(bytes(m.sourceClient))][token] += m.amount;
            uint256 before = IERC20(token).balanceOf(address(this));
            IERC20(token).safeTransferFrom(msg.sender, address(this), m.amount);
            uint256 received = IERC20(token).balanceOf(address(this)) - before;
            if (received != m.amount) revert TokenShort(m.amount, received);
        }
        bytes memory value = abi.encode(TokenPacket(denom, Hex.write(msg.sender), m.receiver, m.amount, m.memo));
        sequence = IPacketSender(router).sendPacket(
            MsgSendPacket(m.sourceClient, m.timeoutTimestamp, Payload(PORT, PORT, VERSION, ENCODING, value))
        );
        emit TransferSent(m.sourceClient, sequence, msg.sender, denom, m.amount);
    }

    function onRecvPacket(OnRecvPacketCallback calldata m) external onlyRouter returns (bytes memory) {
        _checkPayload(m.payload);
        TokenPacket memory p = abi.decode(m.payload.value, (TokenPacket));
        if (p.amount == 0) revert AmountZero();
        (bool ok, address receiver) = Hex.read(bytes(p.receiver));
        if (!ok || receiver == address(0)) revert ReceiverInvalid(p.receiver);
        if (bytes(p.denom).length == 0 || bytes(p.denom).length > MAX_DENOM) revert DenomUnknown(p.denom);
        bytes memory home = abi.encodePacked(m.payload.sourcePort, "/", m.sourceClient, "/");
        address token;
        if (_startsWith(bytes(p.denom), home)) {
            (token,) = _token(_cut(bytes(p.denom), home.length));
            _release(m.destinationClient, token, receiver, p.amount);
        } else {
            token = _mintVoucher(string(abi.encodePacked(_prefix(m.destinationClient), p.denom)), receiver, p.amount);
        }
        emit TransferReceived(m.destinationClient, m.sequence, receiver, token, p.amount);
        return SUCCESS_ACK;
    }

    function onAcknowledgementPacket(OnAcknowledgementPacketCallback calldata m) external onlyRouter {
        if (m.acknowledgement.length == 32 && bytes32(m.acknowledgement) == Ics24.UNIVERSAL_ERROR_ACK) {
            _refund(m.sourceClient, m.sequence, m.payload.value);
        }
    }

    function onTimeoutPacket(OnTimeoutPacketCallback calldata m) external onlyRouter {
        _refund(m.sourceClient, m.sequence, m.payload.value);
    }

    /// Gives back what a packet took. The router proved that this application sent it, so its value is our own.
    function _refund(string calldata sourceClient, uint64 sequence, bytes calldata value) private {
        TokenPacket memory p = abi.decode(value, (TokenPacket));
        (bool ok, address sender) = Hex.read(bytes(p.sender));
        if (!ok) revert SenderInvalid(p.sender);
        if (_startsWith(bytes(p.denom), _prefix(sourceClient))) {
            Voucher(_known(p.denom)).mint(sender, p.amount);
        } else {
            (address token,) = _token(p.denom);
            _release(sourceClient, token, sender, p.amount);
        }
        emit TransferRefunded(sourceClient, sequence, sender, p.amount);
    }

    function _release(string calldata clientId, address token, address to, uint256 amount) private {
        mapping(address => uint256) storage held = escrow[keccak256(bytes(clientId))];
        uint256 have = held[token];
        if (have < amount) revert EscrowTooSmall(have, amount);
        unchecked {
            held[token] = have - amount;
        }
        IERC20(token).safeTransfer(to, amount);
    }

    function _mintVoucher(string memory denom, address to, uint256 amount) private returns (address voucher) {
        voucher = voucherOf(denom);
        if (voucher == address(0)) {
            voucher = Clones.cloneDeterministic(voucherImplementation, keccak256(bytes(denom)));
            isVoucher[voucher] = true;
            Voucher(voucher).initialize(denom);
            emit VoucherCreated(denom, voucher);
        }
        Voucher(voucher).mint(to, amount);
    }

    /// The token that a denomination of this chain names, and the denomination as it goes on the wire.
    function _token(string memory text) private view returns (address token, string memory denom) {
        bool ok;
        (ok, token) = Hex.read(bytes(text));
        if (!ok) return (_known(text), text);
        denom = isVoucher[token] ? Voucher(token).denom() : Hex.write(token);
    }

    function _known(string memory denom) private view returns (address voucher) {
        voucher = voucherOf(denom);
        if (voucher == address(0)) revert DenomUnknown(denom);
    }

    function _checkPayload(Payload calldata p) private pure {
        if (keccak256(bytes(p.sourcePort)) != keccak256(bytes(PORT))) revert UnexpectedPort(p.sourcePort);
        if (keccak256(bytes(p.version)) != keccak256(bytes(VERSION))) revert UnexpectedVersion(p.version);
        if (keccak256(bytes(p.encoding)) != keccak256(bytes(ENCODING))) revert UnexpectedEncoding(p.encoding);
    }

    function _prefix(string calldata clientId) private pure returns (bytes memory) {
        return abi.encodePacked(PORT, "/", clientId, "/");
    }

    function _startsWith(bytes memory text, bytes memory prefix) private pure returns (bool same) {
        if (text.length <= prefix.length) return false;
        assembly ("memory-safe") {
            same := eq(keccak256(add(text, 32), mload(prefix)), keccak256(add(prefix, 32), mload(prefix)))
        }
    }

    function _cut(bytes memory text, uint256 from) private pure returns (string memory) {
        bytes memory rest = new bytes(text.length - from);
        assembly ("memory-safe") {
            // Word by word: `new bytes` reserves whole words, so that the last one stays inside.
            let size := mload(rest)
            for { let i := 0 } lt(i, size) { i := add(i, 32) } {
                mstore(add(add(rest, 32), i), mload(add(add(add(text, 32), from), i)))
            }
        }
        return string(rest);
    }
}
