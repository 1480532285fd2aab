#!/usr/bin/env bash
# Installs what is missing and nothing else: operating system packages, then the virtual environment.
# Safe to run at any time; when nothing is missing it ends at once and says nothing.
#   setup.sh         what pipeline needs
#   setup.sh test    what its tests need besides
set -euo pipefail
cd "$(dirname "$0")/.."

for_tests=$([ "${1:-}" = test ] && echo yes || echo no)

say() { printf 'setup: %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$1" >&2; [ $# -lt 2 ] || printf '  try: %s\n' "$2" >&2; exit 3; }

# A lab needs one provider. VirtualBox or libvirt, where somebody has set them up, need no root and nothing from us.
have_provider() {
  command -v vagrant >/dev/null || return 1
  command -v VBoxManage >/dev/null && VBoxManage --version >/dev/null 2>&1 && return 0
  command -v virsh >/dev/null && timeout 20 virsh -c qemu:///system domcapabilities --virttype kvm >/dev/null 2>&1 &&
    vagrant plugin list 2>/dev/null | grep -q libvirt
}

# A Python that is recent enough and can make virtual environments needs no package, whoever installed it.
have_python() { python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing_packages() {
  local lists=(bootstrap/packages-base.txt) package
  have_provider || lists+=(bootstrap/packages-lxc.txt)
  [ "$for_tests" = no ] || lists+=(bootstrap/packages-test.txt)
  while read -r package; do
    case "$package" in
      ''|'#'*) continue ;;
      python3|python3-venv) have_python && continue ;;
      git|chromium|faketime|npm) command -v "$package" >/dev/null && continue ;;
      nodejs) command -v node >/dev/null && continue ;;
      openssh-client) command -v ssh >/dev/null && continue ;;
    esac
    installed "$package" || printf '%s ' "$package"
  done < <(cat "${lists[@]}")
}

install_packages() {
  local missing
  command -v dpkg-query >/dev/null || { have_provider && have_python && return 0; die "this is not Debian: install Vagrant with VirtualBox, git, ssh and Python 3.11 by hand"; }
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    die "these packages are missing, and installing them needs root: $missing" \
      "sudo apt-get update && sudo apt-get install -y --no-install-recommends $missing"
  fi
  say "installing missing packages: $missing"
  local log; log=$(mktemp)
  # shellcheck disable=SC2086 # a list of words
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    die "apt-get could not install them; its whole output is in $log"
  fi
  rm -f "$log"
}

install_environment() {
  local stamp=.venv/installed want
  want=$(cat requirements.txt pyproject.toml | sha256sum | cut -d' ' -f1)
  [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && return 0
  [ -w . ] && { [ ! -e .venv ] || [ -w .venv ]; } ||
    die "$PWD belongs to $(stat -c %U .): .venv cannot be installed there" "work in a checkout of your own"
  have_python || die "Python 3.11 or newer is needed; this is $(python3 --version 2>&1)"
  say "installing the virtual environment .venv"
  rm -f "$stamp"
  [ -x .venv/bin/python ] || { rm -rf .venv; python3 -m venv .venv; }
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt ||
    die "pip could not install requirements.txt: is the package index reachable?" "make setup"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
  printf '%s\n' "$want" >"$stamp"
}

# The tests ask a real Prometheus. Its two programs are taken out of Debian's package, which apt checks as any other:
# installed, it would start a server of its own on this machine. A Prometheus that is on PATH will do.
install_prometheus() {
  local to=.venv/prometheus from
  [ "$for_tests" = yes ] || return 0
  command -v prometheus >/dev/null && command -v promtool >/dev/null && return 0
  [ -x "$to/prometheus" ] && [ -x "$to/promtool" ] && return 0
  command -v apt-get >/dev/null || die "the tests need prometheus and promtool on PATH: https://prometheus.io/download"
  say "getting Prometheus for the tests"
  from=$(mktemp -d)
  if ! (
    cd "$from" &&
      { apt-get download prometheus || { apt-get update && apt-get download prometheus; }; } &&
      dpkg-deb -x prometheus_*.deb .
  ) >"$from/log" 2>&1; then
    tail -n 5 "$from/log" >&2
    die "Debian's package prometheus cannot be had; the whole output is in $from/log" "sudo apt-get update && make test"
  fi
  mkdir -p "$to" && mv "$from/usr/bin/prometheus" "$from/usr/bin/promtool" "$to/" && rm -rf "$from"
}

# The tests start the bundled preview service and open the dashboard, as hosts have them: with the packages that the
# lock files name. They are installed beside Prometheus, so that the folders of the sources stay as they are.
install_node_packages() {
  local of to log
  [ "$for_tests" = yes ] || return 0
  for of in services/preview dashboard; do
    to=.venv/node/${of##*/}
    [ -e "$to/installed" ] && cmp -s "$of/package-lock.json" "$to/package-lock.json" && continue
    say "getting the packages of $of for the tests"
    rm -rf "$to" && mkdir -p "$to" && cp "$of/package.json" "$of/package-lock.json" "$to/"
    log=$(mktemp)
    if ! npm ci --prefix "$to" --omit=dev --ignore-scripts --no-audit --no-fund --prefer-offline >"$log" 2>&1; then
      tail -n 5 "$log" >&2
      die "npm could not install the packages of $of; its whole output is in $log" "make test"
    fi
    rm -f "$log" && touch "$to/installed"
  done
}

install_packages
install_environment
install_prometheus
install_node_packages
