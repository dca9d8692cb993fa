package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// entry is a file in an archive.
type entry struct {
	name string // with slashes, below the archive's top
	text []byte
	mode os.FileMode
}

// sorted puts entries in the one order that does not depend on a file system.
func sorted(entries []entry) []entry {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return entries
}

// writeTar writes a tar.gz. Files belong to root and have the time of the
// build, so that the same files give the same bytes.
func writeTar(name string, entries []entry, built time.Time) error {
	var buffer bytes.Buffer
	packed, err := gzip.NewWriterLevel(&buffer, gzip.BestCompression)
	if err != nil {
		return err
	}
	out := tar.NewWriter(packed)
	folders := map[string]bool{".": true}
	for _, e := range sorted(entries) {
		for _, folder := range missingFolders(e.name, folders) {
			header := &tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: built, Uname: "root", Gname: "root", Format: tar.FormatPAX}
			if err := out.WriteHeader(header); err != nil {
				return fmt.Errorf("write %s: %w", name, err)
			}
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.text)), Mode: int64(e.mode), ModTime: built, Uname: "root", Gname: "root", Format: tar.FormatPAX}
		if err := out.WriteHeader(header); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if _, err := out.Write(e.text); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := packed.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.WriteFile(name, buffer.Bytes(), 0o644)
}

// missingFolders are those above a file that are not known yet, outermost first.
func missingFolders(name string, known map[string]bool) []string {
	var missing []string
	for folder := path.Dir(name); !known[folder]; folder = path.Dir(folder) {
		known[folder] = true
		missing = append(missing, folder)
	}
	slices.Reverse(missing)
	return missing
}

// writeZip writes a zip, with the same promise as writeTar.
func writeZip(name string, entries []entry, built time.Time) error {
	var buffer bytes.Buffer
	out := zip.NewWriter(&buffer)
	out.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, e := range sorted(entries) {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: built}
		header.SetMode(e.mode)
		file, err := out.CreateHeader(header)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if _, err := file.Write(e.text); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.WriteFile(name, buffer.Bytes(), 0o644)
}
