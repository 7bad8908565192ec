// SPDX-License-Identifier: Apache-2.0
// Both ends of a message, for the demo and the tests: it answers, reverts or burns gas on request, and counts what it hears back.
pragma solidity 0.8.37;

import {IMessageCallback, MessageGateway} from "./MessageGateway.sol";

contract Echo is IMessageCallback {
    event Answered(address indexed caller, bytes data);

    error Refused(string reason);

    uint256 public answers;
    uint256 public results;
    uint256 public failures;
    uint256 public timeouts;
    bytes public lastResult;
    /// When set, callbacks revert.
    bool public stubborn;

    function echo(bytes calldata data) external returns (bytes memory) {
        ++answers;
        emit Answered(msg.sender, data);
        return data;
    }

    function fail(string calldata reason) external pure {
        revert Refused(reason);
    }

    function failSilently() external pure {
        assembly {
            revert(0, 0)
        }
    }

    function burn() external pure {
        assembly {
            invalid()
        }
    }

    /// Hashes `rounds` times.
    function work(uint256 rounds) external pure returns (bytes32 hash) {
        for (uint256 i = 0; i < rounds; ++i) {
            hash = keccak256(abi.encode(hash));
        }
    }

    /// The same in a call of its own, with a reason of this contract's when that fails.
    function workOrExplain(uint256 rounds) external view returns (bytes32) {
        try this.work(rounds) returns (bytes32 hash) {
            return hash;
        } catch {
            revert Refused("the work failed");
        }
    }

    /// Answers with `size` zero bytes.
    function flood(uint256 size) external pure {
        assembly {
            return(0, size)
        }
    }

    function setStubborn(bool stubborn_) external {
        stubborn = stubborn_;
    }

    /// Sends a message in its own name, so that the callback comes here.
    function send(MessageGateway gateway, MessageGateway.SendCall calldata call) external returns (uint64) {
        return gateway.sendCall(call);
    }

    function onMessageResult(string calldata, uint64, bool success, bytes calldata result) external {
        if (stubborn) revert Refused("stubborn");
        if (success) ++results;
        else ++failures;
        lastResult = result;
    }

    function onMessageTimeout(string calldata, uint64) external {
        if (stubborn) revert Refused("stubborn");
        ++timeouts;
    }
}
