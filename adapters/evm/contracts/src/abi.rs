//! The contracts' interfaces as Rust types: calls, structures, events and custom errors.
//!
//! Not generated: a test compares every selector and topic with the compiled artifacts. Structures shared by several contracts exist
//! once. Called by whoever encodes a call or decodes a log.

#![allow(missing_docs, reason = "the Solidity sources document these items; the macro repeats them many times over")]
#![allow(clippy::too_many_arguments, reason = "the macro makes constructors of events with many fields")]

use alloy::sol;

sol! {
    #[derive(Debug, PartialEq, Eq)]
    enum UpdateResult { Update, Misbehaviour, NoOp }

    #[derive(Debug, PartialEq, Eq)]
    enum ClientStatus { Active, Frozen, Expired }

    #[derive(Debug, PartialEq, Eq)]
    enum Kind { Recv, Ack, Timeout }

    #[derive(Debug, PartialEq, Eq)]
    enum MessageOutcome { Applied, Noop, ErrorAck, Failed }

    #[derive(Debug, PartialEq, Eq)]
    struct BatchItem {
        bytes path;
        bytes32 value;
        uint16[] nodes;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct ClientState {
        uint8 kind;
        uint64 chainId;
        address router;
        uint64 latestHeight;
        uint64 trustingPeriodSeconds;
        uint64 maxClockDriftSeconds;
        bool frozen;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct ConsensusState {
        uint64 timestamp;
        bytes32 storageRoot;
        bytes32 validatorsHash;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct CounterpartyInfo {
        string clientId;
        bytes[] merklePrefix;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct GmpPacket {
        string sender;
        string receiver;
        bytes salt;
        bytes payload;
        string memo;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct GmpResult {
        bytes result;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Height {
        uint64 revisionNumber;
        uint64 revisionHeight;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Init {
        ClientState clientState;
        ConsensusState consensusState;
        address recoverer;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Misbehaviour {
        Update a;
        Update b;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct MsgAckPacket {
        Packet packet;
        bytes acknowledgement;
        bytes proofAcked;
        Height proofHeight;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct MsgRecvPacket {
        Packet packet;
        bytes proofCommitment;
        Height proofHeight;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct MsgSendPacket {
        string sourceClient;
        uint64 timeoutTimestamp;
        Payload payload;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct MsgTimeoutPacket {
        Packet packet;
        bytes proofTimeout;
        Height proofHeight;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct MsgVerifyMembership {
        bytes proof;
        Height proofHeight;
        bytes[] path;
        bytes value;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct MsgVerifyNonMembership {
        bytes proof;
        Height proofHeight;
        bytes[] path;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct OnAcknowledgementPacketCallback {
        string sourceClient;
        string destinationClient;
        uint64 sequence;
        Payload payload;
        bytes acknowledgement;
        address relayer;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct OnRecvPacketCallback {
        string sourceClient;
        string destinationClient;
        uint64 sequence;
        Payload payload;
        address relayer;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct OnTimeoutPacketCallback {
        string sourceClient;
        string destinationClient;
        uint64 sequence;
        Payload payload;
        address relayer;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Packet {
        uint64 sequence;
        string sourceClient;
        string destClient;
        uint64 timeoutTimestamp;
        Payload[] payloads;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Payload {
        string sourcePort;
        string destPort;
        string version;
        string encoding;
        bytes value;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct RelayBatch {
        string clientId;
        bytes update;
        uint64 proofHeight;
        bytes[] nodes;
        uint64 minGasPerMessage;
        RelayMessage[] messages;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct RelayMessage {
        Kind kind;
        Packet packet;
        bytes acknowledgement;
        uint16[] nodes;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct SendCall {
        string sourceClient;
        uint64 timeoutTimestamp;
        string receiver;
        bytes salt;
        bytes payload;
        string memo;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct SendTransfer {
        string sourceClient;
        string denom;
        uint256 amount;
        string receiver;
        uint64 timeoutTimestamp;
        string memo;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct TokenPacket {
        string denom;
        string sender;
        string receiver;
        uint256 amount;
        string memo;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Update {
        uint64 trustedHeight;
        address[] trustedValidators;
        bytes header;
        bytes[] accountProof;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Verified {
        address relayer;
        bytes32 clientHash;
        bytes32 counterpartyHash;
        uint256 timestampSeconds;
    }

    #[derive(Debug)]
    contract Router {
        constructor(address owner_);
        event AckPacket(string indexed clientId, uint256 indexed sequence, Packet packet, bytes acknowledgement);
        event ClientCreated(string clientId, string clientType, address client, address creator);
        event ClientRecovered(string clientId, address oldClient, address newClient);
        event ClientTypeRegistered(string clientType, address factory);
        event CounterpartyRegistered(string clientId, string counterpartyClientId);
        event IBCAppAdded(string portId, address app);
        event IBCAppRecvPacketCallbackError(bytes reason);
        event ICS02ClientAdded(string clientId, CounterpartyInfo counterpartyInfo, address client);
        event ICS02ClientMigrated(string clientId, CounterpartyInfo counterpartyInfo, address client);
        event ICS02ClientUpdated(string clientId, UpdateResult result);
        event ICS02MisbehaviourSubmitted(string clientId);
        event MessageResult(uint256 indexed index, Kind kind, uint64 sequence, MessageOutcome result, bytes reason);
        event Noop();
        event OwnershipTransferStarted(address indexed previousOwner, address indexed newOwner);
        event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
        event Paused(address account);
        event PortGasFloorSet(string portId, uint256 gasFloor);
        event RelayingOpened(bool open);
        event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
        event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);
        event SendPacket(string indexed clientId, uint256 indexed sequence, Packet packet);
        event TimeoutPacket(string indexed clientId, uint256 indexed sequence, Packet packet);
        event Unpaused(address account);
        event WriteAcknowledgement(string indexed clientId, uint256 indexed sequence, Packet packet, bytes[] acknowledgements);
        error AcknowledgementTooLarge(uint256 size);
        error ClientCallFailed(bytes reason);
        error ClientNotActive(uint8 status);
        error ClientStatusUnknown(address client);
        error ClientStillActive();
        error ClientTypeInvalid(string clientType);
        error ClientTypeUnknown(string clientType);
        error ContractExpected(address account);
        error CounterpartyAlreadyRegistered(string clientId);
        error CounterpartyInvalid();
        error EmptyPayloadField();
        error IBCAppNotFound(string portId);
        error IBCAsyncAcknowledgementNotSupported();
        error IBCClientAlreadyExists(string clientId);
        error IBCClientNotFound(string clientId);
        error IBCCounterpartyClientNotFound(string clientId);
        error IBCErrorUniversalAcknowledgement();
        error IBCFailedCallback();
        error IBCInvalidClientId(string clientId);
        error IBCInvalidCounterparty(string expected, string actual);
        error IBCInvalidPortIdentifier(string portId);
        error IBCInvalidTimeoutDuration(uint256 maxTimeoutDuration, uint256 actualTimeoutDuration);
        error IBCInvalidTimeoutTimestamp(uint256 timeoutTimestamp, uint256 comparedTimestamp);
        error IBCMultiPayloadPacketNotSupported();
        error IBCPacketCommitmentMismatch(bytes32 expected, bytes32 actual);
        error IBCPortAlreadyExists(string portId);
        error IBCUnauthorizedSender(address caller);
        error InsufficientGas(uint256 left, uint256 needed);
        error LineageUnknown(address client);
        error MinGasTooLow(uint256 promised, uint256 floor);
        error MissingRole(bytes32 role, address account);
        error NotClientCreator(address caller);
        error NotSelf();
        error OwnableInvalidOwner(address owner);
        error OwnableUnauthorizedAccount(address account);
        error PacketTooLarge(uint256 size);
        error OffsetInvalid();
        error PortGasFloorInvalid(uint256 found, uint256 least, uint256 most);
        error ProofNotAccepted();
        error Reentered();
        error RevisionMustBeZero(uint64 revisionNumber);
        error RouterNotPaused();
        error RouterPaused();
        error SequenceZero();
        error SubstituteOfAnotherChain(uint256 expected, uint256 found);
        error SubstituteOfAnotherStore(bytes32 expected, bytes32 found);
        error SubstituteOfAnotherType(bytes32 expected, bytes32 found);
        error SubstituteOlder(uint256 expected, uint256 found);
        error WrongClient(string expected, string actual);
        function ID_CUSTOMIZER_ROLE() external view returns (bytes32);
        function MESSAGE_GAS_FLOOR() external view returns (uint256);
        function PACKET_GAS_FLOOR() external view returns (uint256);
        function PAUSER_ROLE() external view returns (bytes32);
        function PORT_GAS_FLOOR_MAX() external view returns (uint256);
        function PORT_GAS_ROLE() external view returns (bytes32);
        function RECOVERER_ROLE() external view returns (bytes32);
        function RELAYER_ROLE() external view returns (bytes32);
        function acceptOwnership() external;
        function ackPacket(MsgAckPacket memory m) external;
        function addClient(string memory clientId, CounterpartyInfo memory info, address client) external returns (string memory);
        function addClient(CounterpartyInfo memory info, address client) external returns (string memory clientId);
        function addIBCApp(address app) external;
        function addIBCApp(string memory portId, address app) external;
        function createClient(string memory clientType, bytes memory init) external returns (string memory clientId);
        function getAckCommitment(string memory destClient, uint64 sequence) external view returns (bytes32);
        function getClient(string memory clientId) external view returns (address client);
        function getClientCreator(string memory clientId) external view returns (address);
        function getClientFactory(string memory clientType) external view returns (address);
        function getCommitment(bytes32 hashedPath) external view returns (bytes32);
        function getCounterparty(string memory clientId) external view returns (CounterpartyInfo memory info);
        function getIBCApp(string memory portId) external view returns (address app);
        function getNextClientSeq() external view returns (uint256);
        function getNextSequenceSend(string memory clientId) external view returns (uint64);
        function getPacketCommitment(string memory sourceClient, uint64 sequence) external view returns (bytes32);
        function getPortGasFloor(string memory portId) external view returns (uint256 floor);
        function getPacketReceipt(string memory destClient, uint64 sequence) external view returns (bytes32);
        function grantRole(bytes32 role, address account) external;
        function hasRole(bytes32 role, address account) external view returns (bool);
        function isPacketReceived(string memory destClient, uint64 sequence) external view returns (bool);
        function migrateClient(string memory clientId, CounterpartyInfo memory info, address client) external;
        function multicall(bytes[] memory calls) external returns (bytes[] memory results);
        function owner() external view returns (address);
        function pause() external;
        function paused() external view returns (bool);
        function pendingOwner() external view returns (address);
        function recoverClient(string memory clientId, address substitute) external;
        function recvPacket(MsgRecvPacket memory m) external;
        function registerClientType(string memory clientType, address factory) external;
        function registerCounterparty(string memory clientId, CounterpartyInfo memory info) external;
        function relayBatch(RelayBatch memory batch) external returns (MessageOutcome[] memory results);
        function relayOne(Verified memory v, RelayMessage memory m) external returns (MessageOutcome);
        function relayingOpen() external view returns (bool);
        function renounceOwnership() external;
        function revokeRole(bytes32 role, address account) external;
        function sendPacket(MsgSendPacket memory m) external returns (uint64 sequence);
        function setPortGasFloor(string memory portId, uint256 gasFloor) external;
        function setRelayingOpen(bool open) external;
        function submitMisbehaviour(string memory clientId, bytes memory misbehaviourMsg) external;
        function timeoutPacket(MsgTimeoutPacket memory m) external;
        function transferOwnership(address newOwner) external;
        function unpause() external;
        function updateClient(string memory clientId, bytes memory updateMsg) external returns (UpdateResult);
    }

    #[derive(Debug)]
    contract QbftLightClient {
        constructor(bytes memory init);
        event Frozen(uint64 height);
        event HeightTrusted(uint64 indexed height, uint64 timestamp, bytes32 storageRoot, bytes32 validatorsHash);
        event Recovered(uint64 height, address recoverer);
        error AccountAbsent();
        error AccountProof();
        error AccountRlp();
        error BeneficiaryNotValidator();
        error ClientFrozen();
        error Difficulty();
        error ExtraData();
        error HeaderConflict();
        error HeaderFields();
        error HeaderRlp();
        error HeaderTooLarge();
        error HeightNotNewer();
        error HeightTooOld();
        error InitInvalid();
        error MisbehaviourHeights();
        error MisbehaviourSame();
        error MixHash();
        error Nonce();
        error NotRecoverer(address caller);
        error Ommers();
        error Overlap(uint256 expected, uint256 found);
        error PathShape();
        error ProofAbsent();
        error ProofEmbeddedSize();
        error ProofEmpty();
        error ProofNodeHash();
        error ProofNodeMissing();
        error ProofNodeRlp();
        error ProofNodeUnused();
        error ProofPathEncoding();
        error ProofPresent();
        error ProofTooLarge();
        error ProofTruncated();
        error Quorum(uint256 expected, uint256 found);
        error RecoveryNotNeeded();
        error RevisionMustBeZero(uint64 revisionNumber);
        error RoundEncoding();
        error SealDuplicate();
        error SealLength();
        error SealNotValidator();
        error SealSignature();
        error TimeInFuture();
        error TimeNotNewer();
        error TrustedHeightUnknown();
        error TrustedValidators();
        error TrustingPeriod();
        error ValidatorContractMode();
        error ValidatorsDuplicate();
        error ValidatorsEmpty();
        error ValidatorsTooMany();
        error ValueEncoding();
        error ValueMismatch();
        function getBlockHash(uint64 height) external view returns (bytes16);
        function getClientState() external view returns (bytes memory);
        function getConsensusState(uint64 height) external view returns (ConsensusState memory);
        function hasConsensusState(uint64 height) external view returns (bool);
        function lineage() external view returns (bytes32 clientType, uint256 chainId, bytes32 store, uint256 height);
        function misbehaviour(bytes memory misbehaviourMsg) external;
        function recover(uint64 height, ConsensusState memory state) external;
        function recoverer() external view returns (address);
        function status() external view returns (ClientStatus);
        function updateClient(bytes memory updateMsg) external returns (UpdateResult);
        function verifyBatch(uint64 height, bytes[] memory nodes, BatchItem[] memory items) external view returns (uint256 timestampSeconds, bool[] memory ok);
        function verifyMembership(MsgVerifyMembership memory m) external view returns (uint256);
        function verifyNonMembership(MsgVerifyNonMembership memory m) external view returns (uint256);
    }

    #[derive(Debug)]
    contract QbftLightClientFactory {
        constructor(uint8 kind_);
        error WrongKind(uint8 expected, uint8 found);
        function create(address, bytes memory init) external returns (address client);
        function kind() external view returns (uint8);
    }

    #[derive(Debug)]
    contract TokenTransfer {
        constructor(address router_);
        event TransferReceived(string destClient, uint64 indexed sequence, address indexed receiver, address token, uint256 amount);
        event TransferRefunded(string sourceClient, uint64 indexed sequence, address indexed sender, uint256 amount);
        event TransferSent(string sourceClient, uint64 indexed sequence, address indexed sender, string denom, uint256 amount);
        event VoucherCreated(string denom, address voucher);
        error AddressEmptyCode(address target);
        error AddressInsufficientBalance(address account);
        error AmountZero();
        error DenomUnknown(string denom);
        error ERC1167FailedCreateClone();
        error EscrowTooSmall(uint256 held, uint256 asked);
        error FailedInnerCall();
        error NotRouter(address caller);
        error ReceiverInvalid(string receiver);
        error SafeERC20FailedOperation(address token);
        error SenderInvalid(string sender);
        error TokenShort(uint256 expected, uint256 received);
        error UnexpectedEncoding(string encoding);
        error UnexpectedPort(string port);
        error UnexpectedVersion(string version);
        function ENCODING() external view returns (string memory);
        function PORT() external view returns (string memory);
        function VERSION() external view returns (string memory);
        function escrowed(string memory clientId, address token) external view returns (uint256);
        function isVoucher(address token) external view returns (bool);
        function onAcknowledgementPacket(OnAcknowledgementPacketCallback memory m) external;
        function onRecvPacket(OnRecvPacketCallback memory m) external returns (bytes memory);
        function onTimeoutPacket(OnTimeoutPacketCallback memory m) external;
        function router() external view returns (address);
        function sendTransfer(SendTransfer memory m) external returns (uint64 sequence);
        function voucherImplementation() external view returns (address);
        function voucherOf(string memory denom) external view returns (address voucher);
    }

    #[derive(Debug)]
    contract Voucher {
        event Approval(address indexed owner, address indexed spender, uint256 value);
        event Transfer(address indexed from, address indexed to, uint256 value);
        error AlreadyNamed();
        error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        error ERC20InvalidApprover(address approver);
        error ERC20InvalidReceiver(address receiver);
        error ERC20InvalidSender(address sender);
        error ERC20InvalidSpender(address spender);
        error NotTransferApp(address caller);
        function allowance(address owner, address spender) external view returns (uint256);
        function app() external view returns (address);
        function approve(address spender, uint256 value) external returns (bool);
        function balanceOf(address account) external view returns (uint256);
        function burn(address from, uint256 amount) external;
        function decimals() external view returns (uint8);
        function denom() external view returns (string memory);
        function initialize(string memory denom_) external;
        function mint(address to, uint256 amount) external;
        function name() external view returns (string memory);
        function symbol() external view returns (string memory);
        function totalSupply() external view returns (uint256);
        function transfer(address to, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);
    }

    #[derive(Debug)]
    contract MessageGateway {
        constructor(address router_);
        event AccountCreated(address account, string clientId, string sender, bytes salt);
        event CallExecuted(string destClient, uint64 indexed sequence, address indexed account, address receiver);
        event CallFinished(string sourceClient, uint64 indexed sequence, address indexed sender, bool success);
        event CallSent(string sourceClient, uint64 indexed sequence, address indexed sender);
        event CallTimedOut(string sourceClient, uint64 indexed sequence, address indexed sender);
        event CallbackFailed(string sourceClient, uint64 indexed sequence, address indexed sender, bytes reason);
        error ERC1167FailedCreateClone();
        error InsufficientGas(uint256 left, uint256 needed);
        error NotRouter(address caller);
        error PayloadEmpty();
        error ReceiverInvalid(string receiver);
        error SenderInvalid(string sender);
        error UnexpectedEncoding(string encoding);
        error UnexpectedPort(string port);
        error UnexpectedVersion(string version);
        function CALLBACK_GAS() external view returns (uint256);
        function ENCODING() external view returns (string memory);
        function PORT() external view returns (string memory);
        function VERSION() external view returns (string memory);
        function accountImplementation() external view returns (address);
        function accountOf(string memory clientId, string memory sender, bytes memory salt) external view returns (address);
        function decodeResult(bytes memory acknowledgement) external pure returns (bytes memory);
        function onAcknowledgementPacket(OnAcknowledgementPacketCallback memory m) external;
        function onRecvPacket(OnRecvPacketCallback memory m) external returns (bytes memory);
        function onTimeoutPacket(OnTimeoutPacketCallback memory m) external;
        function router() external view returns (address);
        function sendCall(SendCall memory m) external returns (uint64 sequence);
    }

    #[derive(Debug)]
    contract CallAccount {
        error NoCode(address receiver);
        error NotGateway(address caller);
        error ResultTooLarge(uint256 size);
        function MAX_RESULT() external view returns (uint256);
        function execute(address receiver, bytes memory payload) external returns (bytes memory);
        function gateway() external view returns (address);
    }

    #[derive(Debug)]
    contract TestToken {
        constructor(string memory name_, string memory symbol_);
        event Approval(address indexed owner, address indexed spender, uint256 value);
        event Transfer(address indexed from, address indexed to, uint256 value);
        error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        error ERC20InvalidApprover(address approver);
        error ERC20InvalidReceiver(address receiver);
        error ERC20InvalidSender(address sender);
        error ERC20InvalidSpender(address spender);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 value) external returns (bool);
        function balanceOf(address account) external view returns (uint256);
        function decimals() external view returns (uint8);
        function mint(address to, uint256 amount) external;
        function name() external view returns (string memory);
        function symbol() external view returns (string memory);
        function totalSupply() external view returns (uint256);
        function transfer(address to, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);
    }

    #[derive(Debug)]
    contract Echo {
        event Answered(address indexed caller, bytes data);
        error Refused(string reason);
        function answers() external view returns (uint256);
        function burn() external pure;
        function echo(bytes memory data) external returns (bytes memory);
        function fail(string memory reason) external pure;
        function failSilently() external pure;
        function failures() external view returns (uint256);
        function flood(uint256 size) external pure;
        function lastResult() external view returns (bytes memory);
        function onMessageResult(string memory, uint64, bool success, bytes memory result) external;
        function onMessageTimeout(string memory, uint64) external;
        function results() external view returns (uint256);
        function send(address gateway, SendCall memory call) external returns (uint64);
        function setStubborn(bool stubborn_) external;
        function stubborn() external view returns (bool);
        function timeouts() external view returns (uint256);
        function work(uint256 rounds) external pure returns (bytes32 hash);
        function workOrExplain(uint256 rounds) external view returns (bytes32);
    }

    #[derive(Debug)]
    contract RawSender {
        constructor(address router_);
        error NotRouter(address caller);
        error NothingIsReceivedHere();
        function onAcknowledgementPacket(OnAcknowledgementPacketCallback memory m) external;
        function onRecvPacket(OnRecvPacketCallback memory m) external view returns (bytes memory);
        function onTimeoutPacket(OnTimeoutPacketCallback memory m) external;
        function returned() external view returns (uint256);
        function router() external view returns (address);
        function send(MsgSendPacket memory m) external returns (uint64 sequence);
    }

    #[derive(Debug)]
    contract TrieHarness {
        function valid(bytes memory data) external pure returns (bool);
        function walk(bytes32 root, bytes32 key, uint256 nibbles, bytes[] memory nodes) external pure returns (uint8 outcome, bytes memory value);
    }

    #[derive(Debug)]
    contract HostileApp {
        error Told();
        function ack() external view returns (bytes memory);
        function acks() external view returns (uint256);
        function arm(address target_, bytes memory plan_) external;
        function calls() external view returns (uint256);
        function lastAnswer() external view returns (bytes memory);
        function lastOk() external view returns (bool);
        function lastRelayer() external view returns (address);
        function mode() external view returns (uint8);
        function onAcknowledgementPacket(OnAcknowledgementPacketCallback memory m) external;
        function onRecvPacket(OnRecvPacketCallback memory m) external returns (bytes memory);
        function onTimeoutPacket(OnTimeoutPacketCallback memory m) external;
        function plan() external view returns (bytes memory);
        function send(address router, MsgSendPacket memory m) external returns (uint64);
        function setAck(bytes memory ack_) external;
        function setMode(uint8 mode_) external;
        function target() external view returns (address);
        function timeouts() external view returns (uint256);
    }

    #[derive(Debug)]
    contract HostileClient {
        function getClientState() external pure returns (bytes memory);
        function misbehaviour(bytes memory) external;
        function mode() external view returns (uint256);
        function setMode(uint256 mode_) external;
        function setStatus(ClientStatus status_) external;
        function status() external view returns (ClientStatus);
        function timestamp() external view returns (uint256);
        function updateClient(bytes memory) external view returns (UpdateResult);
        function verifyBatch(uint64, bytes[] memory, BatchItem[] memory items) external view returns (uint256, bool[] memory ok);
        function verifyMembership(MsgVerifyMembership memory) external view returns (uint256);
        function verifyNonMembership(MsgVerifyNonMembership memory) external view returns (uint256);
    }
}
