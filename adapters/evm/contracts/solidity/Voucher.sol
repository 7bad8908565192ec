// SPDX-License-Identifier: Apache-2.0
// An ERC-20 that stands for tokens held on another chain. One a denomination, made as a minimal proxy by TokenTransfer,
// which alone mints and burns.
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

contract Voucher is ERC20 {
    error NotTransferApp(address caller);
    error AlreadyNamed();

    /// TokenTransfer; in the code of the implementation, so that every proxy has it.
    address public immutable app;
    /// The trace of this token: `transfer/<clientId>/<denomination there>`.
    string public denom;

    constructor() ERC20("", "") {
        app = msg.sender;
    }

    modifier onlyApp() {
        if (msg.sender != app) revert NotTransferApp(msg.sender);
        _;
    }

    function initialize(string calldata denom_) external onlyApp {
        if (bytes(denom).length != 0) revert AlreadyNamed();
        denom = denom_;
    }

    function mint(address to, uint256 amount) external onlyApp {
        _mint(to, amount);
    }

    function burn(address from, uint256 amount) external onlyApp {
        _burn(from, amount);
    }

    function name() public view override returns (string memory) {
        return denom;
    }

    function symbol() public view override returns (string memory) {
        return denom;
    }
}
