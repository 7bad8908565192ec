//go:build tools

// Package goquorum pins the QBFT node that the end-to-end tests build and run.
// It holds no code of its own: the import keeps the node's main package, and
// with it every dependency, in go.mod and go.sum.
package goquorum

import _ "github.com/ethereum/go-ethereum/cmd/geth"
