// SPDX-License-Identifier: Apache-2.0
// Light client of a QBFT or IBFT2 chain. It follows headers sealed by the chain's validators and proves what the counterparty
// router's storage holds. It keeps two slots a height; validators come as a witness and are checked against a hash.
pragma solidity 0.8.37;

import {
    BatchItem,
    ClientStatus,
    IBatchLightClient,
    ILightClient,
    IRecoverableClient,
    MsgVerifyMembership,
    MsgVerifyNonMembership,
    UpdateResult
} from "./Interfaces.sol";
import {QbftHeader} from "./QbftHeader.sol";
import {Rlp} from "./Rlp.sol";
import {Rules} from "./Rules.sol";
import {Trie} from "./Trie.sol";

contract QbftLightClient is ILightClient, IBatchLightClient, IRecoverableClient, Rules {
    struct ClientState {
        uint8 kind;
        uint64 chainId;
        address router;
        uint64 latestHeight;
        uint64 trustingPeriodSeconds;
        uint64 maxClockDriftSeconds;
        bool frozen;
    }

    struct ConsensusState {
        uint64 timestamp;
        bytes32 storageRoot;
        bytes32 validatorsHash;
    }

    struct Init {
        ClientState clientState;
        ConsensusState consensusState;
        address recoverer;
    }

    struct Update {
        uint64 trustedHeight;
        address[] trustedValidators;
        bytes header;
        bytes[] accountProof;
    }

    struct Misbehaviour {
        Update a;
        Update b;
    }

    /// One height: the storage root in one slot, the rest in the other. The block hash is cut to 128 bits; it is only ever
    /// compared with the hash of another header that the same validators sealed, and `misbehaviour` compares whole hashes.
    /// `back` leads to the next lower height that is held; zero at the lowest, and where the distance does not fit.
    struct Trusted {
        bytes32 storageRoot;
        uint64 timestamp;
        uint32 setIndex;
        uint32 back;
        bytes16 blockHash;
    }

    event Frozen(uint64 height);
    event Recovered(uint64 height, address recoverer);
    event HeightTrusted(uint64 indexed height, uint64 timestamp, bytes32 storageRoot, bytes32 validatorsHash);

    error InitInvalid();
    error NotRecoverer(address caller);
    error RecoveryNotNeeded();
    error RevisionMustBeZero(uint64 revisionNumber);

    /// The mapping of commitments in the counterparty router: ERC-7201 `ibc.storage.IBCStore`.
    bytes32 private constant IBCSTORE_STORAGE_SLOT =
        0x1260944489272988d9df285149b5aa1b0f48f2136d6f416159f840a3e0747600;
    bytes32 private constant EMPTY_CODE_HASH = 0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470;
    /// The most trie nodes a call may bring.
    uint256 private constant MAX_NODES = 65536;
    /// The most held heights that may lie above a gap that is filled: the way down to it is walked.
    uint256 private constant MAX_HEIGHTS_ABOVE = 1024;

    uint8 private immutable KIND;
    uint64 private immutable CHAIN_ID;
    /// The counterparty's router, whose account proofs are checked.
    address private immutable ROUTER;
    uint64 private immutable TRUSTING_PERIOD;
    uint64 private immutable MAX_DRIFT;
    /// Who may restart this client after it expired or froze; nobody when zero. refuse.md C8.
    address public immutable recoverer;

    uint64 private latestHeight;
    uint64 private latestTimestamp;
    uint32 private setCount;
    /// A recovery starts a new one, so that states from before (a fork's, perhaps) no longer count.
    uint32 private epoch;
    bool private frozen;

    mapping(uint256 epochAndHeight => Trusted) private states;
    mapping(uint256 index => bytes32 validatorsHash) private sets;
    mapping(bytes32 validatorsHash => uint256 indexPlusOne) private setIndices;

    constructor(bytes memory init) {
        Init memory i = abi.decode(init, (Init));
        ClientState memory c = i.clientState;
        if (
            c.kind > QbftHeader.IBFT2 || c.router == address(0) || c.latestHeight == 0 || c.latestHeight >> 63 != 0
                || c.trustingPeriodSeconds == 0 || c.trustingPeriodSeconds >> 62 != 0
                || c.maxClockDriftSeconds >> 62 != 0 || c.frozen
        ) revert InitInvalid();
        KIND = c.kind;
        CHAIN_ID = c.chainId;
        ROUTER = c.router;
        TRUSTING_PERIOD = c.trustingPeriodSeconds;
        MAX_DRIFT = c.maxClockDriftSeconds;
        recoverer = i.recoverer;
        _restart(c.latestHeight, i.consensusState);
    }

    // Reading

    function getClientState() external view returns (bytes memory) {
        return abi.encode(ClientState(KIND, CHAIN_ID, ROUTER, latestHeight, TRUSTING_PERIOD, MAX_DRIFT, frozen));
    }

    /// The trusted state of a height.
    function getConsensusState(uint64 height) external view returns (ConsensusState memory) {
        Trusted memory t = _trusted(height);
        return ConsensusState(t.timestamp, t.storageRoot, sets[t.setIndex]);
    }

    /// Whether the height can be proven at.
    function hasConsensusState(uint64 height) external view returns (bool) {
        return states[_key(height)].timestamp != 0;
    }

    /// The first 16 bytes of the block hash of a trusted height; zero for the height the client started from.
    function getBlockHash(uint64 height) external view returns (bytes16) {
        return _trusted(height).blockHash;
    }

    /// What a substitute of this client must share with it, and how far it got.
    function lineage() external view returns (bytes32 clientType, uint256 chainId, bytes32 store, uint256 height) {
        return (KIND == QbftHeader.IBFT2 ? bytes32("ibft2") : bytes32("qbft"), CHAIN_ID, bytes32(bytes20(ROUTER)), latestHeight);
    }

    function status() public view returns (ClientStatus) {
        if (frozen) return ClientStatus.Frozen;
        return block.timestamp > uint256(latestTimestamp) + TRUSTING_PERIOD ? ClientStatus.Expired : ClientStatus.Active;
    }

    // Following the chain

    function updateClient(bytes calldata updateMsg) external returns (UpdateResult) {
        if (frozen) revert ClientFrozen();
        Update calldata u;
        assembly {
            u := add(updateMsg.offset, calldataload(updateMsg.offset))
        }
        (QbftHeader.Header memory h, uint256 needed, uint256 overlap) = _verifyHeader(u);
        uint256 key = _key(h.number);
        Trusted storage held = states[key];
        if (held.timestamp != 0) {
            if (overlap < needed) revert Overlap(needed, overlap);
            bytes16 known = held.blockHash;
            if (known == bytes16(h.normalisedHash)) return UpdateResult.NoOp;
            // The height the client started from has no block hash: there the state itself is compared.
            if (known != 0 || held.timestamp != h.timestamp || sets[held.setIndex] != h.validatorsHash) {
                return _freeze(h.number);
            }
            return
                _storageRoot(u.accountProof, h.stateRoot) == held.storageRoot ? UpdateResult.NoOp : _freeze(h.number);
        }
        if (overlap < needed) {
            // The proof's own rules come first: what is refused for the overlap alone may be bridged.
            _storageRoot(u.accountProof, h.stateRoot);
            revert Overlap(needed, overlap);
        }
        (uint64 below, uint64 above) = _neighbours(h.number);
        // Times follow heights on one chain: a header out of order with one that is held is of another.
        if (
            (below != 0 && h.timestamp < states[_key(below)].timestamp)
                || (above != 0 && h.timestamp > states[_key(above)].timestamp)
        ) return _freeze(h.number);
        bytes32 root = _storageRoot(u.accountProof, h.stateRoot);
        states[key] = Trusted(
            root, h.timestamp, _setIndex(h.validatorsHash), _back(h.number, below), bytes16(h.normalisedHash)
        );
        if (above == 0) {
            latestHeight = h.number;
            latestTimestamp = h.timestamp;
        } else {
            states[_key(above)].back = _back(above, h.number);
        }
        emit HeightTrusted(h.number, h.timestamp, root, h.validatorsHash);
        return UpdateResult.Update;
    }

    /// The held heights directly below and above one that is not held; zero where there is none.
    function _neighbours(uint64 height) private view returns (uint64 below, uint64 above) {
        below = latestHeight;
        for (uint256 steps = 0; below > height; ++steps) {
            if (steps == MAX_HEIGHTS_ABOVE) revert HeightTooOld();
            above = below;
            uint32 back = states[_key(below)].back;
            below = back == 0 ? 0 : below - back;
        }
    }

    /// The link from a height to the held one below it.
    function _back(uint64 height, uint64 below) private pure returns (uint32) {
        uint64 distance = height - below;
        return below == 0 || distance > type(uint32).max ? 0 : uint32(distance);
    }

    /// Two headers that cannot be of one chain freeze the client: of one height and different in more than round and seals
    /// (refuse.md C5), or the higher one earlier than the lower.
    function misbehaviour(bytes calldata misbehaviourMsg) external {
        if (frozen) revert ClientFrozen();
        Misbehaviour calldata m;
        assembly {
            m := add(misbehaviourMsg.offset, calldataload(misbehaviourMsg.offset))
        }
        QbftHeader.Header memory a = _verifyAll(m.a);
        QbftHeader.Header memory b = _verifyAll(m.b);
        if (a.number == b.number) {
            if (a.normalisedHash == b.normalisedHash) revert MisbehaviourSame();
        } else if (a.number < b.number ? a.timestamp <= b.timestamp : b.timestamp <= a.timestamp) {
            revert MisbehaviourHeights();
        }
        _freeze(a.number);
    }

    /// Restarts an expired or frozen client from a state that the named authority vouches for. What froze may hold a forged height
    /// that the chain never reaches, so that any height will do then; its states end with its epoch either way.
    function recover(uint64 height, ConsensusState calldata state) external {
        if (msg.sender != recoverer || recoverer == address(0)) revert NotRecoverer(msg.sender);
        if (status() == ClientStatus.Active) revert RecoveryNotNeeded();
        if (height == 0 || height >> 63 != 0 || (!frozen && height <= latestHeight)) revert HeightNotNewer();
        // A slip here (milliseconds, say) would let every timeout be proven and the client never expire again.
        if (state.timestamp > block.timestamp + MAX_DRIFT) revert TimeInFuture();
        frozen = false;
        unchecked {
            ++epoch;
        }
        _restart(height, state);
        emit Recovered(height, msg.sender);
    }

    function _restart(uint64 height, ConsensusState memory state) private {
        if (state.timestamp == 0 || state.timestamp >> 63 != 0) revert InitInvalid();
        // refuse.md P11: a zero root or set is nobody's.
        if (state.storageRoot == 0 || state.validatorsHash == 0) revert InitInvalid();
        states[_key(height)] = Trusted(state.storageRoot, state.timestamp, _setIndex(state.validatorsHash), 0, 0);
        latestHeight = height;
        latestTimestamp = state.timestamp;
        emit HeightTrusted(height, state.timestamp, state.storageRoot, state.validatorsHash);
    }

    function _freeze(uint64 height) private returns (UpdateResult) {
        frozen = true;
        emit Frozen(height);
        return UpdateResult.Misbehaviour;
    }

    /// The trusted state first, then the header's own rules, then how the two stand to each other, then the seals: the order of the
    /// native verifier. What remains is the overlap: how many signers the trusted set must and does have.
    function _verifyHeader(Update calldata u)
        private
        view
        returns (QbftHeader.Header memory h, uint256 needed, uint256 overlap)
    {
        Trusted memory trusted = _trusted(u.trustedHeight);
        address[] memory trustedSet = u.trustedValidators;
        bytes32 trustedHash = sets[trusted.setIndex];
        uint256 n = trustedSet.length;
        if (n == 0 || QbftHeader.hashSet(trustedSet) != trustedHash) revert TrustedValidators();
        if (block.timestamp > uint256(trusted.timestamp) + TRUSTING_PERIOD) revert TrustingPeriod();
        h = QbftHeader.parse(u.header, KIND);
        if (h.number <= u.trustedHeight) revert HeightNotNewer();
        // Chains with periods below a second repeat timestamps.
        if (h.timestamp < trusted.timestamp) revert TimeNotNewer();
        if (h.timestamp > block.timestamp + MAX_DRIFT) revert TimeInFuture();
        (uint256 bits, uint256 count) = QbftHeader.signers(h);
        uint256 quorum = _quorum(h.validators.length);
        if (count < quorum) revert Quorum(quorum, count);
        needed = 2 * _quorum(n) - n;
        uint256 honest = (n - 1) / 3 + 1;
        if (needed < honest) needed = honest;
        overlap = h.validatorsHash == trustedHash ? count : _overlap(h.validators, bits, trustedSet);
    }

    /// The same, overlap included.
    function _verifyAll(Update calldata u) private view returns (QbftHeader.Header memory h) {
        uint256 needed;
        uint256 overlap;
        (h, needed, overlap) = _verifyHeader(u);
        if (overlap < needed) revert Overlap(needed, overlap);
    }

    function _quorum(uint256 n) private pure returns (uint256) {
        return (2 * n + 2) / 3;
    }

    function _overlap(address[] memory set, uint256 bits, address[] memory trustedSet)
        private
        pure
        returns (uint256 count)
    {
        uint256 cursor = 0;
        for (uint256 i = 0; i < set.length; ++i) {
            if (bits >> i & 1 == 0) continue;
            uint256 found = QbftHeader.find(trustedSet, set[i], cursor);
            if (found == trustedSet.length) continue;
            cursor = found;
            ++count;
        }
    }

    /// The storage root of the counterparty's router at a state root. refuse.md C4: no account, neither code nor storage, no update.
    function _storageRoot(bytes[] calldata proof, bytes32 stateRoot) private view returns (bytes32 root) {
        if (proof.length == 0) revert AccountProof();
        bytes32 key = keccak256(abi.encodePacked(ROUTER));
        (Trie.Outcome outcome, uint256 pos, uint256 size) = Trie.walkAll(Trie.load(proof), stateRoot, key, 64);
        if (outcome == Trie.Outcome.Absent) revert AccountAbsent();
        if (outcome != Trie.Outcome.Member) _refuse(outcome);
        bytes32 codeHash;
        (root, codeHash) = _account(pos, pos + size);
        if (codeHash == EMPTY_CODE_HASH && root == Trie.EMPTY_ROOT) revert AccountAbsent();
    }

    /// Storage root and code hash of an account: exactly [nonce, balance, storage root, code hash].
    function _account(uint256 pos, uint256 end) private pure returns (bytes32 root, bytes32 codeHash) {
        (uint256 kind, uint256 p, uint256 l) = Rlp.read(pos, end);
        if (kind != Rlp.LIST || p + l != end) revert AccountRlp();
        for (uint256 i = 0; i < 4; ++i) {
            (kind, p, l) = Rlp.read(p, end);
            if (kind != Rlp.STRING) revert AccountRlp();
            bytes32 word;
            assembly ("memory-safe") {
                word := calldataload(p)
            }
            if (i < 2) {
                (bool canonical,) = Rlp.integer(p, l);
                if (!canonical || (i == 0 && l > 8)) revert AccountRlp();
            } else {
                if (l != 32) revert AccountRlp();
                (root, codeHash) = (codeHash, word);
            }
            p += l;
        }
        if (p != end) revert AccountRlp();
    }

    // Proving

    function verifyMembership(MsgVerifyMembership calldata m) external view returns (uint256) {
        if (m.proofHeight.revisionNumber != 0) revert RevisionMustBeZero(m.proofHeight.revisionNumber);
        Trusted memory t = _usable(m.proofHeight.revisionHeight);
        if (m.value.length != 32) revert ValueEncoding();
        if (m.path.length != 1 || m.path[0].length == 0) revert PathShape();
        (Trie.Outcome outcome, uint256 pos, uint256 size) = _single(_nodes(m.proof), t.storageRoot, _trieKey(m.path[0]));
        if (outcome == Trie.Outcome.Absent) revert ProofAbsent();
        if (outcome != Trie.Outcome.Member) _refuse(outcome);
        (bool ok, bytes32 found) = _value(pos, size);
        if (!ok) revert ValueEncoding();
        if (found != bytes32(m.value)) revert ValueMismatch();
        return t.timestamp;
    }

    function verifyNonMembership(MsgVerifyNonMembership calldata m) external view returns (uint256) {
        if (m.proofHeight.revisionNumber != 0) revert RevisionMustBeZero(m.proofHeight.revisionNumber);
        Trusted memory t = _usable(m.proofHeight.revisionHeight);
        if (m.path.length != 1 || m.path[0].length == 0) revert PathShape();
        (Trie.Outcome outcome,,) = _single(_nodes(m.proof), t.storageRoot, _trieKey(m.path[0]));
        if (outcome == Trie.Outcome.Member) revert ProofPresent();
        if (outcome != Trie.Outcome.Absent) _refuse(outcome);
        return t.timestamp;
    }

    /// Checks many items against nodes that they share. An item that is not proven is `false` and harms no other.
    function verifyBatch(uint64 height, bytes[] calldata nodes, BatchItem[] calldata items)
        external
        view
        returns (uint256 timestampSeconds, bool[] memory ok)
    {
        Trusted memory t = _usable(height);
        if (nodes.length > MAX_NODES) revert ProofTooLarge();
        Trie.Nodes memory loaded = Trie.load(nodes);
        ok = new bool[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            BatchItem calldata item = items[i];
            if (item.path.length == 0) continue;
            (Trie.Outcome outcome, uint256 pos, uint256 size) =
                Trie.walk(loaded, item.nodes, t.storageRoot, _trieKey(item.path), 64);
            if (item.value == 0) {
                ok[i] = outcome == Trie.Outcome.Absent;
            } else if (outcome == Trie.Outcome.Member) {
                (bool canonical, bytes32 found) = _value(pos, size);
                ok[i] = canonical && found == item.value;
            }
        }
        return (t.timestamp, ok);
    }

    /// A proof of one item: all nodes, root first, each used.
    function _single(bytes[] calldata list, bytes32 root, bytes32 key)
        private
        pure
        returns (Trie.Outcome, uint256, uint256)
    {
        return Trie.walkAll(Trie.load(list), root, key, 64);
    }

    function _nodes(bytes calldata proof) private pure returns (bytes[] calldata list) {
        assembly {
            let pos := add(proof.offset, calldataload(proof.offset))
            list.offset := add(pos, 32)
            list.length := calldataload(pos)
        }
    }

    /// A storage value is the RLP of an integer without leading zeros (refuse.md C6).
    function _value(uint256 pos, uint256 size) private pure returns (bool, bytes32) {
        (uint256 kind, uint256 p, uint256 l) = Rlp.read(pos, pos + size);
        if (kind != Rlp.STRING || p + l != pos + size || l == 0) return (false, 0);
        (bool ok, uint256 number) = Rlp.integer(p, l);
        return (ok, bytes32(number));
    }

    function _trieKey(bytes calldata path) private pure returns (bytes32 key) {
        assembly ("memory-safe") {
            let pos := mload(0x40)
            calldatacopy(pos, path.offset, path.length)
            mstore(0, keccak256(pos, path.length))
            mstore(0x20, IBCSTORE_STORAGE_SLOT)
            mstore(0, keccak256(0, 0x40))
            key := keccak256(0, 0x20)
        }
    }

    function _refuse(Trie.Outcome outcome) private pure {
        if (outcome == Trie.Outcome.Empty) revert ProofEmpty();
        if (outcome == Trie.Outcome.NodeMissing) revert ProofNodeMissing();
        if (outcome == Trie.Outcome.NodeUnused) revert ProofNodeUnused();
        if (outcome == Trie.Outcome.NodeHash) revert ProofNodeHash();
        if (outcome == Trie.Outcome.NodeRlp) revert ProofNodeRlp();
        if (outcome == Trie.Outcome.PathEncoding) revert ProofPathEncoding();
        if (outcome == Trie.Outcome.Truncated) revert ProofTruncated();
        if (outcome == Trie.Outcome.ValueEncoding) revert ValueEncoding();
        revert ProofEmbeddedSize();
    }

    /// A height to prove at: the client is neither frozen nor expired, and knows it.
    function _usable(uint64 height) private view returns (Trusted memory) {
        ClientStatus s = status();
        if (s == ClientStatus.Frozen) revert ClientFrozen();
        if (s == ClientStatus.Expired) revert TrustingPeriod();
        return _trusted(height);
    }

    function _trusted(uint64 height) private view returns (Trusted memory t) {
        t = states[_key(height)];
        if (t.timestamp == 0) revert TrustedHeightUnknown();
    }

    function _key(uint64 height) private view returns (uint256) {
        return uint256(epoch) << 64 | height;
    }

    function _setIndex(bytes32 validatorsHash) private returns (uint32 index) {
        uint256 known = setIndices[validatorsHash];
        if (known != 0) return uint32(known - 1);
        index = setCount++;
        sets[index] = validatorsHash;
        setIndices[validatorsHash] = uint256(index) + 1;
    }
}
