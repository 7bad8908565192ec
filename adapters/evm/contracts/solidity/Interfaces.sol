// SPDX-License-Identifier: Apache-2.0
// The structures, events and errors of IBC v2 as `cosmos/solidity-ibc-eureka` names them, and what Causeway adds (docs/evm-formats.md).
pragma solidity 0.8.37;

struct Height {
    uint64 revisionNumber;
    uint64 revisionHeight;
}

struct Payload {
    string sourcePort;
    string destPort;
    string version;
    string encoding;
    bytes value;
}

struct Packet {
    uint64 sequence;
    string sourceClient;
    string destClient;
    uint64 timeoutTimestamp;
    Payload[] payloads;
}

struct CounterpartyInfo {
    string clientId;
    bytes[] merklePrefix;
}

/// A packet without what the router fills in: sequence and destination client.
struct MsgSendPacket {
    string sourceClient;
    uint64 timeoutTimestamp;
    Payload payload;
}

struct MsgRecvPacket {
    Packet packet;
    bytes proofCommitment;
    Height proofHeight;
}

struct MsgAckPacket {
    Packet packet;
    bytes acknowledgement;
    bytes proofAcked;
    Height proofHeight;
}

struct MsgTimeoutPacket {
    Packet packet;
    bytes proofTimeout;
    Height proofHeight;
}

struct MsgVerifyMembership {
    bytes proof;
    Height proofHeight;
    bytes[] path;
    bytes value;
}

struct MsgVerifyNonMembership {
    bytes proof;
    Height proofHeight;
    bytes[] path;
}

enum UpdateResult {
    Update,
    Misbehaviour,
    NoOp
}

enum ClientStatus {
    Active,
    Frozen,
    Expired
}

interface ILightClient {
    function updateClient(bytes calldata updateMsg) external returns (UpdateResult);
    function verifyMembership(MsgVerifyMembership calldata msg_) external returns (uint256);
    function verifyNonMembership(MsgVerifyNonMembership calldata msg_) external returns (uint256);
    function misbehaviour(bytes calldata misbehaviourMsg) external;
    function getClientState() external view returns (bytes memory);
}

/// One proven fact of a batch. A zero value asks for absence.
struct BatchItem {
    bytes path;
    bytes32 value;
    uint16[] nodes;
}

/// What a light client offers beyond `ILightClient`, so that its proofs can be checked together.
interface IBatchLightClient {
    function verifyBatch(uint64 height, bytes[] calldata nodes, BatchItem[] calldata items)
        external
        returns (uint256 timestampSeconds, bool[] memory ok);
    function status() external view returns (ClientStatus);
}

/// What a client must tell so that a substitute can take its place: which chain it follows and how far it got.
interface IRecoverableClient {
    /// The client type's name, the counterparty's chain, where on it the commitments are, and the latest height. `store` of a chain
    /// with routers is the router's address, left-aligned.
    function lineage() external view returns (bytes32 clientType, uint256 chainId, bytes32 store, uint256 height);
}

/// Creates the light client contracts of one client type.
interface IClientFactory {
    function create(address router, bytes calldata init) external returns (address client);
}

interface IIBCAppCallbacks {
    struct OnRecvPacketCallback {
        string sourceClient;
        string destinationClient;
        uint64 sequence;
        Payload payload;
        address relayer;
    }

    struct OnAcknowledgementPacketCallback {
        string sourceClient;
        string destinationClient;
        uint64 sequence;
        Payload payload;
        bytes acknowledgement;
        address relayer;
    }

    struct OnTimeoutPacketCallback {
        string sourceClient;
        string destinationClient;
        uint64 sequence;
        Payload payload;
        address relayer;
    }
}

interface IIBCApp is IIBCAppCallbacks {
    function onRecvPacket(OnRecvPacketCallback calldata msg_) external returns (bytes memory);
    function onAcknowledgementPacket(OnAcknowledgementPacketCallback calldata msg_) external;
    function onTimeoutPacket(OnTimeoutPacketCallback calldata msg_) external;
}

/// What the applications use of the router.
interface IPacketSender {
    function sendPacket(MsgSendPacket calldata msg_) external returns (uint64 sequence);
}

/// The events and errors of the upstream router, byte for byte, and those that Causeway adds.
interface IRouterEvents {
    enum Kind {
        Recv,
        Ack,
        Timeout
    }

    enum Result {
        Applied,
        Noop,
        ErrorAck,
        Failed
    }

    struct RelayMessage {
        Kind kind;
        Packet packet;
        bytes acknowledgement;
        uint16[] nodes;
    }

