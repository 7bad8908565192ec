// SPDX-License-Identifier: Apache-2.0
// Opens the libraries to the tests: tries with keys of any length, and the RLP reader. Never deployed.
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";
import {Trie} from "./Trie.sol";

contract TrieHarness {
    /// The outcome of a walk as `Trie.Outcome`, and the value found. `key` has `nibbles` nibbles, left-aligned.
    function walk(bytes32 root, bytes32 key, uint256 nibbles, bytes[] calldata nodes)
        external
        pure
        returns (uint8 outcome, bytes memory value)
    {
        (Trie.Outcome o, uint256 pos, uint256 size) = Trie.walkAll(Trie.load(nodes), root, key, nibbles);
        if (o == Trie.Outcome.Member) {
            value = new bytes(size);
            assembly {
                calldatacopy(add(value, 32), pos, size)
            }
        }
        return (uint8(o), value);
    }

    /// Whether `data` is one canonical RLP item, down to its leaves and with nothing after it.
    function valid(bytes calldata data) external pure returns (bool) {
        uint256 start;
        assembly {
            start := data.offset
        }
        (bool ok, uint256 next) = _item(start, start + data.length, 0);
        return ok && next == start + data.length;
    }

    function _item(uint256 pos, uint256 end, uint256 depth) private pure returns (bool, uint256) {
        (uint256 kind, uint256 p, uint256 l) = Rlp.read(pos, end);
        if (kind == Rlp.INVALID || depth > 64) return (false, 0);
        if (kind == Rlp.STRING) return (true, p + l);
        uint256 last = p + l;
        while (p < last) {
            bool ok;
            (ok, p) = _item(p, last, depth + 1);
            if (!ok) return (false, 0);
        }
        return (true, last);
    }
}
