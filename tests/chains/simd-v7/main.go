// Command simd-v7 is the oldest Cosmos node that the end-to-end tests run: the application that ibc-go 7 is tested with, on Cosmos SDK 0.47
// and CometBFT 0.37. It has IBC classic alone, and holds no code of its own; go.mod and go.sum pin what it is made of.
package main

import (
	"fmt"
	"os"

	svrcmd "github.com/cosmos/cosmos-sdk/server/cmd"
	"github.com/cosmos/ibc-go/v7/testing/simapp"
	"github.com/cosmos/ibc-go/v7/testing/simapp/simd/cmd"
)

func main() {
	root, _ := cmd.NewRootCmd()
	if err := svrcmd.Execute(root, "", simapp.DefaultNodeHome); err != nil {
		// The root command is silent about its own failure.
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
