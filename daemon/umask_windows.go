package main

// restrictFiles does nothing: on Windows the folder's access list decides.
func restrictFiles() {}
