package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"flattr/daemon/socket/sockettest"
	"flattr/programtest"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){"flattrd": main})
}

// TestScripts runs the files of testdata, which read like a manual.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			// A folder with a path short enough for a Unix socket.
			state, err := os.MkdirTemp("", "flattr")
			if err != nil {
				return err
			}
			env.Defer(func() { os.RemoveAll(state) })
			env.Setenv("STATE", state)
			env.Setenv("PORT", fmt.Sprint(programtest.FreePort(t)))
			env.Setenv("OTHERPORT", fmt.Sprint(programtest.FreePort(t)))
			env.Setenv("FLATTR_STATE", "")
			env.Setenv("XDG_RUNTIME_DIR", state+"/none")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"await": await, "native": native, "damage": damage, "paired": paired,
		},
	})
}

// await waits until the companion of a state folder answers: await FOLDER.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for range 400 {
		if ts.Exec("flattrd", "devices", "--state", args[0]) == nil {
			return
		}
	}
	ts.Fatalf("no companion answers in %s", args[0])
}

// paired pairs a browser with the companion of a state: paired FOLDER PORT.
func paired(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("flattrd", "pair", "--state", args[0]))
	line := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), ":")
	port, err := strconv.Atoi(args[1])
	ts.Check(err)
	device, err := sockettest.Pair(context.Background(), port, chromeOrigin, line[2])
	ts.Check(err)
	client, err := sockettest.Connect(context.Background(), port, chromeOrigin, device)
	ts.Check(err)
	ts.Check(client.Close())
}

// native writes a native message: native FILE TEXT.
func native(ts *testscript.TestScript, _ bool, args []string) {
	length := len(args[1])
	message := string([]byte{byte(length), byte(length >> 8), 0, 0}) + args[1]
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(message), 0o600))
	if strings.TrimSpace(args[1]) == "" {
		ts.Fatalf("an empty message")
	}
}

// damage writes zeros over the last page of a file: damage FILE.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	const page = 4096
	file, err := os.OpenFile(args[0], os.O_RDWR, 0)
	ts.Check(err)
	info, err := file.Stat()
	ts.Check(err)
	_, err = file.WriteAt(make([]byte, page), info.Size()-page)
	ts.Check(errors.Join(err, file.Close()))
}
