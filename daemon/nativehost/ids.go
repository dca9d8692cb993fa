package nativehost

// The ids of our extension, as extension/ids.json has them; a test holds both
// together.
var (
	// ChromiumIDs are its ids in Chromium's browsers: one for each store.
	ChromiumIDs = []string{"aflkheolljhcmjgheajiddikljimfana"}
	// FirefoxID is its add-on id in Firefox.
	FirefoxID = "flattr@flattr.org"
)
