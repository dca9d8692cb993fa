# The packages built once more, from a copy of the tree at another place, are
# the same bytes.
# shellcheck shell=bash disable=SC2154 # dist, version and scratch are the caller's

build_again() {
  mkdir -p "$scratch/again/elsewhere"
  git ls-files -z | xargs -0 tar -c --ignore-failed-read 2>/dev/null | tar -x -C "$scratch/again/elsewhere"
  ln -s "$PWD/extension/node_modules" "$scratch/again/elsewhere/extension/node_modules"
  (
    cd "$scratch/again/elsewhere" || exit
    touch -d yesterday -- * # the time of files does not count
    node extension/build.mjs >/dev/null
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$epoch} TZ=Asia/Tokyo LC_ALL=C go run ./installer -version "$version" -out "$scratch/again/dist"
  )
}
epoch=$(git log -1 --format=%ct)
check "the packages are built again" build_again
for file in "$dist"/*; do
  check "the same bytes: ${file##*/}" cmp "$file" "$scratch/again/dist/${file##*/}"
done
