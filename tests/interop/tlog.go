// SPDX-License-Identifier: Apache-2.0

// A log of pcc-log, read by the Go project's own packages for its checksum
// database (golang.org/x/mod/sumdb, Debian's golang-golang-x-mod-dev):
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run tlog.go FOLDER LOG-KEY [OLDER-CHECKPOINT]
//
// The checkpoint's signature, every entry by its record proof, every tile that
// these need, and the growth from an older head are judged there, not here.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		log.Fatal("tlog.go: ", err)
	}
}

type head struct {
	size int64
	root tlog.Hash
}

func readHead(path string, verifier note.Verifier) head {
	bytes, err := os.ReadFile(path)
	must(err)
	opened, err := note.Open(bytes, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		log.Fatal("tlog.go: another origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	var found head
	found.size = size
	copy(found.root[:], raw)
	return found
}

// Paths are the package's, without the height that is always 8.
type folder struct {
	path string
	read int
}

func (f *folder) Height() int                          { return 8 }
func (f *folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (f *folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		bytes, err := os.ReadFile(filepath.Join(f.path, path))
		if err != nil {
			return nil, err
		}
		f.read++
		data = append(data, bytes)
	}
	return data, nil
}

func readEntries(path string, size int64) [][]byte {
	var entries [][]byte
	for at := int64(0); at < size; at += 256 {
		tile := tlog.Tile{H: 8, L: 0, N: at / 256, W: 256}
		if size-at < 256 {
			tile.W = int(size - at)
		}
		name := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		bundle, err := os.ReadFile(filepath.Join(path, name))
		must(err)
		for i := 0; i < tile.W; i++ {
			length := binary.BigEndian.Uint16(bundle)
			entries = append(entries, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
		if len(bundle) != 0 {
			log.Fatal("tlog.go: a bundle is too long")
		}
	}
	return entries
}

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: tlog.go FOLDER LOG-KEY [OLDER-CHECKPOINT]")
	}
	key, err := os.ReadFile(os.Args[2])
	must(err)
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	must(err)
	now := readHead(filepath.Join(os.Args[1], "checkpoint"), verifier)
	tiles := &folder{path: os.Args[1]}
	hashes := tlog.TileHashReader(tlog.Tree{N: now.size, Hash: now.root}, tiles)
	for i, entry := range readEntries(os.Args[1], now.size) {
		proof, err := tlog.ProveRecord(now.size, int64(i), hashes)
		must(err)
		must(tlog.CheckRecord(proof, now.size, now.root, int64(i), tlog.RecordHash(entry)))
	}
	fmt.Printf("%d entries of %s, %d tiles read\n", now.size, verifier.Name(), tiles.read)
	if len(os.Args) > 3 {
		older := readHead(os.Args[3], verifier)
		proof, err := tlog.ProveTree(now.size, older.size, hashes)
		must(err)
		must(tlog.CheckTree(proof, now.size, now.root, older.size, older.root))
		fmt.Printf("it grew from %d\n", older.size)
	}
}
