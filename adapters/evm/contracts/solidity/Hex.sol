// SPDX-License-Identifier: Apache-2.0
// Addresses as text on the wire: 0x and 40 hex digits; lower case when written, either case when read.
pragma solidity 0.8.37;

library Hex {
    function write(address value) internal pure returns (string memory) {
        bytes memory text = new bytes(42);
        text[0] = "0";
        text[1] = "x";
        uint160 rest = uint160(value);
        unchecked {
            for (uint256 i = 41; i > 1; --i) {
                text[i] = bytes16("0123456789abcdef")[rest & 15];
                rest >>= 4;
            }
        }
        return string(text);
    }

    function read(bytes memory text) internal pure returns (bool ok, address value) {
        if (text.length != 42 || text[0] != "0" || text[1] != "x") return (false, address(0));
        uint160 sum = 0;
        unchecked {
            for (uint256 i = 2; i < 42; ++i) {
                uint8 c = uint8(text[i]);
                uint8 digit;
                if (c >= 48 && c <= 57) digit = c - 48;
                else if (c >= 97 && c <= 102) digit = c - 87;
                else if (c >= 65 && c <= 70) digit = c - 55;
                else return (false, address(0));
                sum = sum << 4 | digit;
            }
        }
        return (true, address(sum));
    }
}
