/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registers: `pcc-verify registers`, the names of what can be measured into.
 */
#ifndef VERIFY_REGISTERS_H
#define VERIFY_REGISTERS_H

int registers_run(int argc, char **argv);

#endif
