#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Say what a program lacks of the compiler's and the linker's defences; nothing
# where it has all of them, and then the exit status is 0.
#   check_hardening.sh PROGRAM...
set -u
export LC_ALL=C
status=0

lacks() {
	echo "${program##*/}: $1"
	status=1
}

for program in "$@"; do
	all=$(readelf -W --file-header --segments --dynamic --dyn-syms \
		"$program") || { lacks "that it can be read"; continue; }
	has() { grep -qE "$1" <<<"$all"; }

	has '^ *Type: +DYN ' && has 'FLAGS_1.* PIE' ||
		lacks "an address that is random (PIE)"
	has '^ *GNU_RELRO ' || lacks "tables that are read-only (RELRO)"
	has 'FLAGS_1.* NOW' || lacks "all symbols bound at start (BIND_NOW)"
	has '^ *GNU_STACK .* RW +0x' || lacks "a stack without code"
	has '^ *LOAD .* (RWE|WE) ' && lacks "pages either written or executed"
	has '\((RPATH|RUNPATH)\)' && lacks "libraries from the system alone"
	has '\(TEXTREL\)' && lacks "code that is never written (TEXTREL)"
	has ' __stack_chk_fail(@| |$)' || lacks "guards on the stack"
	has ' __(mem|str|snprintf|vsnprintf|fprintf|vfprintf|read|poll|explicit)[a-z_]*_chk(@| |$)' ||
		lacks "checked copies (FORTIFY)"
done
exit $status
