package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	gopath "path"
	"runtime/debug"
	"strings"
	gosync "sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"flattr/ledger/api"
	"flattr/ledger/button"
	"flattr/ledger/claim"
	"flattr/ledger/feed"
	"flattr/ledger/oauth"
	"flattr/ledger/rest"
	"flattr/ledger/store"
	"flattr/ledger/sync"
	"flattr/ledger/web"
)

// Deadlines of a connection, so that slow or silent ones do not pile up.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
	// drainTimeout is how long a stopping ledger waits for running requests.
	drainTimeout = 15 * time.Second
)

// gcPercent is how much a serving ledger's heap grows before it is collected. It
// is a few megabytes small: by default it would be collected many times a second.
const gcPercent = 400

// serveCommand is `flattr-ledger serve`. db points to the value of --db, which
// is known when the command runs; now is the clock.
func serveCommand(db *string, now func() time.Time) *cobra.Command {
	var listen, public string
	var networks []string
	var sites siteOptions
	var post postOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the pages, and the interface for companions",
		Long: `Serve the pages for readers and authors, and the interface for companions.

The ledger speaks plain http and is meant to listen on loopback. To be reached
from elsewhere it stands behind a proxy that ends TLS, adds X-Forwarded-For and
hands the Host header on; --public-url then names the address readers use.

Letters to members are sent through the mail server that --smtp names: smtps:// by
TLS, smtp:// by STARTTLS, which only a server on loopback may lack. Without it no
letters are sent, and everything else works.`,
		Example: "  flattr-ledger serve --db ledger.db --listen 127.0.0.1:8080\n" +
			"  flattr-ledger serve --db ledger.db --listen 127.0.0.1:8080 --public-url https://ledger.example",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(gcPercent)
			}
			allowed, err := prefixes(networks)
			if err != nil {
				return err
			}
			log := slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
			return serve(ctx, serveOptions{db: *db, listen: listen, public: public, networks: allowed, sites: sites, post: post, now: now, log: log, out: cmd.OutOrStdout()})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address and port to listen on; port 0 picks a free one")
	cmd.Flags().StringVar(&public, "public-url", "", "origin under which readers reach the ledger (default: where it listens)")
	cmd.Flags().StringArrayVar(&networks, "allow-network", nil, "network, as 10.1.0.0/16, where sites and partners are reached beside the public internet; may be repeated")
	sites.flags(cmd)
	post.flags(cmd)
	return cmd
}

type serveOptions struct {
	db, listen, public string
	networks           []netip.Prefix // that may be dialled beside the public internet
	sites              siteOptions
	post               postOptions
	now                func() time.Time
	log                *slog.Logger
	out                io.Writer
}

