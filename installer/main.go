// Command installer writes the packages by which Flattr is installed.
//
//	go run ./installer -version 0.1.0 -programs bin -out dist
//
// The systemd unit and the native-host manifests are printed by flattrd
// itself, so that each has one template and one owner.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "installer: %v\n", err)
		os.Exit(1)
	}
}

// versionForm is what Debian takes as a version without epoch and revision.
var versionForm = regexp.MustCompile(`^[0-9][0-9A-Za-z.+~]*$`)

func run(args []string, stdout io.Writer) error {
	set := flag.NewFlagSet("installer", flag.ContinueOnError)
	version := set.String("version", "", "version of the package, such as 0.1.0")
	programs := set.String("programs", "bin", "folder with flattrd and flattr-ledger")
	out := set.String("out", "dist", "folder to write to")
	if err := set.Parse(args); err != nil {
		return err
	}
	if !versionForm.MatchString(*version) {
		return fmt.Errorf("version %q: it must begin with a digit and hold digits, letters and . + ~ only", *version)
	}
	built, err := buildTime()
	if err != nil {
		return err
	}
	path, err := writeDeb(release{version: *version, programs: *programs, built: built}, *out)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, path)
	return err
}

// buildTime is SOURCE_DATE_EPOCH where it is set, so that two builds of one
// source are the same bytes; else the present time.
func buildTime() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return time.Now().UTC().Truncate(time.Second), nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, errors.New("SOURCE_DATE_EPOCH must be a number of seconds")
	}
	return time.Unix(seconds, 0).UTC(), nil
}
