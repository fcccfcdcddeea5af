/* SPDX-License-Identifier: Apache-2.0 */
/* create: `pcc-log create` and `pcc-log key`, a new log, a new key. */
#ifndef LOG_CREATE_H
#define LOG_CREATE_H

int create_run(int argc, char **argv);
int create_run_key(int argc, char **argv);

#endif
