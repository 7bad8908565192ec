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
    /// Position of the extra data among the fields.
    uint256 private constant EXTRA = 12;
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
        // Where each of the fifteen fields' payload starts, with its length above 2^128.
        uint256[15] fields;
        uint256 extraItem;
        uint256 extraEnd;
        uint256 coreAt;
        uint256 voteEnd;
        uint256 roundEnd;
        uint256 validatorsAt;
        uint256 validatorsEnd;
    }

    /// Reads and checks everything but the seals' signatures, in the order of the native verifier, so that both refuse alike.
    function parse(bytes calldata raw, uint8 kind) internal pure returns (Header memory h) {
        if (raw.length > MAX_HEADER) revert Rules.HeaderTooLarge();
        Layout memory l;
        _split(raw, l);
        _plain(l);
        _extra(h, l);
        _sized(h, l);
        _validators(h, l);
        _round(l, kind);
        _seals(h);
        _constants(h, l, kind);
        h.sealDigest = preimage(l, l.roundEnd, kind == QBFT ? 1 : 0, false);
        h.normalisedHash = kind == QBFT ? preimage(l, l.voteEnd, 1, true) : preimage(l, l.voteEnd, 0, false);
    }

    /// Splits the header into its fields: one canonical list of 15 to 31 strings, and nothing after it.
    function _split(bytes calldata raw, Layout memory l) private pure {
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
        bool strings = true;
        while (pos < end) {
            if (index == 15 + MAX_TRAILING) revert Rules.HeaderFields();
            (kind, p, size) = Rlp.read(pos, end);
            if (kind == Rlp.INVALID) revert Rules.HeaderRlp();
            if (kind != Rlp.STRING) strings = false;
            if (index < 15) l.fields[index] = size << 128 | p;
            if (index == EXTRA) (l.extraItem, l.extraEnd) = (pos, p + size);
            pos = p + size;
            unchecked {
                ++index;
            }
        }
        if (index < 15 || !strings) revert Rules.HeaderFields();
    }

    /// The fields that only have a size.
    function _plain(Layout memory l) private pure {
        _fixed(l, 4, 32);
        _fixed(l, 5, 32);
        _fixed(l, 6, 256);
        _scalar(l, 9, type(uint64).max);
        _scalar(l, 10, type(uint64).max);
    }

    function _sized(Header memory h, Layout memory l) private pure {
        h.number = uint64(_scalar(l, 8, MAX_NUMBER));
        h.timestamp = uint64(_scalar(l, 11, MAX_NUMBER));
        _fixed(l, 0, 32);
        h.stateRoot = bytes32(_fixed(l, 3, 32));
        _fixed(l, 1, 32);
        _fixed(l, 2, 20);
        _scalar(l, 7, type(uint256).max);
        _fixed(l, 13, 32);
        _fixed(l, 14, 8);
    }

    /// The first word of a field that must have `size` bytes.
    function _fixed(Layout memory l, uint256 index, uint256 size) private pure returns (uint256) {
        uint256 field = l.fields[index];
        if (field >> 128 != size) revert Rules.HeaderFields();
        return word(uint128(field));
    }

    function _scalar(Layout memory l, uint256 index, uint256 max) private pure returns (uint256) {
        uint256 field = l.fields[index];
        (bool ok, uint256 number) = Rlp.integer(uint128(field), field >> 128);
        if (!ok || number > max) revert Rules.HeaderFields();
        return number;
    }

    /// The five parts of the extra data: a vanity of 32 bytes, validators, a vote with nothing nested in it, round, seals.
    function _extra(Header memory h, Layout memory l) private pure {
        uint256 end = l.extraEnd;
        uint256[5] memory payload;
        uint256[5] memory kinds;
        uint256[5] memory ends;
        (uint256 k, uint256 p, uint256 size) = Rlp.read(uint128(l.fields[EXTRA]), end);
        if (k != Rlp.LIST || p + size != end) revert Rules.ExtraData();
        l.coreAt = p;
        for (uint256 i = 0; i < 5; ++i) {
            (kinds[i], payload[i], size) = Rlp.read(p, end);
            if (kinds[i] == Rlp.INVALID) revert Rules.ExtraData();
            p = payload[i] + size;
            ends[i] = p;
        }
        if (p != end || kinds[0] != Rlp.STRING || ends[0] - payload[0] != 32) revert Rules.ExtraData();
        if (kinds[2] == Rlp.LIST) {
            for (p = payload[2]; p < ends[2]; p += size) {
                (k, p, size) = Rlp.read(p, ends[2]);
                if (k != Rlp.STRING) revert Rules.ExtraData();
            }
        }
        l.voteEnd = ends[2];
        l.roundEnd = ends[3];
        // Zero stands for a string where a list is due, which is refused when its turn comes.
        l.validatorsAt = kinds[1] == Rlp.LIST ? payload[1] : 0;
        l.validatorsEnd = ends[1];
        h.sealsAt = kinds[4] == Rlp.LIST ? payload[4] : 0;
        h.sealsEnd = end;
    }

    function _validators(Header memory h, Layout memory l) private pure {
        uint256 pos = l.validatorsAt;
        uint256 end = l.validatorsEnd;
        if (pos == 0) revert Rules.ExtraData();
        address[] memory set = new address[](MAX_VALIDATORS);
        uint256 count = 0;
        bool addresses = true;
        while (pos < end) {
            if (count == MAX_VALIDATORS) revert Rules.ValidatorsTooMany();
            (uint256 k, uint256 p, uint256 size) = Rlp.read(pos, end);
            if (k == Rlp.INVALID) revert Rules.ExtraData();
            if (k != Rlp.STRING || size != 20) addresses = false;
            set[count] = address(uint160(word(p) >> 96));
            pos = p + size;
            unchecked {
                ++count;
            }
        }
        if (!addresses) revert Rules.ExtraData();
        assembly ("memory-safe") {
            mstore(set, count)
        }
        h.validators = set;
        h.validatorsHash = hashSet(set);
    }

    /// QBFT writes a canonical integer of 32 bits, IBFT2 four bytes; the empty string, which some encoders write for 0, is accepted.
    function _round(Layout memory l, uint8 kind) private pure {
        (uint256 k, uint256 p, uint256 size) = Rlp.read(l.voteEnd, l.roundEnd);
        if (k != Rlp.STRING) revert Rules.RoundEncoding();
        if (kind == QBFT) {
            (bool ok,) = Rlp.integer(p, size);
            if (!ok || size > 4) revert Rules.RoundEncoding();
        } else if (size != 4 && size != 0) {
            revert Rules.RoundEncoding();
        }
    }

    /// Every seal is a string of 65 bytes. The list's encoding is judged before its items.
    function _seals(Header memory h) private pure {
        uint256 pos = h.sealsAt;
        if (pos == 0) revert Rules.ExtraData();
        uint256 fault = 0;
        while (pos < h.sealsEnd) {
            (uint256 k, uint256 p, uint256 size) = Rlp.read(pos, h.sealsEnd);
            if (k == Rlp.INVALID) revert Rules.ExtraData();
            if (fault == 0) fault = k != Rlp.STRING ? 1 : size != 65 ? 2 : 0;
            pos = p + size;
        }
        if (fault == 1) revert Rules.ExtraData();
        if (fault == 2) revert Rules.SealLength();
    }

    /// What every header of these chains says (refuse.md H8), and the set's own rules.
    function _constants(Header memory h, Layout memory l, uint8 kind) private pure {
        if (_scalar(l, 7, type(uint256).max) != 1) revert Rules.Difficulty();
        if (bytes32(_fixed(l, 1, 32)) != EMPTY_OMMERS) revert Rules.Ommers();
        if (bytes32(_fixed(l, 13, 32)) != MIX_HASH) revert Rules.MixHash();
        if (_fixed(l, 14, 8) >> 192 != 0) revert Rules.Nonce();
        address[] memory set = h.validators;
        if (set.length == 0) {
            // refuse.md C9: a QBFT set that is kept in a contract leaves this list empty.
            if (kind == QBFT) revert Rules.ValidatorContractMode();
            revert Rules.ValidatorsEmpty();
        }
        _distinct(set);
        address beneficiary = address(uint160(_fixed(l, 2, 20) >> 96));
        // The zero address names nobody.
        if (beneficiary != address(0) && find(set, beneficiary, 0) == set.length) {
            revert Rules.BeneficiaryNotValidator();
        }
    }

    function _distinct(address[] memory set) private pure {
        bool twice;
        assembly ("memory-safe") {
            let first := add(set, 32)
            let last := add(first, shl(5, mload(set)))
            for { let i := first } lt(i, last) { i := add(i, 32) } {
                let one := mload(i)
                for { let j := first } lt(j, i) { j := add(j, 32) } { twice := or(twice, eq(mload(j), one)) }
            }
        }
        if (twice) revert Rules.ValidatorsDuplicate();
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
    function signers(Header memory h) internal pure returns (uint256 bits, uint256 count) {
        uint256 pos = h.sealsAt;
        uint256 cursor = 0;
        while (pos < h.sealsEnd) {
            (, uint256 p, uint256 size) = Rlp.read(pos, h.sealsEnd);
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

    function recover(bytes32 digest, uint256 pos) private pure returns (address signer) {
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
