// Command simd is the Cosmos node that the end-to-end tests run: the application that the 08-wasm module is tested with, which has
// IBC classic, IBC v2, interchain accounts and every client type, and around its transfers a middleware that forwards them (forward.go).
// Beyond that middleware it holds no code of its own; go.mod and go.sum pin what it is made of.
package main

import (
	"fmt"
	"io"
	"os"

	"cosmossdk.io/log"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/server"
	svrcmd "github.com/cosmos/cosmos-sdk/server/cmd"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	"github.com/cosmos/ibc-go/modules/light-clients/08-wasm/v10/testing/simapp"
	"github.com/cosmos/ibc-go/modules/light-clients/08-wasm/v10/testing/simapp/simd/cmd"

	// Older releases, which the application would choose, do not compile with today's Go.
	_ "github.com/bytedance/sonic"
)

func main() {
	root := cmd.NewRootCmd()
	start, _, err := root.Find([]string{"start"})
	if err == nil {
		// The command stays, with its flags and checks; it runs another application. The other commands that open a chain's data execute
		// nothing on it, and the middleware adds no store that they would have to know.
		start.RunE = server.StartCmd(newApp, simapp.DefaultNodeHome).RunE
		err = svrcmd.Execute(root, "", simapp.DefaultNodeHome)
	}
	if err != nil {
		// The root command is silent about its own failure.
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// newApp is the application with the middleware.
func newApp(logger log.Logger, db dbm.DB, trace io.Writer, options servertypes.AppOptions) servertypes.Application {
	app := simapp.NewBinarySimApp(logger, db, trace, true, options, nil, server.DefaultBaseappOptions(options)...)
	letForward(app)
	return app
}
