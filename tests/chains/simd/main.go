// Command simd is the Cosmos node that the end-to-end tests run: the application that the 08-wasm module is tested with, which has
// IBC classic, IBC v2, interchain accounts and every client type. It holds no code of its own; go.mod and go.sum pin what it is made of.
package main

import (
	"fmt"
	"os"

	svrcmd "github.com/cosmos/cosmos-sdk/server/cmd"
	"github.com/cosmos/ibc-go/modules/light-clients/08-wasm/v10/testing/simapp"
	"github.com/cosmos/ibc-go/modules/light-clients/08-wasm/v10/testing/simapp/simd/cmd"

	// Older releases, which the application would choose, do not compile with today's Go.
	_ "github.com/bytedance/sonic"
)

func main() {
	if err := svrcmd.Execute(cmd.NewRootCmd(), "", simapp.DefaultNodeHome); err != nil {
		// The root command is silent about its own failure.
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
