// Run by Windows' installer at the end: shows the page that ends with a paired browser.
function Open() {
  new ActiveXObject("Shell.Application").ShellExecute(Session.Property("INSTALLDIR") + "welcome.html");
  return 1; // done
}
