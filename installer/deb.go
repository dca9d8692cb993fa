package main

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the scripts and texts of the package
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers the packager
	"github.com/goreleaser/nfpm/v2/files"
)

// release is what a package is made of.
type release struct {
	version  string
	programs string    // folder with the two programs
	built    time.Time // of every file in the package
}

var (
	//go:embed linux/postinst.sh
	postinst []byte
	//go:embed linux/prerm.sh
	prerm []byte
	//go:embed linux/postrm.sh
	postrm []byte
	//go:embed linux/copyright
	copyright []byte
	//go:embed linux/lintian-overrides
	overrides []byte
)

// maintainer is a placeholder until the project has an address of its own.
const maintainer = "Flattr maintainers <maintainers@flattr.invalid>"

// description's first line is the synopsis; lintian wants it without the name.
const description = `thank authors on the web with one click
A reader sets a monthly budget and clicks Flattr buttons on what they value.
At month end the budget is divided equally over everything clicked.
.
This package holds the companion flattrd, which keeps clicks safe on the
reader's machine and carries them to the ledger, and the ledger itself,
flattr-ledger, for those who run one.`

// installedDaemon is where the unit and the manifests find the companion.
const installedDaemon = "/usr/bin/flattrd"

// hostManifests are the folders in which the browsers look for the host that
// hands out tickets, and the kind of manifest each of them reads.
var hostManifests = []struct{ browser, folder string }{
	{"chrome", "/etc/opt/chrome/native-messaging-hosts"},
	{"chromium", "/etc/chromium/native-messaging-hosts"},
	{"firefox", "/usr/lib/mozilla/native-messaging-hosts"},
}

// writeDeb writes the package for Debian into the folder out and returns its path.
func writeDeb(r release, out string) (string, error) {
	scratch, err := os.MkdirTemp("", "flattr-deb-")
	if err != nil {
		return "", fmt.Errorf("make scratch folder: %w", err)
	}
	defer os.RemoveAll(scratch)

	b := &builder{release: r, scratch: scratch}
	b.program("flattrd")
	b.program("flattr-ledger")
	b.printed("/usr/lib/systemd/system/flattrd.service", "", "install", "--print-unit", "--executable", installedDaemon)
	for _, host := range hostManifests {
		kind := files.TypeFile
		if strings.HasPrefix(host.folder, "/etc/") {
			kind = files.TypeConfig
		}
		b.printed(host.folder+"/org.flattr.pair.json", kind,
			"native-host", "--print-manifest", host.browser, "--executable", installedDaemon)
	}
	b.text("/usr/share/doc/flattr/copyright", "", copyright)
	b.text("/usr/share/doc/flattr/changelog.gz", "", changelog(r))
	b.text("/usr/share/lintian/overrides/flattr", "", overrides)
	scripts := nfpm.Scripts{
		PostInstall: b.scratchFile(postinst),
		PreRemove:   b.scratchFile(prerm),
		PostRemove:  b.scratchFile(postrm),
	}
	if b.err != nil {
		return "", b.err
	}
	return b.pack(scripts, out)
}

// builder collects the contents of a package; the first error stays.
type builder struct {
	release  release
	scratch  string
	contents files.Contents
	count    int
	err      error
}

func (b *builder) add(source, destination, kind string, mode os.FileMode) {
	b.contents = append(b.contents, &files.Content{
		Source: source, Destination: destination, Type: kind,
		FileInfo: &files.ContentFileInfo{Mode: mode, MTime: b.release.built},
	})
}

// program adds one of our programs.
func (b *builder) program(name string) {
	path := filepath.Join(b.release.programs, name)
	if _, err := os.Stat(path); err != nil && b.err == nil {
		b.err = fmt.Errorf("program %s: %w; build it with make build", name, err)
	}
	b.add(path, "/usr/bin/"+name, "", 0o755)
}

// printed adds a file with what flattrd prints when called with args.
func (b *builder) printed(destination, kind string, args ...string) {
	if b.err != nil {
		return
	}
	command := exec.Command(filepath.Join(b.release.programs, "flattrd"), args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	text, err := command.Output()
	if err != nil {
		b.err = fmt.Errorf("ask flattrd for %s: %w: %s", destination, err, stderr.Bytes())
		return
	}
	b.text(destination, kind, text)
}

// text adds a file with the given content.
func (b *builder) text(destination, kind string, content []byte) {
	b.add(b.scratchFile(content), destination, kind, 0o644)
}

// scratchFile writes content where the packager can read it.
func (b *builder) scratchFile(content []byte) string {
	b.count++
	path := filepath.Join(b.scratch, fmt.Sprint(b.count))
	if err := os.WriteFile(path, content, 0o644); err != nil && b.err == nil {
		b.err = fmt.Errorf("write part of package: %w", err)
	}
	return path
}

// pack writes the package.
func (b *builder) pack(scripts nfpm.Scripts, out string) (string, error) {
	info := nfpm.WithDefaults(&nfpm.Info{
		Name:          "flattr",
		Arch:          "amd64",
		Version:       b.release.version,
		VersionSchema: "none",
		Section:       "net",
		Priority:      "optional",
		Maintainer:    maintainer,
		Description:   description,
		MTime:         b.release.built,
		Overridables: nfpm.Overridables{
			Depends:  []string{"libc6 (>= 2.34)"},
			Contents: b.contents,
			Scripts:  scripts,
			Deb:      nfpm.Deb{Compression: "xz"},
		},
	})
	packager, err := nfpm.Get("deb")
	if err != nil {
		return "", fmt.Errorf("find packager: %w", err)
	}
	if err := nfpm.PrepareForPackager(info, "deb"); err != nil {
		return "", fmt.Errorf("prepare package: %w", err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", fmt.Errorf("make folder for packages: %w", err)
	}
	path := filepath.Join(out, packager.ConventionalFileName(info))
	file, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("create package: %w", err)
	}
	if err := packager.Package(info, file); err != nil {
		file.Close()
		os.Remove(path)
		return "", fmt.Errorf("write package: %w", err)
	}
	if err := file.Close(); err != nil {
		return "", fmt.Errorf("write package: %w", err)
	}
	return path, nil
}

// changelog is the package's own, compressed as Debian wants it; what changed
// in Flattr stands in CHANGELOG.md.
func changelog(r release) []byte {
	text := fmt.Sprintf("flattr (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md of the project for what changed.\n\n -- %s  %s\n",
		r.version, maintainer, r.built.Format(time.RFC1123Z))
	var buffer bytes.Buffer
	writer, _ := gzip.NewWriterLevel(&buffer, gzip.BestCompression) // the level is a valid one
	writer.Write([]byte(text))                                      // a buffer takes everything
	writer.Close()
	return buffer.Bytes()
}
