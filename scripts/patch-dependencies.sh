#!/bin/sh
# Lays the dependencies that we carry a change for under third_party/, from the registry's own copy
# (checksum verified by cargo) plus the change in patches/. Does nothing when they are in place.
set -eu
cd "$(dirname "$0")/.."

lay() { # crate version patch
    crate=$1 version=$2 patch=$3
    target=third_party/$crate
    stamp="$version $(sha256sum <"$patch")"
    [ "$(cat "$target/.postern-patch" 2>/dev/null || true)" = "$stamp" ] && return 0
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    mkdir "$scratch/src"
    : >"$scratch/src/lib.rs"
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n%s = { version = "=%s", default-features = false }\n' \
        "$crate" "$version" >"$scratch/Cargo.toml"
    cargo vendor --quiet --manifest-path "$scratch/Cargo.toml" "$scratch/vendor" >/dev/null
    rm -rf "$target"
    mkdir -p third_party
    cp -r "$scratch/vendor/$crate" "$target"
    patch --quiet --strip=1 --directory="$target" <"$patch"
    echo "$stamp" >"$target/.postern-patch"
    rm -rf "$scratch"
    trap - EXIT
}

lay russh 0.65.1 patches/russh-0.65.1.patch
