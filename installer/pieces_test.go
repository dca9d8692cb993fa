package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var someRelease = release{version: "1.2.3-rc1", numbers: "1.2.3", before: "rc1", built: time.Unix(1_700_000_000, 0).UTC()}

func TestChangelogIsOneDebianReads(t *testing.T) {
	text := string(changelog(someRelease))
	for _, part := range []string{"flattr (1.2.3~rc1) unstable;", "\n -- ", "Tue, 14 Nov 2023 22:13:20 +0000\n"} {
		if !strings.Contains(text, part) {
			t.Errorf("changelog = %q, want it to hold %q", text, part)
		}
	}
}

func TestEachBrowserIsServedOnEachSystem(t *testing.T) {
	want := map[string]bool{"chrome": true, "chromium": true, "edge": true, "brave": true, "vivaldi": true, "firefox": true}
	places := map[string]string{}
	for _, b := range browsers {
		delete(want, b.name)
		for _, place := range []string{b.linux, "~/" + b.linuxUser, "mac " + b.macOS, b.windowsKey} {
			if other, taken := places[place]; taken {
				t.Errorf("%s has the place of %s: %s", b.name, other, place)
			}
			places[place] = b.name
		}
	}
	if len(want) > 0 {
		t.Errorf("no place for %v", want)
	}
}

// The same files give the same bytes, whatever order and time they came in.
func TestArchivesAreTheSameEachTime(t *testing.T) {
	entries := []entry{{"top/b/c", []byte("c"), 0o755}, {"top/a", []byte("a"), 0o644}}
	turned := []entry{entries[1], entries[0]}
	for name, write := range map[string]func(string, []entry, time.Time) error{"tar": writeTar, "zip": writeZip} {
		first, second := filepath.Join(t.TempDir(), "1"), filepath.Join(t.TempDir(), "2")
		if err := errors.Join(write(first, entries, someRelease.built), write(second, turned, someRelease.built)); err != nil {
			t.Fatal(err)
		}
		a, _ := os.ReadFile(first)
		b, err := os.ReadFile(second)
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: two archives of the same files differ: %v", name, err)
		}
	}
}

func TestTheArchiveHoldsItsFoldersAndModes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.tar.gz")
	if err := writeTar(file, []entry{{"top/b/c", []byte("see"), 0o755}}, someRelease.built); err != nil {
		t.Fatal(err)
	}
	packed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for reader := tar.NewReader(plain); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
		if header.Uid != 0 || !header.ModTime.Equal(someRelease.built) || header.Mode != 0o755 {
			t.Errorf("%s belongs to %d, is of %v, mode %o", header.Name, header.Uid, header.ModTime, header.Mode)
		}
	}
	if got := strings.Join(names, " "); got != "top/ top/b/ top/b/c" {
		t.Errorf("names = %s", got)
	}
}

func TestTheStoreOfChromeGetsNoKey(t *testing.T) {
	manifest, err := os.ReadFile(filepath.Join("..", "extension", "static", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := someRelease
	r.extension, r.out = t.TempDir(), t.TempDir()
	for _, store := range []string{"chrome", "firefox"} {
		if err := errors.Join(os.Mkdir(filepath.Join(r.extension, store), 0o755), os.WriteFile(filepath.Join(r.extension, store, "manifest.json"), manifest, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	written, err := writeExtension(r)
	if err != nil || len(written) != 2 {
		t.Fatalf("writeExtension = %v, %v", written, err)
	}
	for i, keyed := range []bool{false, true} {
		archive, err := zip.OpenReader(written[i])
		if err != nil {
			t.Fatal(err)
		}
		file, err := archive.Open("manifest.json")
		if err != nil {
			t.Fatal(err)
		}
		var read map[string]any
		if err := json.NewDecoder(file).Decode(&read); err != nil {
			t.Fatal(err)
		}
		if _, has := read["key"]; has != keyed || read["name"] == nil {
			t.Errorf("%s: key %v, want %v", written[i], has, keyed)
		}
		archive.Close()
	}
	if err := withoutKey([]entry{{"manifest.json", []byte(`{"key":"other form"}`), 0}}); err == nil {
		t.Error("a key in another form went to the store")
	}
}

func TestTheTreeOfTheMSIIsXMLWithOneServiceAndIdsOfItsOwn(t *testing.T) {
	tree, components := msiTree([]windowsFolder{
		{"", []windowsFile{{"flattrd.exe", "/x/1"}, {"welcome.html", "/x/2"}}},
		{`\extension\_locales\de`, []windowsFile{{"messages.json", "/x/3"}}},
		{`\extension\_locales\en`, []windowsFile{{"messages.json", "/x/4"}}},
	})
	ids, services := map[string]bool{}, 0
	for decoder := xml.NewDecoder(strings.NewReader("<x>" + tree + "</x>")); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if start.Name.Local == "ServiceInstall" {
			services++
		}
		for _, a := range start.Attr {
			if a.Name.Local == "Id" && ids[a.Value] {
				t.Errorf("id %s is given twice", a.Value)
			}
			if a.Name.Local == "Id" {
				ids[a.Value] = true
			}
		}
	}
	if services != 1 || len(components) != 4 {
		t.Errorf("%d services, %d components, want 1 and 4", services, len(components))
	}
}

func TestTheSetupTakesBackWhatItLays(t *testing.T) {
	removed := innerFirst([]windowsFolder{{Below: ""}, {Below: `\extension\_locales\de`}, {Below: `\extension`}})
	if got := strings.Join(removed, " "); got != `\extension\_locales\de \extension\_locales \extension` {
		t.Errorf("folders to remove = %s", got)
	}
}

func TestTheExtensionsPackagesAreThoseOfItsLock(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "package-lock.json")
	text := `{"packages":{"":{"version":"1.0.0"},"node_modules/@a/b":{"version":"2.0.0","license":"MIT"},"node_modules/c/node_modules/@a/b":{"version":"2.0.0"},"node_modules/c":{"version":"3.0.0"}}}`
	if err := os.WriteFile(lock, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	components, err := npmComponents(lock)
	if err != nil || len(components) != 2 {
		t.Fatalf("npmComponents = %+v, %v, want two", components, err)
	}
	for _, c := range components {
		if c.PackageURL != "pkg:npm/%40a/b@2.0.0" && c.PackageURL != "pkg:npm/c@3.0.0" {
			t.Errorf("purl = %s", c.PackageURL)
		}
	}
}
