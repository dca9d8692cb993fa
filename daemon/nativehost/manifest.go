package nativehost

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"flattr/daemon/wire"
)

// ManifestName is the file name under which browsers look for the host.
const ManifestName = wire.NativeHost + ".json"

// Browser is a kind of browser; they differ in how a manifest names extensions.
type Browser string

// The kinds of browsers. Edge, Brave and Vivaldi read Chrome's form.
const (
	Chrome   Browser = "chrome"
	Chromium Browser = "chromium"
	Firefox  Browser = "firefox"
)

// manifest is the file a browser reads before it starts the host.
type manifest struct {
	Name              string   `json:"name"`
	Description       string   `json:"description"`
	Path              string   `json:"path"`
	Type              string   `json:"type"`
	AllowedOrigins    []string `json:"allowed_origins,omitempty"`
	AllowedExtensions []string `json:"allowed_extensions,omitempty"`
}

// Manifest gives the manifest of one kind of browser. executable is the
// absolute path of flattrd: a manifest can carry no arguments, flattrd sees by
// how it is called that it is the host.
func Manifest(browser Browser, executable string) ([]byte, error) {
	if !filepath.IsAbs(executable) {
		return nil, fmt.Errorf("write the host's manifest: %q is no absolute path", executable)
	}
	m := manifest{
		Name: wire.NativeHost, Description: "Flattr companion: pairs the browser with flattrd",
		Path: executable, Type: "stdio",
	}
	switch browser {
	case Chrome, Chromium:
		for _, id := range ChromiumIDs {
			m.AllowedOrigins = append(m.AllowedOrigins, chromiumScheme+id+"/")
		}
	case Firefox:
		m.AllowedExtensions = []string{FirefoxID}
	default:
		return nil, fmt.Errorf("write the host's manifest: no browser %q; there are chrome, chromium and firefox", browser)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the host's manifest: %w", err)
	}
	return append(text, '\n'), nil
}