// serve runs until ctx ends, then lets running requests finish.
func serve(ctx context.Context, opt serveOptions) (err error) {
	st, err := store.Open(ctx, opt.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()

	listener, err := net.Listen("tcp", opt.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer listener.Close() // the server closes it first; that is no failure
	public, err := publicURL(opt.public, listener.Addr())
	if err != nil {
		return err
	}
	claims := opt.keeper(st, public)
	mailer, err := opt.mailer(ctx, st, public)
	if err != nil {
		return err
	}
	handler, merge, err := newHandler(ctx, st, public, claims, mailer.Sends(), opt.now, opt.log)
	if err != nil {
		return err
	}
	clock := &clock{store: st, public: public, now: opt.now, log: opt.log}
	if err := clock.stamp(ctx); err != nil {
		return err
	}
	for _, run := range []func(context.Context){clock.run, merge, claims.Run, opt.deliverer(st, public).Run, mailer.Run} {
		defer beside(ctx, run)()
	}
	server := &http.Server{
		Handler:           clock.guard(handler),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(opt.log.Handler(), slog.LevelWarn),
	}
	if _, err := fmt.Fprintf(opt.out, "flattr-ledger: listening on http://%s\n", listener.Addr()); err != nil {
		return fmt.Errorf("print address: %w", err)
	}
	opt.log.Info("serving", "listen", listener.Addr().String(), "public", public.String())

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		opt.log.Warn("requests cut off", "error", err)
		_ = server.Close() // ends what did not end by itself
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	opt.log.Info("stopped")
	return nil
}

// beside runs something until ctx ends or stop is called, which waits for what is
// under way.
func beside(ctx context.Context, run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running gosync.WaitGroup
	running.Go(func() { run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// prefixes are networks as they are written on a command line.
func prefixes(texts []string) (networks []netip.Prefix, err error) {
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--allow-network %.60q is no network: write it like 10.1.0.0/16", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// publicURL is the origin under which the ledger is reached.
func publicURL(named string, listening net.Addr) (*url.URL, error) {
	raw := named
	if raw == "" {
		raw = "http://" + listening.String()
	}
	origin, err := api.Origin(raw)
	if err != nil {
		if named == "" {
			return nil, fmt.Errorf("the ledger listens on %s, which is not loopback: name its https address with --public-url", listening)
		}
		return nil, fmt.Errorf("--public-url: %w", err)
	}
	return url.Parse(origin)
}

// newHandler joins the pages, the authorization server and the interfaces for
// companions and clients; mail says whether letters are sent. What clients ask is
// counted for all processes while merge runs.
func newHandler(ctx context.Context, st *store.Store, public *url.URL, claims *claim.Keeper, mail bool, now func() time.Time, log *slog.Logger) (handler http.Handler, merge func(context.Context), err error) {
	if err := st.SetHome(public); err != nil {
		return nil, nil, err
	}
	authorization, err := oauth.New(ctx, st, now)
	if err != nil {
		return nil, nil, err
	}
	pages, err := web.New(web.Config{Store: st, OAuth: authorization, Claims: claims, Now: now, Log: log, Public: public, Mail: mail})
	if err != nil {
		return nil, nil, err
	}
	clients, err := rest.New(ctx, rest.Config{Store: st, Member: authorization.Bearer, Public: public, Now: now, Log: log})
	if err != nil {
		return nil, nil, err
	}
	references, err := clients.References()
	if err != nil {
		return nil, nil, err
	}
	buttons, err := button.New(st, public, log)
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler())
	for _, tree := range []string{"/js/", "/button/", "/view/"} {
		mux.Handle(tree, buttons.Handler())
	}
	mux.Handle("/api/", sync.New(st, authorization.Member, now, log).Handler())
	feed.New(feed.Config{Store: st, Public: public, Now: now, Log: log}).Register(mux)
	mux.Handle(rest.Reference, references)
	mux.Handle(rest.Reference+"/", references)
	for _, slash := range []string{"", "/{$}"} { // clients write one behind it
		mux.HandleFunc("POST "+api.PathToken+slash, authorization.ServeToken)
	}
	mux.Handle(api.PathAuthorize, pages.Handler()) // or the mux would lead there to the one with a slash
	mux.HandleFunc("GET "+api.PathAuthorize+"/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, api.PathAuthorize+"?"+r.URL.RawQuery, http.StatusFound)
	})
	mux.HandleFunc("POST "+api.PathRevoke, authorization.ServeRevoke)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := st.Check(r.Context()); err != nil {
			log.Error("not well", "error", err)
			http.Error(w, "not well", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n") // who asked may be gone
	})
	return logged(log, now, clients.Before(mux)), clients.Run, nil
}

// logged writes one line per request: no query, no body, nothing of a member.
func logged(log *slog.Logger, now func() time.Time, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, seen := now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		path := unnamed(r.URL.Path)
		if seen.status == http.StatusNotFound {
			path = "" // an unknown path can hold anything
		}
		log.Info("request", "method", r.Method, "path", path, "status", seen.status, "ms", now().Sub(start).Milliseconds())
	})
}

// namers are the parts of paths behind which stands a member's name, or an invite,
// which is worth what it carries.
var namers = map[string]bool{"invites": true, "profile": true, "user": true, "users": true, "domain": true}

// unnamed is a path without names of members and secrets; "" where it is written in
// a way that leads to another one, and these stand somewhere else in it.
func unnamed(path string) string {
	if clean := gopath.Clean(path); path != clean && path != clean+"/" {
		return ""
	}
	parts := strings.Split(path, "/")
	for i := range parts {
		switch {
		case strings.HasPrefix(parts[i], "@"):
			parts[i] = "@*"
		case i > 0 && namers[parts[i-1]] && parts[i] != "":
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
