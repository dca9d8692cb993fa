package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/apk"  // registers the packager
	_ "github.com/goreleaser/nfpm/v2/arch" // registers the packager
	_ "github.com/goreleaser/nfpm/v2/deb"  // registers the packager
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers the packager
)

// linuxTexts has, in a folder for each format, the scripts that its package
// manager runs, and the script for OpenRC.
//
//go:embed linux
var linuxTexts embed.FS

// linuxFormat is a kind of package for Linux distributions.
type linuxFormat struct {
	packager string
	service  string                                            // path of what the service manager reads
	own      func(release) ([]piece, error)                    // what only this format has; may be nil
	place    func(path string) string                          // where this format has what others have elsewhere
	details  func(info *nfpm.Info, script func(string) string) // what only this format says
}

const (
	unitPath  = "/usr/lib/systemd/system/flattrd.service"
	initdPath = "/etc/init.d/flattrd"
)

var linuxFormats = []linuxFormat{
	{packager: "deb", service: unitPath, own: debianPieces, place: debianPlace, details: func(info *nfpm.Info, _ func(string) string) {
		info.Deb.Compression = "xz"
		info.License = "" // it stands in the copyright file; the control file knows no such field
	}},
	{packager: "rpm", service: unitPath, own: rpmPieces, details: func(info *nfpm.Info, _ func(string) string) {
		info.RPM.Summary = synopsis
		info.RPM.BuildHost = "flattr.invalid" // else the name of the machine
		info.RPM.Compression = "xz"
	}},
	{packager: "apk", service: initdPath, details: func(info *nfpm.Info, script func(string) string) {
		info.APK.Scripts.PostUpgrade = script("postupgrade")
	}},
	{packager: "archlinux", service: unitPath, details: func(info *nfpm.Info, script func(string) string) {
		info.ArchLinux.Scripts.PostUpgrade = script("postupgrade")
		info.ArchLinux.Packager = maintainer
	}},
}

// maintainer is a placeholder until the project has an address of its own, and
// homepage is one until it has a site.
const (
	maintainer = "Flattr maintainers <maintainers@flattr.invalid>"
	homepage   = "https://flattr.invalid"
)

// synopsis comes without the name: lintian wants it so.
const synopsis = "thank authors on the web with one click"

const description = synopsis + `
A reader sets a monthly budget and clicks Flattr buttons on what they value.
At month end the budget is divided equally over everything clicked.
.
This package holds the companion flattrd, which keeps clicks safe on the
reader's machine and carries them to the ledger, and the browser extension
to be loaded from its folder.`

// writeLinux writes the package of one format for one architecture.
func writeLinux(r release, t target, format linuxFormat) ([]string, error) {
	pieces, err := r.pieces(t)
	if err != nil {
		return nil, err
	}
	service := piece{mode: 0o644, linux: format.service}
	if format.service == unitPath {
		service.text, err = r.ask("install", "--print-unit", "--executable", linuxDaemon)
	} else {
		service.mode, service.config = 0o755, true
		service.text, err = linuxTexts.ReadFile("linux/flattrd.initd")
	}
	if err != nil {
		return nil, err
	}
	pieces = append(pieces, service)
	if format.own != nil {
		own, err := format.own(r)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, own...)
	}

	b := &linuxBuilder{release: r, format: format}
	if b.scratch, err = os.MkdirTemp("", "flattr-package-"); err != nil {
		return nil, fmt.Errorf("make scratch folder: %w", err)
	}
	defer os.RemoveAll(b.scratch)
	for _, p := range pieces {
		if p.linux != "" {
			b.add(p)
		}
	}
	if format.packager == "rpm" {
		b.ownFolders()
	}
	info := b.info(t)
	if b.err != nil {
		return nil, b.err
	}
	file, err := pack(info, format.packager, r.out)
	return []string{file}, err
}

// linuxBuilder collects the contents of a package; the first error stays.
type linuxBuilder struct {
	release  release
	format   linuxFormat
	scratch  string
	contents files.Contents
	count    int
	err      error
}

// add adds a piece.
func (b *linuxBuilder) add(p piece) {
	kind, source := files.TypeFile, p.source
	if p.config {
		kind = files.TypeConfig
	}
	if source == "" {
		source = b.file(p.text)
	}
	place := p.linux
	if b.format.place != nil {
		if place = b.format.place(place); place == "" {
			return
		}
	}
	b.contents = append(b.contents, &files.Content{
		Source: source, Destination: place, Type: kind,
		FileInfo: &files.ContentFileInfo{Mode: p.mode, MTime: b.release.built, Owner: "root", Group: "root"},
	})
}

// ownFolders adds the folders that are the package's alone: rpm removes no
// others.
func (b *linuxBuilder) ownFolders() {
	known := map[string]bool{"/usr/share": true, "/usr/share/licenses": true}
	for _, content := range slices.Clone(b.contents) {
		if !strings.HasPrefix(content.Destination, "/usr/share/flattr/") && content.Destination != linuxLicence {
			continue
		}
		for _, folder := range missingFolders(content.Destination, known) {
			b.contents = append(b.contents, &files.Content{
				Destination: folder, Type: files.TypeDir,
				FileInfo: &files.ContentFileInfo{Mode: 0o755, MTime: b.release.built, Owner: "root", Group: "root"},
			})
		}
	}
}

