// Command simd-v11 is the newest Cosmos node that the end-to-end tests run: the application that the 08-wasm module is tested with, on ibc-go
// 11, Cosmos SDK 0.54 and CometBFT 0.39. It holds no code of its own; go.mod and go.sum pin what it is made of.
package main

import (
	"fmt"
	"os"

	svrcmd "github.com/cosmos/cosmos-sdk/server/cmd"
	"github.com/cosmos/ibc-go/modules/light-clients/08-wasm/v11/testing/simapp"
	"github.com/cosmos/ibc-go/modules/light-clients/08-wasm/v11/testing/simapp/simd/cmd"
)

func main() {
	if err := svrcmd.Execute(cmd.NewRootCmd(), "", simapp.DefaultNodeHome); err != nil {
		// The root command is silent about its own failure.
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
