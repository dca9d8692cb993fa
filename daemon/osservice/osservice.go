// Package osservice makes the companion a service of the operating system:
// install, start, stop, remove, with a unit of our own.
package osservice

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/template"
	"time"

	"github.com/kardianos/service"
)

// Name is the service's name.
const Name = "flattrd"

// stopTimeout is how long the service manager waits for Stop to come back.
const stopTimeout = 10 * time.Second

//go:embed flattrd.service.tmpl
var unitText string

var unitTemplate = template.Must(template.New("unit").Parse(unitText))

// Options say what is installed.
type Options struct {
	Executable string   // absolute path of flattrd
	Arguments  []string // after "run"
	User       bool     // for the present user instead of the machine
}

// Unit gives the systemd unit.
func Unit(options Options) (string, error) {
	command := []string{quote(options.Executable), "run"}
	for _, argument := range options.Arguments {
		command = append(command, quote(argument))
	}
	var out bytes.Buffer
	err := unitTemplate.Execute(&out, struct {
		Command string
		User    bool
	}{strings.Join(command, " "), options.User})
	if err != nil {
		return "", fmt.Errorf("write the unit: %w", err)
	}
	return out.String(), nil
}

// quote writes a word as systemd.service(5) reads it.
func quote(word string) string {
	word = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`, "\n", `\n`).Replace(word)
	if strings.ContainsAny(word, " \t'\"") {
		return `"` + word + `"`
	}
	return word
}

// Service is flattrd as the operating system's service manager knows it.
type Service struct{ service service.Service }

// New prepares the service. Nothing is changed yet.
func New(options Options) (Service, error) {
	unit, err := Unit(options)
	if err != nil {
		return Service{}, err
	}
	made, err := service.New(&program{}, &service.Config{
		Name: Name, DisplayName: "Flattr companion", Description: "Flattr companion",
		Executable: options.Executable, Arguments: append([]string{"run"}, options.Arguments...),
		Option: service.KeyValue{
			// The unit is finished text; kardianos' engine reads {{ only.
			"SystemdScript": unit,
			"UserService":   options.User,
			"RunAtLoad":     true, // launchd
			"OnFailure":     "restart",
		},
	})
	if errors.Is(err, service.ErrNoServiceSystemDetected) {
		return Service{}, errors.New("this machine has no service manager that flattrd knows; run it yourself: flattrd run")
	}
	if err != nil {
		return Service{}, fmt.Errorf("prepare the service: %w", err)
	}
	return Service{made}, nil
}

// Install puts the unit in place and has it started with the machine, or, for
// a user, at log-in.
func (s Service) Install() error { return teach("install", s.service.Install()) }

// Uninstall stops the service and takes the unit away. State is kept.
func (s Service) Uninstall() error {
	_ = s.service.Stop() // it may not be running
	return teach("uninstall", s.service.Uninstall())
}

// Start starts the installed service.
func (s Service) Start() error { return teach("start", s.service.Start()) }

// Stop stops it.
func (s Service) Stop() error { return teach("stop", s.service.Stop()) }

// Restart stops and starts it.
func (s Service) Restart() error { return teach("restart", s.service.Restart()) }

// teach adds the next step to what a service manager says.
func teach(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case os.IsPermission(err) || (os.Geteuid() != 0 && strings.Contains(err.Error(), "exit status")):
		return fmt.Errorf("%s the service: %w; try sudo flattrd %s, or flattrd %s --user for yourself alone", what, err, what, what)
	case strings.Contains(err.Error(), "already exists"):
		return fmt.Errorf("%s the service: it is installed already; start it with: flattrd start", what)
	case errors.Is(err, service.ErrNotInstalled) || errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s the service: it is not installed; install it with: flattrd install", what)
	default:
		return fmt.Errorf("%s the service: %w", what, err)
	}
}

// program lets a service manager that calls into the process (Windows) run the
// companion.
type program struct {
	run    func(context.Context) error
	cancel context.CancelFunc
	done   chan error
}

func (p *program) Start(service.Service) error {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel, p.done = cancel, make(chan error, 1)
	go func() { p.done <- p.run(ctx) }()
	return nil
}

func (p *program) Stop(service.Service) error {
	p.cancel()
	select {
	case err := <-p.done:
		return err
	case <-time.After(stopTimeout):
		return errors.New("the companion did not stop in time")
	}
}

// Run runs the companion until the service manager or a signal ends it.
func Run(run func(context.Context) error) error {
	if strings.HasPrefix(service.Platform(), "windows") && !service.Interactive() {
		made, err := service.New(&program{run: run}, &service.Config{Name: Name})
		if err != nil {
			return fmt.Errorf("run as a service: %w", err)
		}
		return made.Run()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx)
}
