// SPDX-License-Identifier: Apache-2.0
// The clients of the router: types and creation, counterparties, updates, misbehaviour, migration, recovery.
// A client's address is hostile code until somebody chooses to trust it (refuse.md C3): gas and return data are capped.
pragma solidity 0.8.37;

import {CappedCall} from "./CappedCall.sol";
import {
    ClientStatus,
    CounterpartyInfo,
    IBatchLightClient,
    IClientFactory,
    ILightClient,
    IRecoverableClient,
    UpdateResult
} from "./Interfaces.sol";
import {RouterAccess} from "./RouterAccess.sol";

abstract contract RouterClients is RouterAccess {
    /// What a call into a light client may use.
    uint256 internal constant CLIENT_GAS_CAP = 25_000_000;
    uint256 internal constant STATUS_GAS_CAP = 100_000;
    /// What is kept of a reason to revert.
    uint256 internal constant REASON_CAP = 256;
    uint256 private constant MAX_PREFIX_ELEMENTS = 32;
    uint256 private constant MAX_PREFIX_ELEMENT = 256;

    /// ERC-7201 `ibc.storage.ICS02Client`.
    bytes32 private constant ICS02CLIENT_STORAGE_SLOT =
        0x515a8336edcaab4ae6524d41223c1782132890f89189ba6632107a7b5a449600;

    struct ClientStorage {
        mapping(string clientId => address) clients;
        mapping(string clientId => CounterpartyInfo) counterparties;
        uint256 nextClientSeq;
        mapping(string clientType => address) factories;
        mapping(string clientId => address) creators;
    }

    function _clients() internal pure returns (ClientStorage storage $) {
        assembly {
            $.slot := ICS02CLIENT_STORAGE_SLOT
        }
    }

    // Reading

    function getClient(string calldata clientId) public view returns (address client) {
        client = _clients().clients[clientId];
        if (client == address(0)) revert IBCClientNotFound(clientId);
    }

    function getCounterparty(string calldata clientId) public view returns (CounterpartyInfo memory info) {
        info = _clients().counterparties[clientId];
        if (bytes(info.clientId).length == 0) revert IBCCounterpartyClientNotFound(clientId);
    }

    function getNextClientSeq() external view returns (uint256) {
        return _clients().nextClientSeq;
    }

    /// The factory of a client type; zero when there is none.
    function getClientFactory(string calldata clientType) external view returns (address) {
        return _clients().factories[clientType];
    }

    /// Who created a client, and so may register its counterparty.
    function getClientCreator(string calldata clientId) external view returns (address) {
        return _clients().creators[clientId];
    }

    // Creating

    /// Adds a client type. Its name becomes the first part of client ids.
    function registerClientType(string calldata clientType, address factory) external onlyOwner {
        bytes calldata name = bytes(clientType);
        if (name.length < 2 || name.length > 32) revert ClientTypeInvalid(clientType);
        for (uint256 i = 0; i < name.length; ++i) {
            bytes1 c = name[i];
            if (!(c >= "a" && c <= "z") && !(c >= "0" && c <= "9")) revert ClientTypeInvalid(clientType);
        }
        bytes32 hash = keccak256(name);
        if (hash == keccak256("client") || hash == keccak256("channel")) revert ClientTypeInvalid(clientType);
        if (factory.code.length == 0) revert ContractExpected(factory);
        _clients().factories[clientType] = factory;
        emit ClientTypeRegistered(clientType, factory);
    }

    /// Creates a light client and its id, `<clientType>-<n>`. The counterparty follows by `registerCounterparty`.
    function createClient(string calldata clientType, bytes calldata init)
        external
        nonReentrant
        whenNotPaused
        returns (string memory clientId)
    {
        address factory = _clients().factories[clientType];
        if (factory == address(0)) revert ClientTypeUnknown(clientType);
        address client = IClientFactory(factory).create(address(this), init);
        clientId = _nextClientId(clientType);
        _setClient(clientId, client);
        emit ClientCreated(clientId, clientType, client, msg.sender);
    }

    /// Names the counterparty of a client that the caller created; once.
    function registerCounterparty(string calldata clientId, CounterpartyInfo calldata info) external nonReentrant {
        if (msg.sender != _clients().creators[clientId]) revert NotClientCreator(msg.sender);
        if (bytes(_clients().counterparties[clientId].clientId).length != 0) {
            revert CounterpartyAlreadyRegistered(clientId);
        }
        _setCounterparty(clientId, info);
        emit CounterpartyRegistered(clientId, info.clientId);
    }

    /// Adds a client of anybody's making; its id is `client-<n>`. Open to all: escrow is kept by client.
    function addClient(CounterpartyInfo calldata info, address client)
        external
        nonReentrant
        returns (string memory clientId)
    {
        clientId = _nextClientId("client");
        _add(clientId, info, client);
    }

    /// The same under a chosen id.
    function addClient(string calldata clientId, CounterpartyInfo calldata info, address client)
        external
        nonReentrant
        onlyRole(ID_CUSTOMIZER_ROLE)
        returns (string memory)
    {
        if (!_validIdentifier(bytes(clientId))) revert IBCInvalidClientId(clientId);
        _add(clientId, info, client);
        return clientId;
    }

    function _add(string memory clientId, CounterpartyInfo calldata info, address client) private {
        _setClient(clientId, client);
        _setCounterparty(clientId, info);
        emit ICS02ClientAdded(clientId, info, client);
    }

    function _setClient(string memory clientId, address client) private {
        ClientStorage storage $ = _clients();
        if (client.code.length == 0) revert ContractExpected(client);
        if ($.clients[clientId] != address(0)) revert IBCClientAlreadyExists(clientId);
        $.clients[clientId] = client;
        $.creators[clientId] = msg.sender;
    }

    function _setCounterparty(string memory clientId, CounterpartyInfo calldata info) private {
        uint256 elements = info.merklePrefix.length;
        uint256 idSize = bytes(info.clientId).length;
        if (idSize == 0 || idSize > 128 || elements == 0 || elements > MAX_PREFIX_ELEMENTS) {
            revert CounterpartyInvalid();
        }
        for (uint256 i = 0; i < elements; ++i) {
            if (info.merklePrefix[i].length > MAX_PREFIX_ELEMENT) revert CounterpartyInvalid();
        }
        // Field by field: the compiler copies no nested calldata arrays to storage in one piece everywhere.
        CounterpartyInfo storage held = _clients().counterparties[clientId];
        held.clientId = info.clientId;
        delete held.merklePrefix;
        for (uint256 i = 0; i < elements; ++i) {
            held.merklePrefix.push(info.merklePrefix[i]);
        }
    }

    /// The next free id. A chosen id may already look like one of these; it is passed over.
    function _nextClientId(string memory clientType) private returns (string memory id) {
        ClientStorage storage $ = _clients();
        do {
            id = string.concat(clientType, "-", _decimal($.nextClientSeq++));
        } while ($.clients[id] != address(0));
    }

    /// 4 to 128 characters of [a-zA-Z0-9._+-#[]<>], not beginning like an automatic id.
    function _validIdentifier(bytes calldata id) internal pure returns (bool) {
        if (id.length < 4 || id.length > 128) return false;
        if (id.length >= 8 && bytes8(id[:8]) == "channel-") return false;
        if (id.length >= 7 && bytes7(id[:7]) == "client-") return false;
        for (uint256 i = 0; i < id.length; ++i) {
            bytes1 c = id[i];
            bool letter = (c >= "a" && c <= "z") || (c >= "A" && c <= "Z") || (c >= "0" && c <= "9");
            bool sign = c == "." || c == "_" || c == "+" || c == "-" || c == "#" || c == "[" || c == "]" || c == "<"
                || c == ">";
            if (!letter && !sign) return false;
        }
        return true;
    }

    function _decimal(uint256 value) private pure returns (string memory) {
        uint256 digits = 1;
        for (uint256 rest = value / 10; rest != 0; rest /= 10) {
            ++digits;
        }
        bytes memory text = new bytes(digits);
        while (digits != 0) {
            text[--digits] = bytes1(uint8(48 + value % 10));
            value /= 10;
        }
        return string(text);
    }

    // Keeping

    function updateClient(string calldata clientId, bytes calldata updateMsg)
        external
        nonReentrant
        onlyRelayer
        returns (UpdateResult)
    {
        return _update(clientId, getClient(clientId), updateMsg);
    }

    function _update(string calldata clientId, address client, bytes calldata updateMsg)
        internal
        returns (UpdateResult result)
    {
        (bool ok,, bytes memory answer) =
            CappedCall.call(client, CLIENT_GAS_CAP, abi.encodeCall(ILightClient.updateClient, (updateMsg)), REASON_CAP);
        if (!ok) CappedCall.bubble(answer);
        uint256 word = CappedCall.word(answer);
        if (answer.length < 32 || word > uint256(type(UpdateResult).max)) revert ClientCallFailed(answer);
        result = UpdateResult(word);
        emit ICS02ClientUpdated(clientId, result);
    }

    function submitMisbehaviour(string calldata clientId, bytes calldata misbehaviourMsg) external nonReentrant {
        (bool ok,, bytes memory answer) = CappedCall.call(
            getClient(clientId), CLIENT_GAS_CAP, abi.encodeCall(ILightClient.misbehaviour, (misbehaviourMsg)), REASON_CAP
        );
        if (!ok) CappedCall.bubble(answer);
        emit ICS02MisbehaviourSubmitted(clientId);
    }

    /// Replaces a client and its counterparty; the owner answers for it.
    function migrateClient(string calldata clientId, CounterpartyInfo calldata info, address client)
        external
        nonReentrant
        onlyOwner
    {
        getClient(clientId);
        if (client.code.length == 0) revert ContractExpected(client);
        _clients().clients[clientId] = client;
        _setCounterparty(clientId, info);
        emit ICS02ClientMigrated(clientId, info, client);
    }

    /// Puts an active substitute in the place of a client that expired or froze. Id, counterparty and packets stay, so the substitute
    /// must be of the same type, follow the same router of the same chain, and be no older than one that expired. One that froze may
    /// hold a forged height that the chain never reaches.
    function recoverClient(string calldata clientId, address substitute)
        external
        nonReentrant
        onlyRole(RECOVERER_ROLE)
    {
        address old = getClient(clientId);
        uint8 state = _status(old);
        if (state == uint8(ClientStatus.Active)) revert ClientStillActive();
        if (state > uint8(ClientStatus.Expired)) revert ClientStatusUnknown(old);
        bool frozen = state == uint8(ClientStatus.Frozen);
        if (substitute.code.length == 0) revert ContractExpected(substitute);
        state = _status(substitute);
        if (state != uint8(ClientStatus.Active)) revert ClientNotActive(state);
        _checkLineage(old, substitute, frozen);
        _clients().clients[clientId] = substitute;
        emit ClientRecovered(clientId, old, substitute);
    }

    function _checkLineage(address old, address substitute, bool anyHeight) private view {
        (bytes32 clientType, uint256 chainId, bytes32 store, uint256 height) = _lineage(old);
        (bytes32 foundType, uint256 foundChain, bytes32 foundStore, uint256 foundHeight) = _lineage(substitute);
        if (foundType != clientType) revert SubstituteOfAnotherType(clientType, foundType);
        if (foundChain != chainId) revert SubstituteOfAnotherChain(chainId, foundChain);
        if (foundStore != store) revert SubstituteOfAnotherStore(store, foundStore);
        if (!anyHeight && foundHeight < height) revert SubstituteOlder(height, foundHeight);
    }

    function _lineage(address client) private view returns (bytes32, uint256, bytes32, uint256) {
        (bool ok,, bytes memory answer) =
            CappedCall.view_(client, STATUS_GAS_CAP, abi.encodeCall(IRecoverableClient.lineage, ()), 128);
        if (!ok || answer.length != 128) revert LineageUnknown(client);
        return abi.decode(answer, (bytes32, uint256, bytes32, uint256));
    }

    /// A client's status; 255 when it gives none.
    function _status(address client) internal view returns (uint8) {
        (bool ok,, bytes memory answer) =
            CappedCall.view_(client, STATUS_GAS_CAP, abi.encodeCall(IBatchLightClient.status, ()), 32);
        uint256 word = CappedCall.word(answer);
        return ok && answer.length == 32 && word < 255 ? uint8(word) : 255;
    }
}
