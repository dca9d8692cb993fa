package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// manifestKey is the part of the extension's manifest that pins its id where
// it is loaded from a folder. The Chrome Web Store refuses a manifest with it:
// the store has a key of its own. Its id then belongs into extension/ids.json.
var manifestKey = regexp.MustCompile(`\s*"key":\s*"[A-Za-z0-9+/=]+",`)

// writeExtension writes what is sent to the stores: one zip for Chrome and its
// relatives, one for Firefox.
func writeExtension(r release) ([]string, error) {
	var written []string
	for _, store := range []string{"chrome", "firefox"} {
		entries, err := folder(filepath.Join(r.extension, store))
		if err != nil {
			return nil, fmt.Errorf("read the extension: %w; build it with make build", err)
		}
		if store == "chrome" {
			if err := withoutKey(entries); err != nil {
				return nil, err
			}
		}
		name := filepath.Join(r.out, fmt.Sprintf("flattr-extension-%s-%s.zip", r.version, store))
		if err := writeZip(name, entries, r.built); err != nil {
			return nil, err
		}
		written = append(written, name)
	}
	return written, nil
}

func withoutKey(entries []entry) error {
	for i, e := range entries {
		if e.name != "manifest.json" {
			continue
		}
		text := manifestKey.ReplaceAll(e.text, nil)
		if bytes.Contains(text, []byte(`"key"`)) || !json.Valid(text) {
			return errors.New("the key in the extension's manifest has another form than was known")
		}
		entries[i].text = text
		return nil
	}
	return errors.New("the extension has no manifest.json")
}

// folder reads all files below a folder.
func folder(top string) ([]entry, error) {
	var entries []entry
	err := filepath.WalkDir(top, func(file string, found fs.DirEntry, err error) error {
		if err != nil || found.IsDir() {
			return err
		}
		name, err := filepath.Rel(top, file)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		entries = append(entries, entry{filepath.ToSlash(name), text, 0o644})
		return nil
	})
	return entries, err
}
