// Package osservice makes the companion a service of the operating system:
// install, start, stop, remove, with a unit of our own.
package osservice

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
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

// How Windows' service manager brings the companion back.
const (
	restartDelay      = "1s"
	failuresForgotten = 60 // seconds after which a failure counts as the first one again
)

var (
	//go:embed flattrd.service.tmpl
	unitText string
	//go:embed flattrd.plist.tmpl
	plistText string

	unitTemplate  = template.Must(template.New("unit").Parse(unitText))
	plistTemplate = template.Must(template.New("plist").Parse(plistText))
)

// Options say what is installed.
type Options struct {
	Executable string   // absolute path of flattrd; needed to install it only
	Arguments  []string // after "run"
	Kept       string   // options that a unit had before, in its own writing; see Kept
	User       bool     // for the present user instead of the machine
}

// Unit gives the systemd unit.
func Unit(options Options) (string, error) {
	command := []string{quote(options.Executable), "run"}
	for _, argument := range options.Arguments {
		command = append(command, quote(argument))
	}
	if options.Kept != "" {
		command = append(command, options.Kept)
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

// Plist gives the property list by which launchd starts the companion at log-in
// and after it has ended, however it ended.
func Plist(options Options) (string, error) {
	var words []string
	for _, word := range append([]string{options.Executable, "run"}, options.Arguments...) {
		var out strings.Builder
		if err := xml.EscapeText(&out, []byte(word)); err != nil {
			return "", fmt.Errorf("write the property list: %w", err)
		}
		words = append(words, out.String())
	}
	var out strings.Builder
	if err := plistTemplate.Execute(&out, words); err != nil {
		return "", fmt.Errorf("write the property list: %w", err)
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
type Service struct {
	service service.Service
	user    bool
}

// New prepares the service. Nothing is changed yet.
func New(options Options) (Service, error) {
	if runtime.GOOS == "darwin" && !options.User {
		return Service{}, errors.New("on macOS the companion belongs to the user who is logged in; repeat the command with --user")
	}
	if strings.Contains(options.Executable+strings.Join(options.Arguments, "")+options.Kept, "{{") {
		return Service{}, errors.New("the service manager's templates do not allow {{ in a path; move flattrd to another folder")
	}
	unit, err := Unit(options)
	if err != nil {
		return Service{}, err
	}
	plist, err := Plist(options)
	if err != nil {
		return Service{}, err
	}
	made, err := service.New(&program{}, &service.Config{
		Name: Name, DisplayName: "Flattr companion", Description: "Keeps clicks on Flattr buttons and carries them to the ledger",
		Executable: options.Executable, Arguments: append([]string{"run"}, options.Arguments...),
		Option: service.KeyValue{
			// Finished texts; kardianos' engine reads {{ only.
			"SystemdScript": unit, "LaunchdConfig": plist,
			"UserService": options.User,
			// Windows: a service that failed comes back, each time, and does
			// not hold up the start of the machine.
			"OnFailure": "restart", "OnFailureDelayDuration": restartDelay, "OnFailureResetPeriod": failuresForgotten,
			"DelayedAutoStart": true,
		},
	})
	if errors.Is(err, service.ErrNoServiceSystemDetected) {
		return Service{}, errors.New("this machine has no service manager that flattrd knows; run it yourself: flattrd run")
	}
	if err != nil {
		return Service{}, fmt.Errorf("prepare the service: %w", err)
	}
	return Service{made, options.User}, nil
}

// Install puts the unit in place and has it started with the machine, or, for
// a user, at log-in.
func (s Service) Install() error {
	if s.packaged() {
		return errors.New("install the service: a package has installed it already; start it with: sudo flattrd start")
	}
	return s.teach("install", errors.Join(s.service.Install(), s.publish()))
}

// Uninstall stops the service and takes the unit away. State is kept.
func (s Service) Uninstall() error {
	if s.packaged() {
		return errors.New("uninstall the service: it belongs to a package; remove that, on Debian with: sudo apt remove flattr")
	}
	_ = s.service.Stop() // it may not be running
	return s.teach("uninstall", s.service.Uninstall())
}

// Start starts the installed service.
func (s Service) Start() error { return s.teach("start", s.service.Start()) }

// Stop stops it.
func (s Service) Stop() error { return s.teach("stop", s.service.Stop()) }

// Restart stops and starts it.
func (s Service) Restart() error { return s.teach("restart", s.service.Restart()) }

// packaged tells whether the machine's service came with a package.
func (s Service) packaged() bool {
	if s.user || runtime.GOOS != "linux" {
		return false
	}
	_, packaged := os.Stat(packagedUnit)
	_, byHand := os.Stat(machineUnit)
	return packaged == nil && errors.Is(byHand, fs.ErrNotExist)
}

// State says how the service manager sees the companion.
type State int

// The states.
const (
	Unknown State = iota // there is no manager, or it does not say
	Absent               // not installed
	Stopped
	Running
)

// State asks the service manager; what it says is not what the companion says.
func (s Service) State() State {
	if runtime.GOOS == "linux" && service.Platform() != "linux-systemd" {
		// Scripts of other managers guess; that there is none is sure.
		if _, err := os.Stat(script); errors.Is(err, fs.ErrNotExist) {
			return Absent
		}
		return Unknown
	}
	status, err := s.service.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		return Absent
	case err == nil && status == service.StatusRunning:
		return Running
	case err == nil && status == service.StatusStopped:
		return Stopped
	default:
		return Unknown
	}
}

// teach adds the next step to what a service manager says.
func (s Service) teach(what string, err error) error {
	user := ""
	if s.user {
		user = " --user"
	}
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "already exists"):
		return fmt.Errorf("%s the service: it is installed already; start it with: flattrd start%s", what, user)
	case s.State() == Absent || errors.Is(err, service.ErrNotInstalled) || errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s the service: it is not installed; install it with: flattrd install%s", what, user)
	case !s.user && (os.IsPermission(err) || (os.Geteuid() != 0 && strings.Contains(err.Error(), "exit status"))):
		return fmt.Errorf("%s the service: %w; try sudo flattrd %s, or flattrd %s --user for yourself alone", what, err, what, what)
	case s.user && os.Getenv("XDG_RUNTIME_DIR") == "" && runtime.GOOS == "linux":
		return fmt.Errorf("%s the service: %w; your service manager is reached from a session only: log in, or set XDG_RUNTIME_DIR", what, err)
	default:
		return fmt.Errorf("%s the service: %w; its log says more: journalctl%s -u %s", what, err, user, Name)
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

// CalledByManager tells whether a service manager has started this process that
// calls into it: that of Windows.
func CalledByManager() bool {
	return runtime.GOOS == "windows" && !service.Interactive()
}

// Run runs the companion until the service manager or a signal ends it.
func Run(run func(context.Context) error) error {
	if CalledByManager() {
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
