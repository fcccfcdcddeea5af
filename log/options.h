/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the words of pcc-log's commands, and how its commands end.
 */
#ifndef LOG_OPTIONS_H
#define LOG_OPTIONS_H

#include "tlog/tlog_proof.h"

enum options_exit {
	OPTIONS_OK = 0,
	OPTIONS_USAGE = 1,
	OPTIONS_TROUBLE = 2, /* a file, a disk or a server refused */
	OPTIONS_NOT_VERIFIED = 10,
	OPTIONS_STALE = 20,
	OPTIONS_MALFORMED = 30,
};

/* What an option is for is said by the help of the commands that take it. */
enum options_name {
	OPTIONS_LOG = 0,
	OPTIONS_KEY,
	OPTIONS_LOG_KEY,
	OPTIONS_ORIGIN,
	OPTIONS_WITNESS,
	OPTIONS_QUORUM,
	OPTIONS_MAX_AGE,
	OPTIONS_NOW,
	OPTIONS_STATE,
	OPTIONS_EVIDENCE,
	OPTIONS_CONTINUOUS,
	OPTIONS_ADDRESS,
	OPTIONS_PORT,
	OPTIONS_INDEX,
	OPTIONS_FROM,
	OPTIONS_ENTRY,
	OPTIONS_PROOF,
	OPTIONS_RECEIPT,
	OPTIONS_OLD,
	OPTIONS_OUT,
	OPTIONS_EXPECT_SIZE,
	OPTIONS_TYPE,
	OPTIONS_NAMES,
};

#define OPTIONS_BIT(name) (1u << (name))
#define OPTIONS_MANY TLOG_PROOF_WITNESSES_MAX
#define OPTIONS_FILES_MAX 256

struct options {
	/* The last value of each; NULL without one.  All are borrowed. */
	const char *values[OPTIONS_NAMES];
	/* Those that may be repeated. */
	const char *witnesses[OPTIONS_MANY];
	size_t witness_count;
	const char *log_keys[OPTIONS_MANY];
	size_t log_key_count;
	char **files; /* what stands behind the options */
	size_t file_count;
};

/* What a command takes: sets of OPTIONS_BIT, and a text for --help. */
struct options_form {
	uint32_t allowed;
	uint32_t needed;
	const char *help;
};

/*
 * Parse argv[1..].  False: help was printed or a complaint made, and the
 * command ends with *code.
 */
bool options_parse(int argc, char **argv, const struct options_form *form,
		   struct options *out, int *code);

/* A number of at most `most`, or *number as it was.  False: complained. */
bool options_number(const struct options *options, enum options_name name,
		    uint64_t most, uint64_t *number);

/* --now, or the clock. */
bool options_now(const struct options *options, uint64_t *out);

/* Print "pcc-log: WHAT: PATH: WHY" for an error, and return an exit code. */
int options_complain(const char *what, const char *path, enum err err);

/* The exit code of a verdict. */
int options_of_verdict(enum tlog_verdict verdict);

/* Read a whole file, malloc'ed; "-" is standard input.  False: complained. */
bool options_read_file(const char *path, size_t most, struct bytes *out);

#endif
