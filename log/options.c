/* SPDX-License-Identifier: Apache-2.0 */
#include "log/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/fd.h"

#define FIRST 256
#define HELP (FIRST + OPTIONS_NAMES)

static const struct option words[] = {
	{ "log", required_argument, NULL, FIRST + OPTIONS_LOG },
	{ "key", required_argument, NULL, FIRST + OPTIONS_KEY },
	{ "log-key", required_argument, NULL, FIRST + OPTIONS_LOG_KEY },
	{ "origin", required_argument, NULL, FIRST + OPTIONS_ORIGIN },
	{ "witness", required_argument, NULL, FIRST + OPTIONS_WITNESS },
	{ "quorum", required_argument, NULL, FIRST + OPTIONS_QUORUM },
	{ "max-age", required_argument, NULL, FIRST + OPTIONS_MAX_AGE },
	{ "now", required_argument, NULL, FIRST + OPTIONS_NOW },
	{ "state", required_argument, NULL, FIRST + OPTIONS_STATE },
	{ "evidence", required_argument, NULL, FIRST + OPTIONS_EVIDENCE },
	{ "continuous", required_argument, NULL, FIRST + OPTIONS_CONTINUOUS },
	{ "address", required_argument, NULL, FIRST + OPTIONS_ADDRESS },
	{ "port", required_argument, NULL, FIRST + OPTIONS_PORT },
	{ "index", required_argument, NULL, FIRST + OPTIONS_INDEX },
	{ "from", required_argument, NULL, FIRST + OPTIONS_FROM },
	{ "entry", required_argument, NULL, FIRST + OPTIONS_ENTRY },
	{ "proof", required_argument, NULL, FIRST + OPTIONS_PROOF },
	{ "receipt", required_argument, NULL, FIRST + OPTIONS_RECEIPT },
	{ "old", required_argument, NULL, FIRST + OPTIONS_OLD },
	{ "out", required_argument, NULL, FIRST + OPTIONS_OUT },
	{ "expect-size", required_argument, NULL, FIRST + OPTIONS_EXPECT_SIZE },
	{ "type", required_argument, NULL, FIRST + OPTIONS_TYPE },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

static const char *word_of(enum options_name name)
{
	return words[name].name;
}

static bool complain(const char *command, const char *what, const char *which)
{
	fprintf(stderr, "pcc-log %s: %s%s%s; see pcc-log %s --help\n", command,
		which == NULL ? "" : "--", which == NULL ? "" : which, what,
		command);
	return false;
}

static bool take_one_of_many(const char **list, size_t *count)
{
	if (*count == OPTIONS_MANY)
		return false;
	list[(*count)++] = optarg;
	return true;
}

static bool take(enum options_name name, struct options *out)
{
	out->values[name] = optarg;
	if (name == OPTIONS_WITNESS)
		return take_one_of_many(out->witnesses, &out->witness_count);
	if (name == OPTIONS_LOG_KEY)
		return take_one_of_many(out->log_keys, &out->log_key_count);
	return true;
}

static bool has_needed(const char *command, const struct options_form *form,
		       const struct options *options)
{
	for (enum options_name i = 0; i < OPTIONS_NAMES; i++)
		if ((form->needed & OPTIONS_BIT(i)) != 0 &&
		    options->values[i] == NULL)
			return complain(command, " is needed", word_of(i));
	return true;
}

bool options_parse(int argc, char **argv, const struct options_form *form,
		   struct options *out, int *code)
{
	int got;

	*out = (struct options){ .file_count = 0 };
	*code = OPTIONS_USAGE;
	optind = 1;
	while ((got = getopt_long(argc, argv, "", words, NULL)) != -1) {
		enum options_name name = (enum options_name)(got - FIRST);

		if (got == HELP) {
			fputs(form->help, stdout);
			*code = OPTIONS_OK;
			return false;
		}
		if (got == '?')
			return complain(argv[0],
					"an option is unknown or without its "
					"value",
					NULL);
		if ((form->allowed & OPTIONS_BIT(name)) == 0)
			return complain(argv[0], " is not for this command",
					word_of(name));
		if (!take(name, out))
			return complain(argv[0], " is there too often",
					word_of(name));
	}
	out->files = argv + optind;
	out->file_count = (size_t)(argc - optind);
	return has_needed(argv[0], form, out);
}

bool options_number(const struct options *options, enum options_name name,
		    uint64_t most, uint64_t *number)
{
	const char *text = options->values[name];

	if (text == NULL)
		return true;
	if (decimal_parse(bytes_of_string(text), 0, most, number) == ERR_OK)
		return true;
	fprintf(stderr, "pcc-log: --%s has an impossible value\n",
		word_of(name));
	return false;
}

bool options_now(const struct options *options, uint64_t *out)
{
	*out = (uint64_t)time(NULL);
	return options_number(options, OPTIONS_NOW, INT64_MAX, out);
}

int options_complain(const char *what, const char *path, enum err err)
{
	int code = OPTIONS_NOT_VERIFIED;

	if (err == ERR_MALFORMED || err == ERR_TRUNCATED ||
	    err == ERR_TOO_LARGE || err == ERR_UNSUPPORTED)
		code = OPTIONS_MALFORMED;
	if (err == ERR_UNAVAILABLE)
		code = OPTIONS_TROUBLE;
	fprintf(stderr, "pcc-log: %s: %s: %s\n", what, path,
		err == ERR_UNAVAILABLE && errno != 0 ? strerror(errno)
						     : err_name(err));
	return code;
}

int options_of_verdict(enum tlog_verdict verdict)
{
	switch (verdict) {
	case TLOG_PROVEN:
		return OPTIONS_OK;
	case TLOG_STALE:
		return OPTIONS_STALE;
	case TLOG_MALFORMED:
		return OPTIONS_MALFORMED;
	case TLOG_WRONG_ORIGIN:
	case TLOG_NOT_SIGNED:
	case TLOG_SIGNATURE_WRONG:
	case TLOG_NOT_INCLUDED:
	case TLOG_BELOW_QUORUM:
	case TLOG_VERDICTS:
		break;
	}
	return OPTIONS_NOT_VERIFIED;
}

bool options_read_file(const char *path, size_t most, struct bytes *out)
{
	bool is_input = strcmp(path, "-") == 0;
	SCOPED_FD fd =
		is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	struct writer text = { malloc(most + 1), 0, most };
	enum err err = ERR_UNAVAILABLE;

	if (fd >= 0 && text.data != NULL)
		err = fd_read_all(fd, &text);
	if (err != ERR_OK) {
		(void)options_complain("cannot read", path, err);
		free(text.data);
		return false;
	}
	*out = bytes_written(&text);
	return true;
}
