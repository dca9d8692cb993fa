# What is in the packages, read by the tools of each system.
# shellcheck shell=bash disable=SC2154 # dist, version, deb and scratch are the caller's

# everything says that a list of paths, on standard input, has what every
# package for Linux must have. The first argument is the service's file.
everything() {
  local list missing=()
  list=$(sed 's|^\./|/|; s|^/*|/|; s|/$||')
  for path in /usr/bin/flattrd "$1" /usr/share/flattr/welcome.html /usr/share/flattr/extension/manifest.json \
    /usr/share/bash-completion/completions/flattrd /usr/share/fish/vendor_completions.d/flattrd.fish \
    /usr/share/man/man1/flattrd.1.gz \
    /etc/opt/{chrome,edge,brave,vivaldi}/native-messaging-hosts/org.flattr.pair.json \
    /etc/chromium/native-messaging-hosts/org.flattr.pair.json /usr/lib/mozilla/native-messaging-hosts/org.flattr.pair.json; do
    grep -qxF "$path" <<<"$list" || missing+=("$path")
  done
  [ ${#missing[@]} = 0 ] || { echo "missing: ${missing[*]}"; return 1; }
}
deb_has() { dpkg-deb --fsys-tarfile "$1" | tar -t | everything /usr/lib/systemd/system/flattrd.service; }
rpm_has() { rpm -qlp --nosignature "$1" | everything /usr/lib/systemd/system/flattrd.service; }
apk_has() { bsdtar -tf "$1" 2>/dev/null | everything /etc/init.d/flattrd; }
arch_has() { pacman -Qlpq "$1" | everything /usr/lib/systemd/system/flattrd.service; }
rpm_whole() { says "digests OK" rpm -K --nosignature "$1"; }
apk_info() { bsdtar -xOf "$1" .PKGINFO 2>/dev/null | grep -qx "arch = $2"; }
arch_info() { says "$2" pacman -Qip "$1"; }
macos_plist() { tar -xzOf "$1" --wildcards '*/LaunchAgents/flattrd.plist' | xmllint --noout --nonet -; }
scripts_clean() {
  local list=()
  mapfile -t list < <(find installer -type f \( -path '*/linux/deb/p*' -o -path '*/linux/apk/*' -o -name '*.sh' -o -name 'test-packages' -o -path '*/macos/postinstall' \) | sort)
  shellcheck --severity=warning --exclude=SC1090,SC2154 "${list[@]}" # parts are sourced, with variables of test-packages
}

check "the sums are right" sh -c "cd '$dist' && sha256sum --quiet -c SHA256SUMS"
every_file_summed() {
  local file
  for file in "$dist"/*; do
    [ "${file##*/}" = SHA256SUMS ] || grep -q "  ${file##*/}\$" "$dist/SHA256SUMS" || { echo "${file##*/} has no sum"; return 1; }
  done
}
check "every file has a sum" every_file_summed
check "the scripts are what shellcheck likes" scripts_clean

for arch in amd64 arm64; do
  case $arch in amd64) other=x86_64 ;; arm64) other=aarch64 ;; esac
  file=$dist/flattr_${version}_$arch.deb
  check "lintian says nothing against the deb, $arch" lintian --fail-on error,warning "$file"
  check "the deb has everything, $arch" deb_has "$file"
  file=$(ls "$dist"/flattr-*."$other".rpm)
  check "rpm finds the rpm whole, $other" rpm_whole "$file"
  check "the rpm has everything, $other" rpm_has "$file"
  file=$(ls "$dist"/flattr_*_"$other".apk)
  check "the apk is for $other" apk_info "$file" "$other"
  check "the apk has everything, $other" apk_has "$file"
  file=$(ls "$dist"/flattr-*-"$other".pkg.tar.zst)
  check "pacman reads the Arch package, $other" arch_info "$file" "$other"
  check "the Arch package has everything, $other" arch_has "$file"
done

setup=$dist/flattr-$version-windows-amd64-setup.exe
msi=$dist/flattr-$version-windows-amd64.msi
test_certificate=installer/windows/test-only.crt
for file in "$setup" "$msi"; do
  check "${file##*/} is signed" says "Signature verification: ok" osslsigncode verify -CAfile "$test_certificate" -in "$file"
done
setup_has() {
  local list name
  list=$(7z l "$setup")
  for name in flattrd.exe chromium.json firefox.json welcome.html extension/manifest.json uninstall.exe; do
    [[ $list == *"$name"* ]] || { echo "missing: $name"; return 1; }
  done
}
check "the setup has everything" setup_has
program_signed() {
  7z e -y -o"$scratch/setup" "$setup" flattrd.exe >/dev/null
  says "Signature verification: ok" osslsigncode verify -CAfile "$test_certificate" -in "$scratch/setup/flattrd.exe"
}
check "the program in the setup is signed" program_signed
msi_table() { # msi_table TABLE TEXT...
  local table text
  table=$(msiinfo export "$msi" "$1")
  shift
  for text in "$@"; do [[ $table == *"$text"* ]] || { echo "missing: $text in: $table"; return 1; }; done
}
check "the MSI installs the service" msi_table ServiceInstall "flattrd	Flattr companion"
check "the MSI starts and stops it" msi_table ServiceControl "flattrd	163"
check "the MSI has Windows start it again when it fails" msi_table MsiServiceConfigFailureActions "flattrd	1	86400"
check "the MSI writes each browser's key" msi_table Registry 'Software\Google\Chrome\NativeMessagingHosts\org.flattr.pair	' \
  'Software\Chromium\' 'Software\Microsoft\Edge\' 'Software\BraveSoftware\Brave-Browser\' 'Software\Vivaldi\' 'Software\Mozilla\NativeMessagingHosts\org.flattr.pair	'
check "the MSI refuses to go back" msi_table LaunchCondition "NOT WIX_DOWNGRADE_DETECTED	A newer Flattr"
check "the MSI opens the page" msi_table CustomAction OpenWelcome

check "the plist of macOS is one" macos_plist "$dist/flattr-$version-macos-not-built.tar.gz"
macos_refuses() {
  mkdir -p "$scratch/macos"
  tar -xzf "$dist/flattr-$version-macos-not-built.tar.gz" -C "$scratch/macos" --strip-components=1
  refuses "only on a Mac" "$scratch/macos/build-pkg.sh" .
}
check "the sources for macOS do not pretend to build here" macos_refuses

for store in chrome firefox; do
  check "the zip for $store is one" 7z t "$dist/flattr-extension-$version-$store.zip"
done
check "the zip for Chrome's store has no key" refuses "" sh -c "7z e -so '$dist/flattr-extension-$version-chrome.zip' manifest.json | grep '\"key\"'"
check "the zip for Firefox is what its store takes" extension/node_modules/.bin/web-ext lint --self-hosted -s "$dist/flattr-extension-$version-firefox.zip"
for bill in "$dist"/*.cdx.json; do
  check "${bill##*/} names components with versions" node -e '
    const bill = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    if (bill.bomFormat !== "CycloneDX" || bill.components.length < 5) throw new Error("too little");
    for (const c of bill.components) if (!c.version || !c.purl) throw new Error(`${c.name} has no version`);' "$bill"
done
