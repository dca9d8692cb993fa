package socket_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

const (
	extensionID = "aflkheolljhcmjgheajiddikljimfana"
	chrome      = "chrome-extension://" + extensionID
	firefox     = "moz-extension://0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab"
)

// keys is one ticket and the devices made of it.
type keys struct {
	mu      sync.Mutex
	ticket  []byte
	devices map[socket.ID]sockettest.Device
	origin  map[socket.ID]string
	failing bool
}

func (k *keys) config() socket.Keys {
	return socket.Keys{
		Ticket: func(hash socket.ID, _ uint32) ([]byte, error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.ticket == nil || hash != socket.Sum(k.ticket) {
				return nil, socket.ErrUnknown
			}
			return k.ticket, nil
		},
		Enroll: func(_ context.Context, hash socket.ID, _ uint32, origin string) (wire.Enrolled, error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.ticket == nil || hash != socket.Sum(k.ticket) {
				return wire.Enrolled{}, socket.ErrUnknown
			}
			k.ticket = nil
			return k.enrol(origin), nil
		},
		Device: func(_ context.Context, id socket.ID, uid uint32, origin string) ([]byte, uint32, error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.failing {
				return nil, uid, errors.New("disk gone")
			}
			if device, ok := k.devices[id]; ok && k.origin[id] == origin {
				return device.Key, uid, nil
			}
			return nil, uid, socket.ErrUnknown
		},
	}
}

func (k *keys) enrol(origin string) wire.Enrolled {
	device := sockettest.Device{Key: make([]byte, 32)}
	rand.Read(device.ID[:])
	rand.Read(device.Key)
	k.devices[device.ID] = device
	k.origin[device.ID] = origin
	encode := base64.RawURLEncoding.EncodeToString
	return wire.Enrolled{Type: wire.TypeEnrolled, Device: encode(device.ID[:]), Key: encode(device.Key)}
}

// device makes a device as if it had been paired from the origin.
func (k *keys) device(origin string) sockettest.Device {
	k.mu.Lock()
	defer k.mu.Unlock()
	enrolled := k.enrol(origin)
	id, _ := base64.RawURLEncoding.DecodeString(enrolled.Device)
	return k.devices[socket.ID(id)]
}

// companion runs a server that echoes every message.
type companion struct {
	*socket.Server
	keys *keys
	stop context.CancelFunc
	done chan error
}

func start(t *testing.T) *companion {
	t.Helper()
	return startServing(t, func(_ context.Context, conn *socket.Conn) {
		for {
			message, err := conn.Receive()
			if err != nil || conn.Send(message) != nil {
				return
			}
		}
	})
}

// startServing runs a server that holds conversations as given.
func startServing(t *testing.T, serve func(context.Context, *socket.Conn)) *companion {
	t.Helper()
	listener, err := socket.Listen(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := &companion{keys: &keys{devices: map[socket.ID]sockettest.Device{}, origin: map[socket.ID]string{}}, done: make(chan error, 1)}
	c.Server = socket.New(listener, socket.Config{
		Keys: c.keys.config(), ExtensionIDs: []string{extensionID}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Random: func(b []byte) { rand.Read(b) }, Serve: serve,
	})
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	go func() { c.done <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-c.done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	return c
}

func dial(t *testing.T, c *companion, origin string) *websocket.Conn {
	t.Helper()
	ws, err := sockettest.Dial(t.Context(), c.Port(), origin)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { ws.Close() })
	return ws
}

// connect proves the device, waiting while handshakes are too many: the
// challenge does not come then.
func connect(t *testing.T, c *companion, origin string, device sockettest.Device) *sockettest.Client {
	t.Helper()
	var client *sockettest.Client
	retryBusy(t, func() bool {
		var err error
		client, err = sockettest.Connect(t.Context(), c.Port(), origin, device)
		if code(err) == socket.CloseTooMany {
			return false
		}
		if err != nil {
			t.Fatalf("connect: %v", err)
		}
		return true
	})
	t.Cleanup(func() { client.WS.Close() })
	return client
}

// retryBusy repeats an attempt until the quota of handshakes has room again.
func retryBusy(t *testing.T, attempt func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if attempt() {
			return
		}
		select {
		case <-t.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal("handshakes are refused with 4429 for 20 s")
}

func code(err error) int {
	var end *websocket.CloseError
	if errors.As(err, &end) {
		return end.Code
	}
	return 0
}

func uid() uint32 { return uint32(os.Getuid()) }
