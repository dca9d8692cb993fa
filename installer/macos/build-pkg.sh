#!/bin/sh
# Builds Flattr-VERSION.pkg on a Mac, from this folder and the project's source.
#
#   ./build-pkg.sh SOURCE
#
# Needs Go and the command line tools (xcode-select --install). Signs where
# FLATTR_SIGN_APPLICATION and FLATTR_SIGN_INSTALLER name identities in the keychain.
set -eu
source=${1:?which folder has the source of Flattr?}
here=$(cd "$(dirname "$0")" && pwd)
version='{{.Version}}'
[ "$(uname -s)" = Darwin ] || {
	echo "build-pkg.sh: pkgbuild is only on a Mac" >&2
	exit 1
}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cp -R "$here/root/." "$root/"
mkdir -p "$root/usr/local/bin"
for arch in amd64 arm64; do
	(cd "$source" && GOARCH=$arch CGO_ENABLED=1 CC="clang -arch $([ $arch = amd64 ] && echo x86_64 || echo arm64)" \
		go build -trimpath -ldflags "-s -w -X main.version=$version" -o "$root/flattrd-$arch" ./daemon)
done
lipo -create -output "$root/usr/local/bin/flattrd" "$root/flattrd-amd64" "$root/flattrd-arm64"
rm "$root/flattrd-amd64" "$root/flattrd-arm64"
[ -z "${FLATTR_SIGN_APPLICATION:-}" ] ||
	codesign --sign "$FLATTR_SIGN_APPLICATION" --options runtime --timestamp "$root/usr/local/bin/flattrd"
set -- --root "$root" --scripts "$here/scripts" --identifier org.flattr.flattrd --version "$version" \
	--install-location / --ownership recommended
[ -z "${FLATTR_SIGN_INSTALLER:-}" ] || set -- "$@" --sign "$FLATTR_SIGN_INSTALLER"
pkgbuild "$@" "Flattr-$version.pkg"
echo "Flattr-$version.pkg"
