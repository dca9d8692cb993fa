package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"
)

// writeSBOM writes the bills of materials: of the companion and the ledger
// what the Go linker wrote into the programs themselves, of the extension what
// its lock file names, of which the ledger's style sheet holds one.
func writeSBOM(r release) ([]string, error) {
	t, err := here()
	if err != nil {
		return nil, err
	}
	packages, err := npmComponents(r.npmLock)
	if err != nil {
		return nil, err
	}
	var written []string
	for _, name := range []string{"flattrd", "flattr-ledger"} {
		program, err := r.program(t, name)
		if err != nil {
			return nil, err
		}
		components, err := goComponents(program)
		if err != nil {
			return nil, err
		}
		if name == "flattr-ledger" {
			for _, c := range packages {
				if c.Name == "@picocss/pico" {
					c.Scope = cyclonedx.ScopeRequired
					components = append(components, c)
				}
			}
		}
		file, err := writeBill(r, name, components)
		if err != nil {
			return nil, err
		}
		written = append(written, file)
	}
	file, err := writeBill(r, "flattr-extension", packages)
	return append(written, file), err
}

// goComponents are the modules in a program, the Go standard library, and the
// C that is linked in.
func goComponents(program string) ([]cyclonedx.Component, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("read what %s is made of: %w", program, err)
	}
	components := []cyclonedx.Component{library("std", strings.TrimPrefix(info.GoVersion, "go"), "pkg:golang/std@"+strings.TrimPrefix(info.GoVersion, "go"))}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		components = append(components, library(module.Path, module.Version, "pkg:golang/"+module.Path+"@"+module.Version))
	}
	c, err := linkedC()
	return append(components, c...), err
}

// linkedC is the C in our programs: SQLite, whose source the Go module holds,
// and the C library of the machine that builds.
func linkedC() ([]cyclonedx.Component, error) {
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/mattn/go-sqlite3").Output()
	if err != nil {
		return nil, fmt.Errorf("find SQLite's source: %w", err)
	}
	header, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), "sqlite3-binding.h"))
	if err != nil {
		return nil, fmt.Errorf("find SQLite's version: %w", err)
	}
	sqlite := sqliteVersion.FindSubmatch(header)
	if sqlite == nil {
		return nil, errors.New("find SQLite's version: its header has another form than was known")
	}
	ask := exec.Command("gcc", "-E", "-P", "-")
	ask.Stdin = strings.NewReader("#include <features.h>\n__GLIBC__ __GLIBC_MINOR__\n")
	answer, err := ask.Output()
	numbers := strings.Fields(string(answer))
	if err != nil || len(numbers) != 2 {
		return nil, fmt.Errorf("ask gcc for the C library's version: %q, %w", answer, err)
	}
	glibc := strings.Join(numbers, ".")
	return []cyclonedx.Component{
		library("sqlite", string(sqlite[1]), "pkg:generic/sqlite@"+string(sqlite[1])),
		library("glibc", glibc, "pkg:generic/glibc@"+glibc),
	}, nil
}

var sqliteVersion = regexp.MustCompile(`(?m)^#define SQLITE_VERSION\s+"([0-9.]+)"`)

// npmComponents are the packages of a lock file. They build and test the
// extension; nothing of theirs is in it, which "excluded" says.
func npmComponents(lock string) ([]cyclonedx.Component, error) {
	text, err := os.ReadFile(lock)
	if err != nil {
		return nil, fmt.Errorf("read what the extension is made of: %w", err)
	}
	var read struct {
		Packages map[string]struct {
			Version   string `json:"version"`
			Integrity string `json:"integrity"`
			License   string `json:"license"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, fmt.Errorf("read what the extension is made of: %w", err)
	}
	seen := map[string]bool{}
	var components []cyclonedx.Component
	for place, found := range read.Packages {
		_, name, ok := cutLast(place, "node_modules/")
		purl := "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + found.Version
		if !ok || found.Version == "" || seen[purl] {
			continue
		}
		seen[purl] = true
		c := library(name, found.Version, purl)
		c.Scope = cyclonedx.ScopeExcluded
		if found.License != "" {
			c.Licenses = &cyclonedx.Licenses{{Expression: found.License}}
		}
		components = append(components, c)
	}
	return components, nil
}

func cutLast(text, mark string) (before, after string, found bool) {
	i := strings.LastIndex(text, mark)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(mark):], true
}

func library(name, version, purl string) cyclonedx.Component {
	return cyclonedx.Component{BOMRef: purl, Type: cyclonedx.ComponentTypeLibrary, Name: name, Version: version, PackageURL: purl}
}

// writeBill writes one bill in CycloneDX's JSON.
func writeBill(r release, name string, components []cyclonedx.Component) (string, error) {
	slices.SortFunc(components, func(a, b cyclonedx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	bill := cyclonedx.NewBOM()
	bill.Metadata = &cyclonedx.Metadata{
		Timestamp: r.built.Format("2006-01-02T15:04:05Z"),
		Component: &cyclonedx.Component{
			BOMRef: name, Type: cyclonedx.ComponentTypeApplication, Name: name, Version: r.version,
			Licenses: &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "Apache-2.0"}}},
		},
	}
	bill.Components = &components
	refs := make([]string, 0, len(components))
	for _, c := range components {
		refs = append(refs, c.BOMRef)
	}
	bill.Dependencies = &[]cyclonedx.Dependency{{Ref: name, Dependencies: &refs}}
	// The number is that of the content, so that it is the same in each build.
	content, err := json.Marshal(bill)
	if err != nil {
		return "", fmt.Errorf("write the bill of %s: %w", name, err)
	}
	bill.SerialNumber = "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, content).String()
	file := filepath.Join(r.out, fmt.Sprintf("%s-%s.cdx.json", name, r.version))
	out, err := os.Create(file)
	if err != nil {
		return "", fmt.Errorf("write the bill of %s: %w", name, err)
	}
	defer out.Close()
	if err := cyclonedx.NewBOMEncoder(out, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bill); err != nil {
		return "", fmt.Errorf("write the bill of %s: %w", name, err)
	}
	return file, nil
}
