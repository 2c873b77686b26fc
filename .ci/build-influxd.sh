#!/usr/bin/env bash
# Builds InfluxDB 2 from its Go module, for tests: .ci/build-influxd.sh [FOLDER], leaves FOLDER/influxd.
#
# Debian has only 1.6. Needs Go 1.22 or newer, cargo, clang, protobuf-compiler and pkg-config.
# FOLDER defaults to where the tests look. The licence of InfluxDB 2 (MIT) is in its module.
set -euo pipefail

release=v2.7.12      # github.com/influxdata/influxdb/v2
pkg_config=v0.2.7    # github.com/influxdata/pkg-config: builds the Rust library libflux when Go asks for it
cache="${DODAC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dodac-testbed}"
mkdir -p "${1:-$cache/influxd}"
folder=$(cd "${1:-$cache/influxd}" && pwd)

if "$folder/influxd" version 2>/dev/null; then
    exit 0
fi
for program in go cargo clang protoc pkg-config cc; do
    command -v "$program" >/dev/null || {
        echo "build-influxd.sh: $program is missing (Debian: clang protobuf-compiler pkg-config build-essential" \
            "cargo-web rustc-web; Go 1.22 or newer from go.dev, Debian's is older)" >&2
        exit 2
    }
done

work="$folder/build"
mkdir -p "$work/bin"
cd "$work"
exec 9>"$work/lock"
flock 9 # a second builder waits here and then finds the work done
[ ! -x "$folder/influxd" ] || exec "$folder/influxd" version

# Go asks `pkg-config` for libflux. The wrapper answers that itself and passes the rest on, so it has
# to come first on PATH, alone in its folder.
GOBIN="$work/bin" go install "github.com/influxdata/pkg-config@$pkg_config"

# libflux treats warnings as errors; a compiler newer than its own has more of them.
cat >rustc-lenient <<'SH'
#!/bin/sh
for word; do
    case $word in --cap-lints*) exec "$@" ;; esac
done
exec "$@" --cap-lints warn
SH
chmod +x rustc-lenient
export RUSTC_WRAPPER="$work/rustc-lenient"

# libflux names an old Rust in its rust-toolchain file; use the machine's own instead.
if command -v rustup >/dev/null && [ -z "${RUSTUP_TOOLCHAIN:-}" ]; then
    RUSTUP_TOOLCHAIN=$(rustup show active-toolchain | cut -d' ' -f1)
    export RUSTUP_TOOLCHAIN
fi

# `go install influxd@release` refuses a module with replace lines, so a module of our own asks for it
# and repeats the one line it can't do without.
cat >go.mod <<MOD
module dodac/testbed

go 1.22

require github.com/influxdata/influxdb/v2 $release

replace github.com/nats-io/nats-streaming-server v0.11.2 => github.com/influxdata/nats-streaming-server v0.11.3-0.20201112040610-c277f7560803
MOD

PATH="$work/bin:$PATH" go build -mod=mod -trimpath -tags sqlite_foreign_keys,sqlite_json \
    -o "$folder/influxd.new" github.com/influxdata/influxdb/v2/cmd/influxd
"$folder/influxd.new" version
mv "$folder/influxd.new" "$folder/influxd"
