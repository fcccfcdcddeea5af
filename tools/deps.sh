#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what is missing for `build`, `demo`, `test`, `claims`, `vm` or
# `interop`, on Debian 12.  Says what it does; does nothing, quickly and without the network, when all is
# there.
set -eu

build="gcc libc6-dev libgrpc-dev libprotobuf-c-dev protobuf-c-compiler
 protobuf-compiler libssl-dev libsodium-dev libseccomp-dev
 libjansson-dev libmicrohttpd-dev libcurl4-openssl-dev libtss2-dev"
demo="swtpm swtpm-tools"
test="libcriterion-dev strace swtpm swtpm-tools tpm2-tools openssl libcbor-dev procps python3"
claims="valgrind binutils"

# The measured machine (deploy/vm): half a gigabyte, for its own targets alone.
vm="linux-image-amd64 kmod systemd-boot-efi binutils python3 ovmf
 qemu-system-x86 swtpm swtpm-tools openssl"

install() {
	missing=
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
			grep -q 'ok installed' || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "These packages are missing; as root:"
		echo "  apt-get install --no-install-recommends$missing"
		exit 1
	fi
	echo "Installing:$missing"
	apt-get update -qq
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends $missing >/dev/null
}

# Clients that nobody here wrote, for tests/interop.  Without them those tests
# are counted as skipped, which is no reason to stop the others.
interop() {
	[ ! -d tests/interop/node_modules ] || return 0
	command -v node >/dev/null && command -v npm >/dev/null ||
		install nodejs npm
	echo "Installing the npm packages of tests/interop/package.json"
	timeout 300 npm install --prefix tests/interop --no-package-lock \
		--silent --fetch-retries=1 --fetch-timeout=30000 ||
		echo "They cannot be had now: the interop tests will be skipped."
}

for group in "$@"; do
	case $group in
	# shellcheck disable=SC2086
	build) install $build ;;
	# shellcheck disable=SC2086
	demo) install $demo ;;
	# shellcheck disable=SC2086
	test) install $build $test ;;
	# shellcheck disable=SC2086
	claims) install $claims ;;
	# shellcheck disable=SC2086
	vm) install $build $vm ;;
	interop) interop ;;
	*) echo "deps.sh: no such group: $group" >&2 && exit 1 ;;
	esac
done
