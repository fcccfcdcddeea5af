#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what is missing for `build` or `test`, on Debian 12.  Says what it
# does; does nothing, quickly and without the network, when all is there.
set -eu

build="gcc make libgrpc-dev libprotobuf-c-dev protobuf-c-compiler
 protobuf-compiler libssl-dev libsodium-dev libseccomp-dev libcap-dev
 libjansson-dev libmicrohttpd-dev libcurl4-openssl-dev"
test="libcriterion-dev procps python3"

wanted=
for group in "$@"; do
	case $group in
	build) wanted="$wanted $build" ;;
	test) wanted="$wanted $test" ;;
	*) echo "deps.sh: no such group: $group" >&2; exit 1 ;;
	esac
done

missing=
for package in $wanted; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
		grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

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
