// SPDX-License-Identifier: Apache-2.0
// A strict reader of RLP in calldata. It copies nothing; positions are absolute calldata offsets.
pragma solidity 0.8.37;

library Rlp {
    uint256 internal constant INVALID = 0;
    uint256 internal constant STRING = 1;
    uint256 internal constant LIST = 2;

    /// Reads the item at `ptr`, which must end at or before `end`. Only the canonical form is an item: refuse.md P10.
    /// The item after it starts at `payload + length`.
    function read(uint256 ptr, uint256 end)
        internal
        pure
        returns (uint256 kind, uint256 payload, uint256 length)
    {
        assembly ("memory-safe") {
            if lt(ptr, end) {
                let word := calldataload(ptr)
                let first := byte(0, word)
                switch lt(first, 0xc0)
                case 1 {
                    switch lt(first, 0x80)
                    case 1 {
                        kind := 1
                        payload := ptr
                        length := 1
                    }
                    default {
                        payload := add(ptr, 1)
                        kind := 1
                        switch lt(first, 0xb8)
                        case 1 {
                            length := sub(first, 0x80)
                            // A single byte below 0x80 is its own encoding.
                            if eq(length, 1) { if lt(byte(1, word), 0x80) { kind := 0 } }
                        }
                        default {
                            let size := sub(first, 0xb7)
                            payload := add(payload, size)
                            if gt(size, 4) { kind := 0 size := 1 }
                            length := shr(sub(256, shl(3, size)), shl(8, word))
                            // No leading zero, and only lengths that the short form cannot hold.
                            if or(lt(length, 56), iszero(byte(1, word))) { kind := 0 }
                        }
                    }
                }
                default {
                    payload := add(ptr, 1)
                    kind := 2
                    switch lt(first, 0xf8)
                    case 1 { length := sub(first, 0xc0) }
                    default {
                        let size := sub(first, 0xf7)
                        payload := add(payload, size)
                        if gt(size, 4) { kind := 0 size := 1 }
                        length := shr(sub(256, shl(3, size)), shl(8, word))
                        if or(lt(length, 56), iszero(byte(1, word))) { kind := 0 }
                    }
                }
                if gt(add(payload, length), end) { kind := 0 }
            }
        }
    }

    /// The integer of a string payload of at most 32 bytes; false where it has a leading zero or is longer.
    function integer(uint256 payload, uint256 length) internal pure returns (bool ok, uint256 value) {
        assembly ("memory-safe") {
            switch iszero(length)
            case 1 { ok := 1 }
            default {
                if lt(length, 33) {
                    let word := calldataload(payload)
                    value := shr(sub(256, shl(3, length)), word)
                    ok := iszero(iszero(byte(0, word)))
                }
            }
        }
    }

    /// Writes the header of a string or list of `length` bytes at memory `pos`; returns where its payload starts.
    function writeHead(uint256 pos, uint256 length, bool list) internal pure returns (uint256 next) {
        uint256 base = list ? 0xc0 : 0x80;
        if (length < 56) {
            assembly ("memory-safe") {
                mstore8(pos, add(base, length))
            }
            return pos + 1;
        }
        uint256 size = headSize(length) - 1;
        assembly ("memory-safe") {
            mstore8(pos, add(add(base, 55), size))
            mstore(add(pos, 1), shl(sub(256, shl(3, size)), length))
        }
        return pos + 1 + size;
    }

    /// The size of the header of a string or list of `length` bytes (strings of one byte below 0x80 aside).
    function headSize(uint256 length) internal pure returns (uint256) {
        if (length < 56) return 1;
        if (length < 256) return 2;
        if (length < 65536) return 3;
        return 4;
    }
}
