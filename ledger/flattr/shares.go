package flattr

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"flattr/ledger/money"
)

// Shares divides a reader's budget of a month over the clicks (product rule 4):
// the units that are left over go one each to the clicks that come first in
// the order of SHA-256 over "2026-11|click id". The shares stand in the order
// of clicks and add up to the budget; without clicks there are none.
func Shares(month Month, budget money.Micro, clicks []EventID) []money.Micro {
	if len(clicks) == 0 {
		return nil
	}
	return new(Splitter).Shares(month, budget, clicks)
}

// Splitter is Shares for many readers one after the other: it uses its memory
// again. The zero Splitter is ready.
type Splitter struct {
	shares []money.Micro
	keys   []uint64 // the first 8 bytes of the hash of each click
	sorted []uint64
	month  Month
	text   [8 + 36]byte // "2026-11|" and a click id
}

// Shares is the function Shares. The answer holds until the next call.
func (s *Splitter) Shares(month Month, budget money.Micro, clicks []EventID) []money.Micro {
	s.shares = s.shares[:0]
	if len(clicks) == 0 {
		return s.shares
	}
	share, odd := money.Split(budget, len(clicks))
	for range clicks {
		s.shares = append(s.shares, share)
	}
	if odd == 0 {
		return s.shares // nothing is left over, and hashing costs most
	}
	if month != s.month {
		s.month = month
		copy(s.text[:], month.String()+"|")
	}
	s.keys = s.keys[:0]
	for i := range clicks {
		sum := s.hash(clicks[i])
		s.keys = append(s.keys, binary.BigEndian.Uint64(sum[:]))
	}
	s.sorted = append(s.sorted[:0], s.keys...)
	slices.Sort(s.sorted)
	last := s.sorted[odd-1]
	if odd < len(clicks) && s.sorted[odd] == last {
		s.giveByWholeHash(odd, clicks)
		return s.shares
	}
	for i, key := range s.keys {
		if key <= last {
			s.shares[i]++
		}
	}
	return s.shares
}

// hash is SHA-256 over "2026-11|click id".
func (s *Splitter) hash(id EventID) [sha256.Size]byte {
	text := s.text[8:]
	hex.Encode(text[0:8], id[0:4])
	text[8] = '-'
	hex.Encode(text[9:13], id[4:6])
	text[13] = '-'
	hex.Encode(text[14:18], id[6:8])
	text[18] = '-'
	hex.Encode(text[19:23], id[8:10])
	text[23] = '-'
	hex.Encode(text[24:36], id[10:16])
	return sha256.Sum256(s.text[:])
}

// giveByWholeHash gives the odd units where 8 bytes do not tell the clicks apart.
func (s *Splitter) giveByWholeHash(odd int, clicks []EventID) {
	order := make([]int, len(clicks))
	sums := make([][sha256.Size]byte, len(clicks))
	for i := range clicks {
		order[i], sums[i] = i, s.hash(clicks[i])
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(sums[a][:], sums[b][:]) })
	for _, i := range order[:odd] {
		s.shares[i]++
	}
}

// Divide divides what a thing gets among its authors, in their order: each part
// is rounded down, and the rest goes to the first author named (product rule 13).
func Divide(gross money.Micro, parts []Part) []money.Micro {
	if len(parts) == 0 {
		return nil
	}
	rest, divided := gross, make([]money.Micro, len(parts))
	for i, p := range parts {
		divided[i] = money.Part(gross, p.BP)
		rest -= divided[i]
	}
	divided[0] += rest
	return divided
}
