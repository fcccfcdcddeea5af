/* SPDX-License-Identifier: Apache-2.0 */
/* make_entry: `pcc-log entry`, an entry from the words of a command line. */
#ifndef LOG_MAKE_ENTRY_H
#define LOG_MAKE_ENTRY_H

int make_entry_run(int argc, char **argv);

#endif
