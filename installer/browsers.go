package main

// browser is one that can start the companion as its native host, and where it
// looks for the host's manifest.
type browser struct {
	name       string
	reads      string // kind of manifest, as flattrd prints it
	linux      string // folder for all users
	linuxUser  string // folder in a user's home
	macOS      string // folder for all users
	windowsKey string // registry key; its default value is the manifest's path
}

// browsers are those the packages serve. Brave and Vivaldi are built from the
// Chromium without a brand, which reads Chromium's folder for all users; their
// own are there for versions that differ. On Windows both read Chrome's key, too.
var browsers = []browser{
	{
		"chrome", "chrome", "/etc/opt/chrome/native-messaging-hosts", ".config/google-chrome/NativeMessagingHosts",
		"/Library/Google/Chrome/NativeMessagingHosts", `Software\Google\Chrome\NativeMessagingHosts`,
	},
	{
		"chromium", "chromium", "/etc/chromium/native-messaging-hosts", ".config/chromium/NativeMessagingHosts",
		"/Library/Application Support/Chromium/NativeMessagingHosts", `Software\Chromium\NativeMessagingHosts`,
	},
	{
		"edge", "chromium", "/etc/opt/edge/native-messaging-hosts", ".config/microsoft-edge/NativeMessagingHosts",
		"/Library/Microsoft/Edge/NativeMessagingHosts", `Software\Microsoft\Edge\NativeMessagingHosts`,
	},
	{
		"brave", "chromium", "/etc/opt/brave/native-messaging-hosts", ".config/BraveSoftware/Brave-Browser/NativeMessagingHosts",
		"/Library/Application Support/BraveSoftware/Brave-Browser/NativeMessagingHosts", `Software\BraveSoftware\Brave-Browser\NativeMessagingHosts`,
	},
	{
		"vivaldi", "chromium", "/etc/opt/vivaldi/native-messaging-hosts", ".config/vivaldi/NativeMessagingHosts",
		"/Library/Application Support/Vivaldi/NativeMessagingHosts", `Software\Vivaldi\NativeMessagingHosts`,
	},
	{
		"firefox", "firefox", "/usr/lib/mozilla/native-messaging-hosts", ".mozilla/native-messaging-hosts",
		"/Library/Application Support/Mozilla/NativeMessagingHosts", `Software\Mozilla\NativeMessagingHosts`,
	},
}

// hostName is what the extension asks its browser for, and manifestName the
// file in which the browser looks it up.
const (
	hostName     = "org.flattr.pair"
	manifestName = hostName + ".json"
)
