package main

import (
	"bytes"
	_ "embed" // the templates
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

var (
	//go:embed windows/flattr.nsi
	setupText string
	//go:embed windows/flattr.wxs
	msiText string
	//go:embed windows/open.js
	msiOpen []byte
	//go:embed windows/test-only.crt
	testCertificate []byte
	//go:embed windows/test-only.key
	testKey []byte
)

// registration is a browser's key in the registry and the manifest to which
// it points.
type registration struct{ Key, Manifest string }

func registrations() []registration {
	var all []registration
	for _, b := range browsers {
		kind := "chromium"
		if b.reads == "firefox" {
			kind = "firefox"
		}
		all = append(all, registration{b.windowsKey + `\` + hostName, kind + ".json"})
	}
	return all
}

// windowsFile is a file to install; Source is where the maker finds it.
type windowsFile struct{ Name, Source string }

// windowsFolder is a folder below the program's, "" for that itself.
type windowsFolder struct {
	Below string // with backslashes, one in front
	Files []windowsFile
}

// staged calls pack with a folder in which everything to install is laid out.
func (r release) staged(pack func(scratch string, folders []windowsFolder) error) error {
	scratch, err := os.MkdirTemp("", "flattr-windows-")
	if err != nil {
		return fmt.Errorf("make scratch folder: %w", err)
	}
	defer os.RemoveAll(scratch)
	folders, err := r.stage(scratch)
	if err != nil {
		return err
	}
	return pack(scratch, folders)
}

// stage lays out what is installed, with the time of the build, and gives the
// folders, outer ones first. The program is signed already.
func (r release) stage(scratch string) ([]windowsFolder, error) {
	pieces, err := r.pieces(windowsAMD64)
	if err != nil {
		return nil, err
	}
	byFolder := map[string][]windowsFile{}
	for i, p := range pieces {
		if p.windows == "" {
			continue
		}
		text, err := p.read()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p.windows, err)
		}
		source := filepath.Join(scratch, fmt.Sprintf("file-%03d", i))
		if err := os.WriteFile(source, text, 0o644); err != nil {
			return nil, fmt.Errorf("lay out %s: %w", p.windows, err)
		}
		if path.Ext(p.windows) == ".exe" {
			if err := r.sign(source, source, "Flattr companion"); err != nil {
				return nil, err
			}
		}
		if err := os.Chtimes(source, r.built, r.built); err != nil {
			return nil, fmt.Errorf("lay out %s: %w", p.windows, err)
		}
		below := ""
		if folder := path.Dir(p.windows); folder != "." {
			below = `\` + strings.ReplaceAll(folder, "/", `\`)
		}
		byFolder[below] = append(byFolder[below], windowsFile{path.Base(p.windows), source})
	}
	var folders []windowsFolder
	for below, files := range byFolder {
		slices.SortFunc(files, func(a, b windowsFile) int { return strings.Compare(a.Name, b.Name) })
		folders = append(folders, windowsFolder{below, files})
	}
	slices.SortFunc(folders, func(a, b windowsFolder) int { return strings.Compare(a.Below, b.Below) })
	return folders, nil
}

// writeSetup writes the setup program by makensis.
func writeSetup(r release) ([]string, error) {
	name := filepath.Join(r.out, fmt.Sprintf("flattr-%s-windows-amd64-setup.exe", r.version))
	return []string{name}, r.staged(func(scratch string, folders []windowsFolder) error { return r.setup(name, scratch, folders) })
}

func (r release) setup(name, scratch string, folders []windowsFolder) error {
	unsigned := filepath.Join(scratch, "flattr.exe")
	script, err := fill(setupText, struct {
		Out, Version, Numbers string
		Folders               []windowsFolder
		Removed               []string // folders to remove, inner ones first
		Browsers              []registration
	}{unsigned, r.version, r.numbers, folders, innerFirst(folders), registrations()})
	if err != nil {
		return err
	}
	file := filepath.Join(scratch, "flattr.nsi")
	if err := os.WriteFile(file, script, 0o644); err != nil {
		return err
	}
	if err := r.tool(scratch, "makensis", "-V2", "-WX", "-INPUTCHARSET", "UTF8", file); err != nil {
		return err
	}
	return r.sign(unsigned, name, "Flattr setup")
}

// innerFirst are all folders below the program's, also those that hold only
// folders.
func innerFirst(folders []windowsFolder) []string {
	found := map[string]bool{}
	for _, folder := range folders {
		for below := folder.Below; below != ""; below = below[:strings.LastIndex(below, `\`)] {
			found[below] = true
		}
	}
	var all []string
	for below := range found {
		all = append(all, below)
	}
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(b, a) })
	return all
}

// upgradeCode is what all versions of the MSI have in common; it must never
// change.
var upgradeCode = uuid.MustParse("b1c3a7de-6c3f-5b0e-9d53-3f6f4a3f0c11")

// code gives the GUID of something in the MSI; the same thing has the same.
func code(of string) string {
	return strings.ToUpper(uuid.NewSHA1(upgradeCode, []byte(of)).String())
}

// writeMSI writes the package for Windows' own installer by wixl.
func writeMSI(r release) ([]string, error) {
	name := filepath.Join(r.out, fmt.Sprintf("flattr-%s-windows-amd64.msi", r.version))
	return []string{name}, r.staged(func(scratch string, folders []windowsFolder) error { return r.msi(name, scratch, folders) })
}

func (r release) msi(name, scratch string, folders []windowsFolder) error {
	tree, components := msiTree(folders)
	text, err := fill(msiText, struct {
		Version, Numbers, ProductCode, UpgradeCode, BrowsersCode, Tree string
		Browsers                                                       []registration
		Components                                                     []string
	}{
		r.version, r.numbers, code("product " + r.version),
		strings.ToUpper(upgradeCode.String()), code("browsers"), tree, registrations(), components,
	})
	if err != nil {
		return err
	}
	source, unsigned := filepath.Join(scratch, "flattr.wxs"), filepath.Join(scratch, "flattr.msi")
	script := filepath.Join(scratch, "open.js")
	if err := errors.Join(os.WriteFile(source, text, 0o644), os.WriteFile(script, msiOpen, 0o644), os.Chtimes(script, r.built, r.built)); err != nil {
		return fmt.Errorf("lay out the MSI: %w", err)
	}
	// Both write the present time and know no other; wixl numbers packages by chance.
	stopped := []string{"-f", r.built.Format(time.DateTime)}
	if err := r.tool(scratch, "faketime", append(stopped, "wixl", "--arch", "x64", "--output", unsigned, source)...); err != nil {
		return err
	}
	number := "{" + code(fmt.Sprintf("package %s %d", r.version, r.built.Unix())) + "}"
	if err := r.tool(scratch, "faketime", append(stopped, "msibuild", unsigned, "-s", "Flattr "+r.version, "Flattr maintainers", "x64;1033", number)...); err != nil {
		return err
	}
	if err := r.tool(scratch, "msibuild", append([]string{unsigned}, recovery()...)...); err != nil {
		return err
	}
	return r.sign(unsigned, name, "Flattr")
}

// recovery has Windows start the service again a second after it failed, each
// time; failures are forgotten after a day. wixl does not know the table.
func recovery() []string {
	return []string{
		"-q", "CREATE TABLE `MsiServiceConfigFailureActions` (`MsiServiceConfigFailureActions` CHAR(72) NOT NULL, `Name` CHAR(255) NOT NULL LOCALIZABLE, " +
			"`Event` LONG NOT NULL, `ResetPeriod` LONG, `RebootMessage` CHAR(255) LOCALIZABLE, `Command` CHAR(255) LOCALIZABLE, `Actions` CHAR(255), " +
			"`DelayActions` CHAR(255), `Component_` CHAR(72) NOT NULL PRIMARY KEY `MsiServiceConfigFailureActions`)",
		"INSERT INTO `MsiServiceConfigFailureActions` (`MsiServiceConfigFailureActions`, `Name`, `Event`, `ResetPeriod`, `Actions`, `DelayActions`, `Component_`) " +
			"VALUES ('Recovery', 'flattrd', 1, 86400, '1[~]1[~]1', '1000[~]1000[~]1000', '" + id("c", `\flattrd.exe`) + "')",
		"INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('MsiConfigureServices', 'VersionMsi >= \"5.00\"', 5850)",
	}
}

// msiTree writes the folders and files as WiX wants them, one component a
// file, and gives the components' ids.
func msiTree(folders []windowsFolder) (tree string, components []string) {
	var out strings.Builder
	for _, folder := range folders {
		names := strings.Split(strings.TrimPrefix(folder.Below, `\`), `\`)
		if folder.Below == "" {
			names = nil
		}
		// A folder that was opened before is opened again under another id; the
		// installer sees by the names that they are one.
		for i, name := range names {
			fmt.Fprintf(&out, `<Directory Id="%s" Name="%s">`+"\n", id("d", folder.Below+"|"+strings.Join(names[:i+1], `\`)), escaped(name))
		}
		for _, file := range folder.Files {
			whole := folder.Below + `\` + file.Name
			component := id("c", whole)
			components = append(components, component)
			fmt.Fprintf(&out, `<Component Id="%s" Guid="%s" Win64="yes"><File Id="%s" Name="%s" Source="%s" KeyPath="yes"/>`,
				component, code("file "+whole), id("f", whole), escaped(file.Name), escaped(filepath.Base(file.Source)))
			switch file.Name {
			case "flattrd.exe":
				out.WriteString(msiService)
			case "welcome.html":
				out.WriteString(`<Shortcut Id="Menu" Directory="ProgramMenuFolder" Name="Flattr" Target="[INSTALLDIR]welcome.html"/>`)
			}
			out.WriteString("</Component>\n")
		}
		out.WriteString(strings.Repeat("</Directory>\n", len(names)))
	}
	return out.String(), components
}

// msiService has the companion started with Windows, and stopped before its
// program goes.
const msiService = `
<ServiceInstall Id="Service" Name="flattrd" DisplayName="Flattr companion" Description="Keeps clicks on Flattr buttons and carries them to the ledger" Type="ownProcess" Start="auto" ErrorControl="normal" Arguments="run"/>
<ServiceControl Id="ServiceControl" Name="flattrd" Start="install" Stop="both" Remove="uninstall" Wait="yes"/>
`

// id makes an identifier of the MSI, which may hold few characters.
func id(kind, of string) string {
	return kind + strings.ReplaceAll(code(of), "-", "")
}

func escaped(text string) string {
	var out bytes.Buffer
	xml.EscapeText(&out, []byte(text)) // a buffer takes everything
	return out.String()
}

// sign signs a program or an MSI with the certificate that the environment
// names, else with the one for tests, which nobody trusts.
func (r release) sign(in, out, what string) error {
	certificate, key := os.Getenv("FLATTR_SIGN_CERTIFICATE"), os.Getenv("FLATTR_SIGN_KEY")
	scratch, err := os.MkdirTemp("", "flattr-sign-")
	if err != nil {
		return fmt.Errorf("make scratch folder: %w", err)
	}
	defer os.RemoveAll(scratch)
	if certificate == "" {
		certificate, key = filepath.Join(scratch, "certificate"), filepath.Join(scratch, "key")
		if err := errors.Join(os.WriteFile(certificate, testCertificate, 0o600), os.WriteFile(key, testKey, 0o600)); err != nil {
			return err
		}
	}
	if certificate, err = filepath.Abs(certificate); err != nil {
		return err
	}
	if key, err = filepath.Abs(key); err != nil {
		return err
	}
	signed := filepath.Join(scratch, "signed"+filepath.Ext(out))
	if err := r.tool(scratch, "osslsigncode", "sign", "-certs", certificate, "-key", key, "-h", "sha256", "-n", what,
		"-time", fmt.Sprint(r.built.Unix()), "-in", in, "-out", signed); err != nil {
		return err
	}
	text, err := os.ReadFile(signed)
	if err != nil {
		return fmt.Errorf("sign %s: %w", what, err)
	}
	return os.WriteFile(out, text, 0o644)
}

// tool runs a program that makes packages in a folder; what it writes has the
// time of the build where it can be told so.
func (r release) tool(folder, name string, args ...string) error {
	if _, err := exec.LookPath(name); err != nil {
		return fmt.Errorf("%s is missing; install what .ci/install packages names", name)
	}
	command := exec.Command(name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.built.Unix()), "TZ=UTC")
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, said)
	}
	return nil
}
