package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// call is one system call of a traced program, in the order of completion.
type call struct {
	at     time.Time // when it was complete, as the tracer saw it
	name   string
	args   []string // strings decoded
	result int64
}

// readTrace reads what `strace -f -xx -ttt -T` has written. Calls that failed
// are left out. ended tells whether the program's last line is there.
func readTrace(path string) (calls []call, ended bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<20)
	begun := map[string]string{} // by thread: a call another thread's line has interrupted
	for lines.Scan() {
		thread, rest, _ := strings.Cut(lines.Text(), " ")
		stamp, text, ok := strings.Cut(strings.TrimLeft(rest, " "), " ")
		if !ok {
			continue
		}
		if strings.HasPrefix(text, "+++ ") {
			ended = true
			continue
		}
		if front, interrupted := strings.CutSuffix(text, " <unfinished ...>"); interrupted {
			begun[thread] = front
			continue
		}
		resumed := strings.HasPrefix(text, "<... ")
		if resumed {
			_, back, _ := strings.Cut(text, " resumed>")
			text = begun[thread] + back
			delete(begun, thread)
		}
		one, ok, err := parseCall(stamp, text, resumed)
		if err != nil {
			return nil, false, fmt.Errorf("%w in %.200s", err, text)
		}
		if ok && one.result >= 0 {
			calls = append(calls, one)
		}
	}
	return calls, ended, lines.Err()
}

var callForm = regexp.MustCompile(`^(\w+)\((.*)\)\s+= (-?\d+|\?)(?: .*)?$`)

func parseCall(stamp, text string, resumed bool) (call, bool, error) {
	match := callForm.FindStringSubmatch(text)
	if match == nil || match[3] == "?" {
		return call{}, false, nil // a signal, or a call that the end of the program cut short
	}
	seconds, err := strconv.ParseFloat(stamp, 64)
	if err != nil {
		return call{}, false, err
	}
	if began := strings.LastIndex(text, "<"); !resumed && began > 0 {
		took, err := strconv.ParseFloat(strings.TrimSuffix(text[began+1:], ">"), 64)
		if err != nil {
			return call{}, false, err
		}
		seconds += took
	}
	one := call{at: time.UnixMicro(int64(seconds * 1e6)), name: match[1]}
	if one.result, err = strconv.ParseInt(match[3], 10, 64); err != nil {
		return call{}, false, err
	}
	for _, arg := range strings.Split(match[2], ", ") {
		if quoted, ok := strings.CutPrefix(arg, `"`); ok {
			plain, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSuffix(quoted, `"`), `\x`, ""))
			if err != nil {
				return call{}, false, fmt.Errorf("a string that was cut: %w", err)
			}
			arg = string(plain)
		}
		one.args = append(one.args, arg)
	}
	return one, true, nil
}