// file writes text where the packager can read it.
func (b *linuxBuilder) file(text []byte) string {
	b.count++
	name := filepath.Join(b.scratch, fmt.Sprint(b.count))
	err := os.WriteFile(name, text, 0o644)
	if err == nil {
		err = os.Chtimes(name, b.release.built, b.release.built)
	}
	b.err = errors.Join(b.err, err)
	return name
}

// script gives the file of a script of the format, or nothing where it has none.
func (b *linuxBuilder) script(name string) string {
	text, err := linuxTexts.ReadFile(path.Join("linux", b.format.packager, name))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	filled, err := fill(string(text), struct{ Version, Welcome string }{debianVersion(b.release), linuxWelcome})
	b.err = errors.Join(b.err, err)
	return b.file(filled)
}

// fill writes a text with its gaps filled.
func fill(text string, values any) ([]byte, error) {
	made, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = made.Execute(&out, values)
	return out.Bytes(), err
}

// scriptNames are the scripts in nfpm's order; Debian has names of its own.
var scriptNames = map[string][4]string{
	"deb":       {"preinst", "postinst", "prerm", "postrm"},
	"rpm":       {"preinstall", "postinstall", "preremove", "postremove"},
	"apk":       {"preinstall", "postinstall", "preremove", "postremove"},
	"archlinux": {"preinstall", "postinstall", "preremove", "postremove"},
}

func (b *linuxBuilder) info(t target) *nfpm.Info {
	names := scriptNames[b.format.packager]
	info := &nfpm.Info{
		Name: "flattr", Arch: t.arch, Platform: "linux",
		Version: b.release.numbers, Prerelease: b.release.before, VersionSchema: "none", Release: "1",
		Section: "net", Priority: "optional", Maintainer: maintainer, Homepage: homepage,
		License: "Apache-2.0", Description: description, MTime: b.release.built,
		Overridables: nfpm.Overridables{
			Contents: b.contents,
			Scripts: nfpm.Scripts{
				PreInstall: b.script(names[0]), PostInstall: b.script(names[1]),
				PreRemove: b.script(names[2]), PostRemove: b.script(names[3]),
			},
		},
	}
	if b.format.packager == "deb" {
		info.Release = "" // a native package, without a revision
	}
	b.format.details(info, b.script)
	return nfpm.WithDefaults(info)
}

// pack writes the package.
func pack(info *nfpm.Info, format, out string) (string, error) {
	packager, err := nfpm.Get(format)
	if err != nil {
		return "", fmt.Errorf("find packager: %w", err)
	}
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return "", fmt.Errorf("prepare package: %w", err)
	}
	name := filepath.Join(out, packager.ConventionalFileName(info))
	file, err := os.Create(name)
	if err != nil {
		return "", fmt.Errorf("create package: %w", err)
	}
	if err := errors.Join(packager.Package(info, file), file.Close()); err != nil {
		os.Remove(name)
		return "", fmt.Errorf("write package: %w", err)
	}
	return name, nil
}

// debianVersion sorts what comes before a version before it.
func debianVersion(r release) string {
	if r.before == "" {
		return r.numbers
	}
	return r.numbers + "~" + r.before
}

// debianPlace knows where Debian's zsh looks, and that its copyright file
// stands for the licence.
func debianPlace(place string) string {
	if place == linuxLicence {
		return ""
	}
	return strings.Replace(place, "/usr/share/zsh/site-functions/", "/usr/share/zsh/vendor-completions/", 1)
}

func debianPieces(r release) ([]piece, error) {
	return []piece{
		{text: mustRead("linux/deb/copyright"), mode: 0o644, linux: "/usr/share/doc/flattr/copyright"},
		{text: gzipped(changelog(r)), mode: 0o644, linux: "/usr/share/doc/flattr/changelog.gz"},
		{text: mustRead("linux/deb/lintian-overrides"), mode: 0o644, linux: "/usr/share/lintian/overrides/flattr"},
	}, nil
}

// rpmPieces add the folder in which Firefox of distributions with /usr/lib64
// looks.
func rpmPieces(r release) ([]piece, error) {
	text, err := r.ask("native-host", "--print-manifest", "firefox", "--executable", linuxDaemon)
	return []piece{{text: text, mode: 0o644, linux: "/usr/lib64/mozilla/native-messaging-hosts/" + manifestName}}, err
}

func mustRead(name string) []byte {
	text, err := linuxTexts.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return text
}

// changelog is the package's own; what changed in Flattr stands in
// CHANGELOG.md.
func changelog(r release) []byte {
	return fmt.Appendf(nil, "flattr (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md of the project for what changed.\n\n -- %s  %s\n",
		debianVersion(r), maintainer, r.built.Format(time.RFC1123Z))
}
