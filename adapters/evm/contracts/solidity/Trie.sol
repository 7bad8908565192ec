// SPDX-License-Identifier: Apache-2.0
// Merkle-Patricia proofs over nodes that stay in calldata. Each node is hashed once, however many items use it.
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";
import {Rules} from "./Rules.sol";

library Trie {
    /// How an item's walk ended. `Member` and `Absent` are proven; all others prove nothing.
    enum Outcome {
        Member,
        Absent,
        Empty,
        NodeMissing,
        NodeUnused,
        NodeHash,
        NodeRlp,
        PathEncoding,
        Truncated,
        EmbeddedSize,
        ValueEncoding
    }

    /// The root of the trie that holds nothing: keccak256(0x80).
    bytes32 internal constant EMPTY_ROOT = 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;

    uint256 private constant MAX_NODE = 65536;

    uint256 private constant KIND_MALFORMED = 0;
    uint256 private constant KIND_BRANCH = 1;
    uint256 private constant KIND_FULL_BRANCH = 2;
    uint256 private constant KIND_SHORT = 3;

    /// A branch with sixteen hashed children and no value: three bytes of header, 16 * 33, one.
    uint256 private constant FULL_BRANCH_SIZE = 532;

    /// A position in a node: `kind << 128 | end << 64 | start of the payload`, all calldata offsets.
    struct Nodes {
        bytes32[] hashes;
        uint256[] spans;
    }

    /// Hashes every node and reads its shape, once a batch.
    function load(bytes[] calldata list) internal pure returns (Nodes memory nodes) {
        uint256 count = list.length;
        nodes.hashes = new bytes32[](count);
        nodes.spans = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            bytes calldata node = list[i];
            if (node.length > MAX_NODE) revert Rules.ProofTooLarge();
            bytes32 hash;
            uint256 start;
            assembly ("memory-safe") {
                // The free memory serves as scratch; the next node overwrites it.
                let scratch := mload(0x40)
                calldatacopy(scratch, node.offset, node.length)
                hash := keccak256(scratch, node.length)
                start := node.offset
            }
            nodes.hashes[i] = hash;
            nodes.spans[i] = shape(start, start + node.length);
        }
    }

    /// The span of the node between `start` and `end`, with its kind; kind 0 when it is not a node.
    function shape(uint256 start, uint256 end) private pure returns (uint256 span) {
        (uint256 kind, uint256 payload, uint256 length) = Rlp.read(start, end);
        if (kind != Rlp.LIST || payload + length != end) return KIND_MALFORMED;
        uint256 nodeKind = end - start == FULL_BRANCH_SIZE ? fullBranch(payload) : KIND_MALFORMED;
        if (nodeKind == KIND_MALFORMED) {
            uint256 items = 0;
            uint256 pos = payload;
            while (pos < end) {
                uint256 first;
                assembly ("memory-safe") {
                    first := byte(0, calldataload(pos))
                }
                // Nothing and a hash are what branches mostly hold.
                if (first == 0x80) {
                    unchecked {
                        pos += 1;
                    }
                } else if (first == 0xa0) {
                    unchecked {
                        pos += 33;
                    }
                } else {
                    (kind, payload, length) = Rlp.read(pos, end);
                    if (kind == Rlp.INVALID) return KIND_MALFORMED;
                    pos = payload + length;
                }
                unchecked {
                    ++items;
                }
            }
            if (pos != end) return KIND_MALFORMED;
            nodeKind = items == 17 ? KIND_BRANCH : items == 2 ? KIND_SHORT : KIND_MALFORMED;
            if (nodeKind == KIND_MALFORMED) return KIND_MALFORMED;
            (, payload,) = Rlp.read(start, end);
        }
        return nodeKind << 128 | end << 64 | payload;
    }

    function fullBranch(uint256 payload) private pure returns (uint256 kind) {
        assembly ("memory-safe") {
            let all := 1
            for { let i := 0 } lt(i, 16) { i := add(i, 1) } {
                all := and(all, eq(byte(0, calldataload(add(payload, mul(i, 33)))), 0xa0))
            }
            if and(all, eq(byte(0, calldataload(add(payload, 528))), 0x80)) { kind := 2 }
        }
    }

    /// Walks from `root` towards `key` over the nodes that `indices` names, and no others.
    /// `key` is left-aligned and `nibbles` long; a secure trie has 64.
    function walk(Nodes memory nodes, uint16[] calldata indices, bytes32 root, bytes32 key, uint256 nibbles)
        internal
        pure
        returns (Outcome outcome, uint256 valueAt, uint256 valueSize)
    {
        if (root == EMPTY_ROOT) return (indices.length == 0 ? Outcome.Absent : Outcome.NodeUnused, 0, 0);
        if (indices.length == 0) return (Outcome.Empty, 0, 0);
        Cursor memory c = Cursor(uint256(root), 0, 0, key, nibbles, 0);
        for (uint256 used = 0; used < indices.length;) {
            uint256 index = indices[used];
            unchecked {
                ++used;
            }
            bool done;
            (done, outcome) = descend(nodes, c, index);
            if (!done) continue;
            if (outcome <= Outcome.Absent && used != indices.length) return (Outcome.NodeUnused, 0, 0);
            return (outcome, c.want, c.size);
        }
        return (Outcome.Truncated, 0, 0);
    }

    /// The same over all nodes in order.
    function walkAll(Nodes memory nodes, bytes32 root, bytes32 key, uint256 nibbles)
        internal
        pure
        returns (Outcome outcome, uint256 valueAt, uint256 valueSize)
    {
        uint256 length = nodes.spans.length;
        if (root == EMPTY_ROOT) return (length == 0 ? Outcome.Absent : Outcome.NodeUnused, 0, 0);
        if (length == 0) return (Outcome.Empty, 0, 0);
        Cursor memory c = Cursor(uint256(root), 0, 0, key, nibbles, 0);
        for (uint256 used = 0; used < length;) {
            bool done;
            (done, outcome) = descend(nodes, c, used);
            unchecked {
                ++used;
            }
            if (!done) continue;
            if (outcome <= Outcome.Absent && used != length) return (Outcome.NodeUnused, 0, 0);
            return (outcome, c.want, c.size);
        }
        return (Outcome.Truncated, 0, 0);
    }

    /// Enters the node at `index`, which must hash to what its parent names, and goes on until another node is needed.
    function descend(Nodes memory nodes, Cursor memory c, uint256 index) private pure returns (bool, Outcome) {
        if (index >= nodes.spans.length) return (true, Outcome.NodeMissing);
        if (uint256(nodes.hashes[index]) != c.want) return (true, Outcome.NodeHash);
        c.span = nodes.spans[index];
        if (c.span == KIND_MALFORMED) return (true, Outcome.NodeRlp);
        while (true) {
            (bool done, Outcome outcome) = step(c);
            if (done) return (true, outcome);
            if (c.span == 0) return (false, Outcome.Absent);
        }
        return (true, Outcome.NodeRlp);
    }

    /// Where a walk stands: at a node (`span` set) or before the node whose hash is `want`.
    /// After `Member`, `want` and `size` are where the value is.
    struct Cursor {
        uint256 want;
        uint256 span;
        uint256 depth;
        bytes32 key;
        uint256 nibbles;
        uint256 size;
    }

    /// Goes one node down. Done with an outcome, or the cursor stands before (or at, if embedded) the next node.
    function step(Cursor memory c) private pure returns (bool done, Outcome outcome) {
        uint256 kind = c.span >> 128;
        uint256 end = uint64(c.span >> 64);
        uint256 pos = uint64(c.span);
        if (kind == KIND_SHORT) return stepShort(c, pos, end);
        if (c.depth == c.nibbles) {
            // The value of a branch is its last item.
            return value(c, skip(pos, end, 16), end);
        }
        uint256 nibble = nibbleAt(c.key, c.depth);
        unchecked {
            c.depth += 1;
        }
        if (kind == KIND_FULL_BRANCH) {
            assembly ("memory-safe") {
                mstore(c, calldataload(add(add(pos, 1), mul(nibble, 33))))
                mstore(add(c, 0x20), 0)
            }
            return (false, Outcome.Absent);
        }
        return child(c, skip(pos, end, nibble), end);
    }

    /// A leaf or an extension.
    function stepShort(Cursor memory c, uint256 pos, uint256 end) private pure returns (bool done, Outcome outcome) {
        (uint256 kind, uint256 p, uint256 l) = Rlp.read(pos, end);
        if (kind != Rlp.STRING) return (true, Outcome.NodeRlp);
        if (l == 0) return (true, Outcome.PathEncoding);
        uint256 flag;
        uint256 path;
        uint256 count;
        assembly ("memory-safe") {
            flag := byte(0, calldataload(p))
            switch and(flag, 0x10)
            case 0 {
                path := calldataload(add(p, 1))
                count := shl(1, sub(l, 1))
            }
            default {
                path := shl(4, calldataload(p))
                count := sub(shl(1, l), 1)
            }
        }
        // refuse.md P8: the flag nibble is 0 to 3, and the pad nibble of an even path is zero.
        if (flag > 0x3f || (flag & 0x10 == 0 && flag & 0x0f != 0)) return (true, Outcome.PathEncoding);
        uint256 left = c.nibbles - c.depth;
        bool same = count <= left;
        if (same && count != 0) same = (path ^ uint256(c.key) << 4 * c.depth) >> (256 - 4 * count) == 0;
        if (flag & 0x20 != 0) {
            if (!same || count != left) return (true, Outcome.Absent);
            (done, outcome) = value(c, p + l, end);
            // A leaf without a value is in no trie.
            return (done, outcome == Outcome.Absent ? Outcome.ValueEncoding : outcome);
        }
        if (count == 0) return (true, Outcome.PathEncoding);
        (done, outcome) = child(c, p + l, end);
        // An extension leads somewhere in every trie that a node builds.
        if (done) return (true, outcome == Outcome.Absent ? Outcome.NodeRlp : outcome);
        if (!same) return (true, Outcome.Absent);
        c.depth += count;
        return (false, Outcome.Absent);
    }

    /// The value of a leaf or of a branch: a string, empty where a branch has none.
    function value(Cursor memory c, uint256 pos, uint256 end) private pure returns (bool, Outcome) {
        (uint256 kind, uint256 p, uint256 l) = Rlp.read(pos, end);
        if (kind != Rlp.STRING) return (true, Outcome.NodeRlp);
        if (l == 0) return (true, Outcome.Absent);
        c.want = p;
        c.size = l;
        return (true, Outcome.Member);
    }

    /// A reference to a child: nothing, a hash of 32 bytes, or a node shorter than 32 bytes in place (refuse.md P7).
    function child(Cursor memory c, uint256 pos, uint256 end) private pure returns (bool, Outcome) {
        (uint256 kind, uint256 p, uint256 l) = Rlp.read(pos, end);
        if (kind == Rlp.STRING) {
            if (l == 0) return (true, Outcome.Absent);
            if (l != 32) return (true, Outcome.EmbeddedSize);
            assembly ("memory-safe") {
                mstore(c, calldataload(p))
                mstore(add(c, 0x20), 0)
            }
            return (false, Outcome.Absent);
        }
        if (kind != Rlp.LIST) return (true, Outcome.NodeRlp);
        if (p + l - pos >= 32) return (true, Outcome.EmbeddedSize);
        c.span = shape(pos, p + l);
        if (c.span == KIND_MALFORMED) return (true, Outcome.NodeRlp);
        return (false, Outcome.Absent);
    }

    /// Where the item after the next `count` items starts. Their shape was checked when the node was loaded.
    function skip(uint256 pos, uint256 end, uint256 count) private pure returns (uint256) {
        while (true) {
            assembly ("memory-safe") {
                for {} count { count := sub(count, 1) } {
                    let first := byte(0, calldataload(pos))
                    if eq(first, 0x80) {
                        pos := add(pos, 1)
                        continue
                    }
                    if eq(first, 0xa0) {
                        pos := add(pos, 33)
                        continue
                    }
                    break
                }
            }
            if (count == 0) return pos;
            (, uint256 p, uint256 l) = Rlp.read(pos, end);
            unchecked {
                pos = p + l;
                --count;
            }
        }
        return pos;
    }

    function nibbleAt(bytes32 key, uint256 depth) private pure returns (uint256 nibble) {
        assembly ("memory-safe") {
            nibble := and(shr(sub(252, shl(2, depth)), key), 0x0f)
        }
    }
}
