// SPDX-License-Identifier: Apache-2.0
// Addresses as text on the wire: 0x and 40 hex digits; lower case when written, either case when read.
pragma solidity 0.8.37;

library Hex {
    function write(address value) internal pure returns (string memory) {
        bytes memory text = new bytes(42);
        assembly ("memory-safe") {
            mstore(0, "0123456789abcdef")
            let start := add(text, 32)
            mstore8(start, 0x30)
            mstore8(add(start, 1), 0x78)
            let rest := value
            for { let i := 41 } gt(i, 1) { i := sub(i, 1) } {
                mstore8(add(start, i), byte(and(rest, 15), mload(0)))
                rest := shr(4, rest)
            }
        }
        return string(text);
    }

    function read(bytes memory text) internal pure returns (bool ok, address value) {
        if (text.length != 42) return (false, address(0));
        assembly ("memory-safe") {
            let start := add(text, 32)
            ok := eq(shr(240, mload(start)), 0x3078)
            let sum := 0
            for { let i := 2 } lt(i, 42) { i := add(i, 1) } {
                let c := byte(0, mload(add(start, i)))
                // A digit, or a letter of either case; anything else is 16.
                let digit := 16
                if and(gt(c, 47), lt(c, 58)) { digit := sub(c, 48) }
                c := or(c, 0x20)
                if and(gt(c, 96), lt(c, 103)) { digit := sub(c, 87) }
                ok := and(ok, lt(digit, 16))
                sum := or(shl(4, sum), and(digit, 15))
            }
            value := mul(sum, ok)
        }
    }
}
