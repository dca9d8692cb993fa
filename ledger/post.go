package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"flattr/ledger/mail"
	"flattr/ledger/store"
	"flattr/ledger/web"
)

// postOptions say how letters to members are sent.
type postOptions struct {
	server, from, passwordFile string
	roots                      *x509.CertPool // that vouch for the server; nil: those of the system
}

func (o *postOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.server, "smtp", "", "mail `server` through which letters to members go, as smtps://user@host:465 (default: no letters)")
	cmd.Flags().StringVar(&o.from, "mail-from", "", `of whom letters are, as "Flattr <flattr@ledger.example>"`)
	cmd.Flags().StringVar(&o.passwordFile, "smtp-password-file", "", "`file` with the password for the mail server, in one line")
}

// mailer sends letters to members, or none.
func (opt serveOptions) mailer(ctx context.Context, st *store.Store, public *url.URL) (mail.Mailer, error) {
	o := opt.post
	if o.server == "" {
		if o.from != "" || o.passwordFile != "" {
			return nil, errors.New("--mail-from and --smtp-password-file are for --smtp: name the mail server too")
		}
		return mail.Off{}, nil
	}
	server, err := mail.ParseServer(o.server, o.from)
	if err != nil {
		return nil, err
	}
	server.Roots = o.roots
	if (o.passwordFile == "") != (server.User == "") {
		return nil, errors.New("a mail server that knows a user wants a password, too: name both, smtps://user@host and --smtp-password-file, or neither")
	}
	if o.passwordFile != "" {
		if server.Password, err = filePassword(o.passwordFile); err != nil {
			return nil, err
		}
	}
	format, err := web.LetterFormat()
	if err != nil {
		return nil, err
	}
	return mail.NewPost(ctx, mail.Config{Store: st, Server: server, Public: public, Format: format, Now: opt.now, Log: opt.log})
}

// filePassword reads a password from the first line of a file.
func filePassword(name string) (password string, err error) {
	file, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("--smtp-password-file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if password, err = readLine(file); err != nil {
		return "", fmt.Errorf("--smtp-password-file: %w", err)
	}
	if password == "" {
		return "", fmt.Errorf("--smtp-password-file: the first line of %s is empty", name)
	}
	return password, nil
}
