package rest

import (
	"net/http"
	"testing"

	"flattr/ledger/store/storetest"
)

func TestFirstRoutes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		d.member("ann")
		d.thing(4711, "https://ann.example/", "Ann's pages", "ann")
		if got := d.wants(d.ask("GET", "/things/4711", ""), http.StatusOK, ""); got["title"] != "Ann's pages" || got["owner"].(map[string]any)["username"] != "ann" {
			t.Errorf("thing = %v", got)
		}
		if got := d.wants(d.ask("GET", "/users/ANN/", ""), http.StatusOK, ""); got["username"] != "ann" || got["link"] != "https://ledger.example/profile/ann" {
			t.Errorf("user = %v", got)
		}
		d.wants(d.ask("GET", "/users/nobody", ""), http.StatusNotFound, "not_found")
		d.wants(d.ask("GET", "/things/12", ""), http.StatusNotFound, "not_found")
		d.wants(d.ask("GET", "/nothing/of/this", ""), http.StatusNotFound, "not_found")
		d.wants(d.ask("DELETE", "/categories", ""), http.StatusMethodNotAllowed, "invalid_request")
		d.wants(d.ask("GET", "/categories", "", "Authorization: Bearer x"), http.StatusUnauthorized, "unauthorized")
		if got := d.wants(d.ask("GET", "/rate_limit", ""), http.StatusOK, ""); got["hourly_limit"] != 1000.0 || got["current_hits"].(float64) < 4 {
			t.Errorf("rate_limit = %v", got)
		}
	})
}
