//go:build !linux

package main

import (
	"net/http"
	"os/exec"
)

// apart needs network namespaces, which only Linux has.
type apart struct{ reader string }

func (*apart) origin() string                  { panic("no namespaces here") }
func (*apart) command(cmd *exec.Cmd) *exec.Cmd { return cmd }
func (*apart) transport() *http.Transport      { return nil }
func within(_ string, do func() error) error   { return do() }
