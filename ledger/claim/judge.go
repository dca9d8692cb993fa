package claim

import (
	"context"
	"net/url"
	"strings"

	"flattr/ledger/flattr"
)

// voice is one of the proofs and whom it names.
type voice struct {
	proof flattr.Proof
	ids   []string
}

// judge makes of what a site says what it means for one claim. Where two proofs
// name different members nothing is guessed, also where the whole host names one
// and a page of it another: the host has lines for its parts.
func (k *Keeper) judge(ctx context.Context, c flattr.Claim, said answers) (flattr.Finding, error) {
	path := pathOf(c.Key)
	if url := optOut(c.URL, path, said); url != "" {
		return flattr.Finding{Fault: flattr.FaultOptedOut, OptOut: url}, nil
	}
	byFile, _ := ruling(said.file, path)
	byRecord, _ := ruling(said.records, "/")
	voices := []voice{{flattr.ProofDNS, byRecord}, {flattr.ProofFile, byFile}}
	switch page := said.page; {
	case strings.HasPrefix(page.id, flattr.PartnerPrefix):
		voices = append(voices, voice{flattr.ProofPartner, []string{page.id}})
	case page.id != "":
		voices = append(voices, voice{flattr.ProofMeta, []string{page.id}})
	case len(page.payment) == 1 && strings.HasPrefix(page.payment[0], flattr.PartnerPrefix):
		voices = append(voices, voice{flattr.ProofPartner, page.payment})
	}
	var f flattr.Finding
	for _, v := range voices {
		for _, id := range v.ids {
			who, err := k.who(ctx, hostOf(c.URL), id)
			switch {
			case err != nil:
				return f, err
			case who == 0:
			case who == c.Member:
				if f.Proof == "" {
					f.Proof = v.proof
				}
			case f.Other == 0:
				f.Other = who
			}
		}
	}
	switch {
	case f.Proof != "" && f.Other != 0:
		f.Fault = flattr.FaultAmbiguous
	case f.Proof != "":
	case f.Other != 0:
		f.Fault = flattr.FaultOther
	case said.pageErr != nil && said.fileErr != nil:
		f.Fault = flattr.FaultUnreachable
	default:
		f.Fault = flattr.FaultAbsent
	}
	return f, nil
}

// optOut is the widest URL around a path that wants no money, or "".
func optOut(raw, path string, said answers) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	at := func(path string) string { return u.Scheme + "://" + u.Host + path }
	if _, out := ruling(said.records, "/"); out != "" {
		return at("/")
	}
	if _, out := ruling(said.file, path); out != "" {
		return at(out)
	}
	if said.page.id == none {
		return at(path)
	}
	return ""
}
