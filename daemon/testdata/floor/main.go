// Command floor is the least that a companion could be: a Go program that
// opens the click log with SQLite, listens, says so, and waits.
package main

import (
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	db, err := sql.Open("sqlite3", "file:"+os.Args[1]+"?_journal_mode=WAL&_synchronous=FULL")
	exitOn(err)
	var version int
	exitOn(db.QueryRow("SELECT count(*) FROM (SELECT 1 FROM event LIMIT 1)").Scan(&version))
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	exitOn(err)
	fmt.Println("listening on", listener.Addr())
	<-end
	exitOn(db.Close())
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
