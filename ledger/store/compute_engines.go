package store

import "github.com/pressly/goose/v3"

// packing is how an engine packs a thing and the click c.click as text.
type packing struct{ thing, click string }

func (tx *Tx) packing() packing {
	if tx.dialect == goose.DialectPostgres {
		return packing{thing: "CAST(%s AS TEXT)", click: "encode(c.click, 'hex')"}
	}
	return packing{thing: "%s", click: "hex(c.click)"}
}
