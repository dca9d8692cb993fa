package control

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/windows"
)

var impersonateNamedPipeClient = windows.NewLazySystemDLL("advapi32.dll").NewProc("ImpersonateNamedPipeClient")

// identify learns whose connection it is. Windows tells only once something
// was read from it.
func (l *Listener) identify(pipe *os.File) {
	defer func() { <-l.slots }()
	timer := time.AfterFunc(timeout, func() { pipe.Close() })
	first := make([]byte, 1)
	_, err := io.ReadFull(pipe, first)
	var uid uint32
	if err == nil {
		uid, err = askerUID(pipe)
	}
	if !timer.Stop() || err != nil {
		pipe.Close()
		return
	}
	l.known <- asker{&begun{File: pipe, first: first}, uid}
}

// begun is a connection of which the first byte was read.
type begun struct {
	*os.File
	first []byte
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) == 0 {
		return b.File.Read(p)
	}
	n := copy(p, b.first)
	b.first = b.first[n:]
	return n, nil
}

// askerUID is the number that stands for the user at the other end.
func askerUID(pipe *os.File) (uint32, error) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("find who asks: %w", err)
	}
	var uid uint32
	var problem error
	err = raw.Control(func(handle uintptr) { uid, problem = impersonated(handle) })
	if err = errors.Join(err, problem); err != nil {
		return 0, fmt.Errorf("find who asks: %w", err)
	}
	return uid, nil
}

// impersonated asks, as the user at the other end, who that is.
func impersonated(handle uintptr) (uint32, error) {
	runtime.LockOSThread()
	if ok, _, err := impersonateNamedPipeClient.Call(handle); ok == 0 {
		runtime.UnlockOSThread()
		return 0, err
	}
	var token windows.Token
	err := windows.OpenThreadToken(windows.CurrentThread(), windows.TOKEN_QUERY, true, &token)
	if back := windows.RevertToSelf(); back != nil {
		return 0, back // the thread stays locked and ends with its goroutine
	}
	runtime.UnlockOSThread()
	if err != nil {
		return 0, err
	}
	defer token.Close()
	user, err := token.GetTokenUser()
	if err != nil {
		return 0, err
	}
	return number(user.User.Sid), nil
}

// number stands for a user where others have a user id: the beginning of the
// hash of the SID. The few users of a machine do not share one by chance, and
// nobody chooses a SID.
func number(sid *windows.SID) uint32 {
	sum := sha256.Sum256([]byte(sid.String()))
	return binary.BigEndian.Uint32(sum[:]) >> 1 // never the number for "not known"
}

// ownSID names the user this program runs as.
func ownSID() (*windows.SID, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, err
	}
	return user.User.Sid.Copy()
}

// madeByCompanion tells whether the pipe's owner is this user or one of the
// system's own: nobody else can give a pipe such an owner.
func madeByCompanion(pipe windows.Handle) bool {
	info, err := windows.GetSecurityInfo(pipe, windows.SE_KERNEL_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return false
	}
	owner, _, err := info.Owner()
	if err != nil || owner == nil {
		return false
	}
	if own, err := ownSID(); err == nil && owner.Equals(own) {
		return true
	}
	return owner.IsWellKnown(windows.WinLocalSystemSid) || owner.IsWellKnown(windows.WinLocalServiceSid)
}
