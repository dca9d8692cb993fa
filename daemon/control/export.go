package control

import "flattr/daemon/wire"

// Export is answered with an ExportPage; the argument is the page's cursor, ""
// for the first.
const Export Command = "export"

// ExportPage is a part of a user's clicks, newest first within an account.
type ExportPage struct {
	Clicks []ExportedClick `json:"clicks"`
	Next   string          `json:"next,omitempty"` // cursor of the page after; "": this is the last
}

// ExportedClick is a click, and whose it is.
type ExportedClick struct {
	Account string `json:"account"` // the member's name
	Ledger  string `json:"ledger"`  // origin
	wire.ClickRow
}
