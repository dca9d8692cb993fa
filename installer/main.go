// Command installer builds the companion for every system and writes the
// packages by which it is installed.
//
//	go run ./installer -version 0.1.0 -extension extension/dist -out dist
//
// What is installed where is said once, in pieces.go; each kind of package has
// a writer that reads it. The systemd unit, the native-host manifests, the
// manual and the completions are printed by flattrd itself, so that each has
// one template and one owner.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "installer: %v\n", err)
		os.Exit(1)
	}
}

// versionForm is what every kind of package can express: three numbers, of
// which Windows allows 255, 255 and 65535, and perhaps what comes before them.
var versionForm = regexp.MustCompile(`^(\d{1,3}\.\d{1,3}\.\d{1,5})(?:-((?:alpha|beta|rc)\d+))?$`)

// release is what packages are made of.
type release struct {
	version   string    // as a person writes it: 0.2.0 or 0.2.0-rc1
	numbers   string    // 0.2.0
	before    string    // rc1, or nothing
	built     time.Time // of every file in every package
	programs  string    // folder of what was built, a folder for each target
	extension string    // folder with the built extension for each store
	npmLock   string    // package-lock.json of the extension
	out       string
}

func run(args []string, stdout io.Writer) error {
	r, only, err := readArguments(args)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return fmt.Errorf("make folder for packages: %w", err)
	}
	var written []string
	for _, w := range writers() {
		if only != "" && !strings.HasPrefix(w.name, only) {
			continue
		}
		paths, err := w.write(r)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		written = append(written, paths...)
	}
	if len(written) == 0 {
		return fmt.Errorf("-only %s: there is no such package; there are %s", only, strings.Join(writerNames(), ", "))
	}
	if only == "" {
		sums, err := writeSums(r.out, written)
		if err != nil {
			return err
		}
		written = append(written, sums)
	}
	for _, path := range written {
		if _, err := fmt.Fprintln(stdout, path); err != nil {
			return err
		}
	}
	return nil
}

func readArguments(args []string) (r release, only string, err error) {
	set := flag.NewFlagSet("installer", flag.ContinueOnError)
	set.StringVar(&r.version, "version", "", "version of the packages, such as 0.1.0 or 0.2.0-rc1")
	set.StringVar(&r.programs, "programs", "bin", "folder to build the programs in")
	set.StringVar(&r.extension, "extension", filepath.Join("extension", "dist"), "folder with the built extension")
	set.StringVar(&r.npmLock, "npm-lock", filepath.Join("extension", "package-lock.json"), "what the extension was built with")
	set.StringVar(&r.out, "out", "dist", "folder to write to")
	set.StringVar(&only, "only", "", "write only packages whose name begins so, and no SHA256SUMS: "+strings.Join(writerNames(), ", "))
	if err := set.Parse(args); err != nil {
		return release{}, "", err
	}
	parts := versionForm.FindStringSubmatch(r.version)
	if parts == nil {
		return release{}, "", fmt.Errorf("version %q: it must be three numbers such as 0.2.0, perhaps with -alpha1, -beta1 or -rc1 behind", r.version)
	}
	r.numbers, r.before = parts[1], parts[2]
	r.built, err = buildTime()
	return r, only, err
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

// writer writes one kind of package and returns the paths of its files.
type writer struct {
	name  string
	write func(release) ([]string, error)
}

// writers are all kinds of packages there are.
func writers() []writer {
	var all []writer
	for _, target := range []target{linuxAMD64, linuxARM64} {
		for _, format := range linuxFormats {
			all = append(all, writer{format.packager + "-" + target.arch, func(r release) ([]string, error) { return writeLinux(r, target, format) }})
		}
		all = append(all, writer{"tar-" + target.arch, func(r release) ([]string, error) { return writeTarball(r, target) }})
		all = append(all, writer{"ledger-" + target.arch, func(r release) ([]string, error) { return writeLedger(r, target) }})
	}
	return append(all,
		writer{"nsis", writeSetup},
		writer{"msi", writeMSI},
		writer{"macos", writeMacOS},
		writer{"extension", writeExtension},
		writer{"sbom", writeSBOM},
	)
}

func writerNames() []string {
	var names []string
	for _, w := range writers() {
		names = append(names, w.name)
	}
	return names
}
