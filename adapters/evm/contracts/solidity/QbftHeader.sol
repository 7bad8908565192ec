// SPDX-License-Identifier: Apache-2.0
// Reads a sealed QBFT or IBFT2 header in calldata, checks its own rules, and recovers who sealed it.
// It knows no trusted state: heights, times and the overlap with the trusted set are the client's business.
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";
import {Rules} from "./Rules.sol";

library QbftHeader {
    uint8 internal constant QBFT = 0;
    uint8 internal constant IBFT2 = 1;

    uint256 internal constant MAX_HEADER = 65536;
    uint256 internal constant MAX_VALIDATORS = 128;
    uint256 private constant MAX_TRAILING = 16;
    /// 63 bits: what every implementation's signed integers hold.
    uint256 private constant MAX_NUMBER = (1 << 63) - 1;
    bytes32 private constant EMPTY_OMMERS = 0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347;
    /// "ctical byzantine fault tolerance", the mix hash of the IBFT family.
    bytes32 private constant MIX_HASH = 0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365;
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    struct Header {
        uint64 number;
        uint64 timestamp;
        bytes32 stateRoot;
        bytes32 validatorsHash;
        /// The chain's block hash: round and seals out.
        bytes32 normalisedHash;
        /// What the validators signed.
        bytes32 sealDigest;
        /// The header's own set, in header order.
        address[] validators;
        // Calldata positions of the seal list's payload.
        uint256 sealsAt;
        uint256 sealsEnd;
    }

    /// Calldata positions found on the way; they live in memory to keep the stack short.
    struct Layout {
        uint256 start;
        uint256 end;
        uint256 beneficiary;
        uint256 extraItem;
        uint256 extraEnd;
        uint256 extraAt;
        uint256 extraSize;
        uint256 coreAt;
        uint256 voteEnd;
        uint256 roundEnd;
    }

    /// Reads and checks everything but the seals.
    function parse(bytes calldata raw, uint8 kind) internal view returns (Header memory h) {
        if (raw.length > MAX_HEADER) revert Rules.HeaderTooLarge();
        Layout memory l;
        fields(raw, h, l);
        extra(h, l, kind);
        member(h.validators, address(uint160(word(l.beneficiary) >> 96)));
        h.sealDigest = preimage(l, l.roundEnd, kind == QBFT ? 1 : 0, false);
        h.normalisedHash = kind == QBFT ? preimage(l, l.voteEnd, 1, true) : preimage(l, l.voteEnd, 0, false);
    }

    function fields(bytes calldata raw, Header memory h, Layout memory l) private pure {
        uint256 pos;
        uint256 end;
        assembly ("memory-safe") {
            pos := raw.offset
            end := add(pos, raw.length)
        }
        (uint256 kind, uint256 p, uint256 size) = Rlp.read(pos, end);
        if (kind != Rlp.LIST || p + size != end) revert Rules.HeaderRlp();
        l.start = p;
        l.end = end;
        pos = p;
        uint256 index = 0;
        while (pos < end) {
            (kind, p, size) = Rlp.read(pos, end);
            if (kind == Rlp.INVALID) revert Rules.HeaderRlp();
            if (index < 15) field(h, l, index, Item(kind, pos, p, size));
            pos = p + size;
            unchecked {
                ++index;
            }
        }
        if (index < 15 || index > 15 + MAX_TRAILING) revert Rules.HeaderFields();
    }

    struct Item {
        uint256 kind;
        uint256 pos;
        uint256 payload;
        uint256 size;
    }

    function field(Header memory h, Layout memory l, uint256 index, Item memory item) private pure {
        if (item.kind != Rlp.STRING) revert Rules.HeaderFields();
        uint256 size = item.size;
        if (index == 1) {
            if (size != 32) revert Rules.HeaderFields();
            if (bytes32(word(item.payload)) != EMPTY_OMMERS) revert Rules.Ommers();
        } else if (index == 2) {
            if (size != 20) revert Rules.HeaderFields();
            l.beneficiary = item.payload;
        } else if (index == 6) {
            if (size != 256) revert Rules.HeaderFields();
        } else if (index < 6) {
            if (size != 32) revert Rules.HeaderFields();
            if (index == 3) h.stateRoot = bytes32(word(item.payload));
        } else if (index < 12) {
            uint256 number = scalar(item.payload, size);
            if (index == 7 && number != 1) revert Rules.Difficulty();
            if (index == 8) h.number = uint64(number);
            if (index == 11) h.timestamp = uint64(number);
        } else if (index == 12) {
            l.extraItem = item.pos;
            l.extraAt = item.payload;
            l.extraSize = size;
            l.extraEnd = item.payload + size;
        } else if (index == 13) {
            if (size != 32) revert Rules.HeaderFields();
            if (bytes32(word(item.payload)) != MIX_HASH) revert Rules.MixHash();
        } else {
            if (size != 8) revert Rules.HeaderFields();
            if (word(item.payload) >> 192 != 0) revert Rules.Nonce();
        }
    }

    function scalar(uint256 payload, uint256 size) private pure returns (uint256) {
        (bool ok, uint256 number) = Rlp.integer(payload, size);
        if (!ok || number > MAX_NUMBER) revert Rules.HeaderFields();
        return number;
    }

    function extra(Header memory h, Layout memory l, uint8 kind) private pure {
        uint256 end = l.extraEnd;
        (uint256 k, uint256 p, uint256 size) = Rlp.read(l.extraAt, end);
        if (k != Rlp.LIST || p + size != end) revert Rules.ExtraData();
        l.coreAt = p;
        (k, p, size) = Rlp.read(p, end);
        if (k != Rlp.STRING || size != 32) revert Rules.ExtraData();
        (k, p, size) = Rlp.read(p + size, end);
        if (k != Rlp.LIST) revert Rules.ExtraData();
        uint256 next = p + size;
        validators(h, p, size, kind == QBFT);
        (k, p, size) = Rlp.read(next, end);
        if (k == Rlp.INVALID) revert Rules.ExtraData();
        l.voteEnd = p + size;
        (k, p, size) = Rlp.read(l.voteEnd, end);
        if (k != Rlp.STRING) revert Rules.ExtraData();
        if (kind == QBFT) {
            (bool ok,) = Rlp.integer(p, size);
            if (!ok || size > 4) revert Rules.RoundEncoding();
        } else if (size != 4) {
            revert Rules.RoundEncoding();
        }
        l.roundEnd = p + size;
        (k, p, size) = Rlp.read(l.roundEnd, end);
        if (k != Rlp.LIST || p + size != end) revert Rules.ExtraData();
        h.sealsAt = p;
        h.sealsEnd = end;
    }

    function validators(Header memory h, uint256 pos, uint256 size, bool contractMode) private pure {
        // refuse.md C9: a set that is kept in a contract leaves this list empty.
        if (size == 0) {
            if (contractMode) revert Rules.ValidatorContractMode();
            revert Rules.ValidatorsEmpty();
        }
        if (size % 21 != 0) revert Rules.ExtraData();
        uint256 count = size / 21;
        if (count > MAX_VALIDATORS) revert Rules.ValidatorsTooMany();
        address[] memory set = new address[](count);
        bytes32 hash;
        for (uint256 i = 0; i < count; ++i) {
            uint256 w = word(pos + i * 21);
            if (w >> 248 != 0x94) revert Rules.ExtraData();
            address validator = address(uint160(w >> 88));
            for (uint256 j = 0; j < i; ++j) {
                if (set[j] == validator) revert Rules.ValidatorsDuplicate();
            }
            set[i] = validator;
        }
        hash = hashSet(set);
        h.validators = set;
        h.validatorsHash = hash;
    }

    /// keccak256 of the addresses, 20 bytes each.
    function hashSet(address[] memory set) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let pos := mload(0x40)
            let count := mload(set)
            for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                mstore(add(pos, mul(i, 20)), shl(96, mload(add(add(set, 32), shl(5, i)))))
            }
            hash := keccak256(pos, mul(count, 20))
        }
    }

    function member(address[] memory set, address who) private pure {
        for (uint256 i = 0; i < set.length; ++i) {
            if (set[i] == who) return;
        }
        revert Rules.BeneficiaryNotValidator();
    }

    /// keccak256 of the header whose extra data ends at `cut`, followed by round 0 (`zeroRound`) and by `emptySeals` empty lists.
    function preimage(Layout memory l, uint256 cut, uint256 emptySeals, bool zeroRound)
        private
        pure
        returns (bytes32 hash)
    {
        uint256 inner = cut - l.coreAt + emptySeals + (zeroRound ? 1 : 0);
        uint256 outer = inner + Rlp.headSize(inner);
        uint256 before = l.extraItem - l.start;
        uint256 total = before + outer + Rlp.headSize(outer) + l.end - l.extraEnd;
        uint256 base;
        assembly ("memory-safe") {
            base := mload(0x40)
        }
        uint256 pos = Rlp.writeHead(base, total, true);
        pos = copy(pos, l.start, before);
        pos = Rlp.writeHead(pos, outer, false);
        pos = Rlp.writeHead(pos, inner, true);
        pos = copy(pos, l.coreAt, cut - l.coreAt);
        assembly ("memory-safe") {
            if zeroRound {
                mstore8(pos, 0x80)
                pos := add(pos, 1)
            }
            if emptySeals {
                mstore8(pos, 0xc0)
                pos := add(pos, 1)
            }
        }
        pos = copy(pos, l.extraEnd, l.end - l.extraEnd);
        assembly ("memory-safe") {
            hash := keccak256(base, sub(pos, base))
        }
    }

    function copy(uint256 pos, uint256 from, uint256 size) private pure returns (uint256) {
        assembly ("memory-safe") {
            calldatacopy(pos, from, size)
        }
        return pos + size;
    }

    /// Recovers every seal, each to a member of the header's own set, none twice. Returns a bit for each member that signed, and how many.
    function signers(Header memory h) internal view returns (uint256 bits, uint256 count) {
        uint256 pos = h.sealsAt;
        uint256 cursor = 0;
        while (pos < h.sealsEnd) {
            (uint256 kind, uint256 p, uint256 size) = Rlp.read(pos, h.sealsEnd);
            if (kind != Rlp.STRING || size != 65) revert Rules.SealLength();
            pos = p + size;
            address signer = recover(h.sealDigest, p);
            cursor = find(h.validators, signer, cursor);
            if (cursor == h.validators.length) revert Rules.SealNotValidator();
            if (bits >> cursor & 1 != 0) revert Rules.SealDuplicate();
            bits |= 1 << cursor;
            unchecked {
                ++count;
            }
        }
    }

    /// The index of `who`, or the length. Seals mostly come in set order, so the search starts where the last one ended.
    function find(address[] memory set, address who, uint256 from) internal pure returns (uint256) {
        uint256 length = set.length;
        for (uint256 i = 0; i < length; ++i) {
            uint256 index = from + i;
            if (index >= length) index -= length;
            if (set[index] == who) return index;
        }
        return length;
    }

    function recover(bytes32 digest, uint256 pos) private view returns (address signer) {
        uint256 r = word(pos);
        uint256 s = word(pos + 32);
        uint256 v = word(pos + 64) >> 248;
        if (v < 2) v += 27;
        if (r == 0 || s == 0 || s > HALF_ORDER || v < 27 || v > 28) revert Rules.SealSignature();
        signer = ecrecover(digest, uint8(v), bytes32(r), bytes32(s));
        if (signer == address(0)) revert Rules.SealSignature();
    }

    function word(uint256 pos) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(pos)
        }
    }
}