    struct RelayBatch {
        string clientId;
        bytes update;
        uint64 proofHeight;
        bytes[] nodes;
        uint64 minGasPerMessage;
        RelayMessage[] messages;
    }

    event SendPacket(string indexed clientId, uint256 indexed sequence, Packet packet);
    event WriteAcknowledgement(
        string indexed clientId, uint256 indexed sequence, Packet packet, bytes[] acknowledgements
    );
    event AckPacket(string indexed clientId, uint256 indexed sequence, Packet packet, bytes acknowledgement);
    event TimeoutPacket(string indexed clientId, uint256 indexed sequence, Packet packet);
    event Noop();
    event IBCAppRecvPacketCallbackError(bytes reason);
    event IBCAppAdded(string portId, address app);

    event ICS02ClientAdded(string clientId, CounterpartyInfo counterpartyInfo, address client);
    event ICS02ClientUpdated(string clientId, UpdateResult result);
    event ICS02ClientMigrated(string clientId, CounterpartyInfo counterpartyInfo, address client);
    event ICS02MisbehaviourSubmitted(string clientId);

    event ClientTypeRegistered(string clientType, address factory);
    event ClientCreated(string clientId, string clientType, address client, address creator);
    event CounterpartyRegistered(string clientId, string counterpartyClientId);
    event ClientRecovered(string clientId, address oldClient, address newClient);
    event MessageResult(uint256 indexed index, Kind kind, uint64 sequence, Result result, bytes reason);

    event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
    event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);
    event RelayingOpened(bool open);
    /// A port's application must be given this much gas from now on.
    event PortGasFloorSet(string portId, uint256 gasFloor);
    event Paused(address account);
    event Unpaused(address account);

    error IBCPortAlreadyExists(string portId);
    error IBCInvalidPortIdentifier(string portId);
    error IBCInvalidTimeoutTimestamp(uint256 timeoutTimestamp, uint256 comparedTimestamp);
    error IBCInvalidTimeoutDuration(uint256 maxTimeoutDuration, uint256 actualTimeoutDuration);
    error IBCInvalidCounterparty(string expected, string actual);
    error IBCAsyncAcknowledgementNotSupported();
    error IBCErrorUniversalAcknowledgement();
    error IBCPacketCommitmentMismatch(bytes32 expected, bytes32 actual);
    error IBCAppNotFound(string portId);
    error IBCUnauthorizedSender(address caller);
    error IBCMultiPayloadPacketNotSupported();
    error IBCFailedCallback();
    error IBCClientNotFound(string clientId);
    error IBCCounterpartyClientNotFound(string clientId);
    error IBCInvalidClientId(string clientId);
    error IBCClientAlreadyExists(string clientId);

    /// The client refused the update or the proof, or answered something that is not an answer.
    error ClientCallFailed(bytes reason);
    error ClientTypeUnknown(string clientType);
    error ClientTypeInvalid(string clientType);
    error ClientNotActive(uint8 status);
    error ClientStillActive();
    /// The client gives no status, so that nobody can say that it expired or froze; the owner can migrate it.
    error ClientStatusUnknown(address client);
    /// The client does not tell which chain it follows; the owner can migrate it.
    error LineageUnknown(address client);
    error SubstituteOfAnotherType(bytes32 expected, bytes32 found);
    error SubstituteOfAnotherChain(uint256 expected, uint256 found);
    error SubstituteOfAnotherStore(bytes32 expected, bytes32 found);
    error SubstituteOlder(uint256 expected, uint256 found);
    error PortGasFloorInvalid(uint256 found, uint256 least, uint256 most);
    error CounterpartyAlreadyRegistered(string clientId);
    error CounterpartyInvalid();
    error ContractExpected(address account);
    error NotClientCreator(address caller);
    error NotSelf();
    error MissingRole(bytes32 role, address account);
    error Reentered();
    error RouterPaused();
    error RouterNotPaused();
    /// The batch promises less gas a message than the router demands.
    error MinGasTooLow(uint256 promised, uint256 floor);
    /// Too little gas was left for this message; nothing was written, so it can be tried again.
    error InsufficientGas(uint256 left, uint256 needed);
    error ProofNotAccepted();
    /// An offset in the message points out of it.
    error OffsetInvalid();
    error AcknowledgementTooLarge(uint256 size);
    error WrongClient(string expected, string actual);
    error PacketTooLarge(uint256 size);
    error RevisionMustBeZero(uint64 revisionNumber);
    error SequenceZero();
    error EmptyPayloadField();
}
