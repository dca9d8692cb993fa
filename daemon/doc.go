// Flattrd is the companion: it runs on the reader's machine, takes clicks from
// the browser extension and carries them to the ledger.
//
// A click's way through the packages below:
//
//   - socket accepts the browser on 127.0.0.1: the checks before the upgrade,
//     the handshake in which both sides prove the device's key, sealed frames.
//     accounts knows the keys, and which member a device acts for.
//   - wire is the language spoken there. companion answers each message: it
//     holds a click to its bounds and appends it to the click log.
//   - clicklog acknowledges after the commit is on the disk; database opens the
//     files so that this is true. backup copies them, and restores one that is
//     damaged.
//   - courier sends what the ledger has not answered, and keeps its answers;
//     network tells it when there is another way to the ledger.
//
// Beside it: nativehost hands the browser's own extension a ticket, control
// carries the reader's commands to the running companion, osservice makes it a
// service of the operating system.
package main
