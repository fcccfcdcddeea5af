/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/arguments.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/decimal.h"

#define PROGRAM "pcc-verify"

const char arguments_help[] =
	"\n"
	"What to trust, in a file or by options with the same words:\n"
	"  --trust FILE             lines such as \"evidence tpm2\", \"program "
	"HEX\"\n"
	"  --accept-evidence TYPE   software (which proves nothing about "
	"hardware),\n"
	"                           tpm2, sev-snp or tdx\n"
	"  --accept-root \"TYPE HEX\"  --accept-measurement \"REGISTER HEX\"\n"
	"  --accept-chip \"TYPE HEX\"  --accept-program HEX and so on; --node "
	"HEX\n"
	"  --accept-release-log KEY  --accept-release-witness KEY and so on; "
	"all words\n"
	"                           are in pcc-client --help\n"
	"  --collateral FOLDER      what vendors publish of their chips\n"
	"  --now SECONDS            judge at this Unix time (the clock's)\n"
	"  --json                   for programs\n"
	"Exit codes: 0 verified, 10 not verified, 20 expired, 30 malformed, 1 "
	"usage.\n";

static enum arguments_verdict complain(const char *what, const char *which)
{
	fprintf(stderr, PROGRAM ": %s: %s; see --help\n", which, what);
	return ARGUMENTS_USAGE;
}

static uint64_t clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec;
}

/* One of the command's own, or ERR_UNSUPPORTED. */
static enum err take_own(const char *name, const char *value,
			 const struct arguments_own *own)
{
	for (; own != NULL && own->name != NULL; own++) {
		if (strcmp(name, own->name) != 0)
			continue;
		if (*own->value != NULL)
			return ERR_DENIED;
		*own->value = value;
		return ERR_OK;
	}
	return ERR_UNSUPPORTED;
}

static enum err take_now(const char *value, struct arguments *out)
{
	out->has_now = true;
	return decimal_parse(bytes_of_string(value), 1, INT64_MAX, &out->now);
}

static enum err take(const char *name, const char *value, struct arguments *out)
{
	static const char accept[] = "accept-";
	size_t prefix = sizeof(accept) - 1;

	if (strcmp(name, "trust") == 0)
		return trust_load(PROGRAM, value, &out->trust);
	if (strcmp(name, "collateral") == 0)
		return trust_load_collateral(PROGRAM, value, &out->trust);
	if (strcmp(name, "node") == 0)
		prefix = 0;
	else if (strncmp(name, accept, prefix) != 0)
		return ERR_UNSUPPORTED;
	return trust_take(&out->trust, bytes_of_string(name + prefix),
			  bytes_of_string(value));
}

static enum arguments_verdict take_option(const char *name, const char *value,
					  const struct arguments_form *form,
					  struct arguments *out)
{
	enum err err;

	if (value == NULL)
		return complain("a value is missing", name);
	err = take_own(name, value, form->own);
	if (err == ERR_UNSUPPORTED && strcmp(name, "now") == 0)
		err = take_now(value, out);
	if (err == ERR_UNSUPPORTED && form->trust == ARGUMENTS_JUDGES)
		err = take(name, value, out);
	if (err == ERR_UNSUPPORTED)
		return complain("unknown option", name);
	if (err == ERR_DENIED)
		return complain("given twice", name);
	if (err != ERR_OK)
		return complain("an impossible value", name);
	return ARGUMENTS_RUN;
}

enum arguments_verdict arguments_parse(int argc, char **argv,
				       const struct arguments_form *form,
				       struct arguments *out)
{
	memset(out, 0, sizeof(*out));
	trust_begin(&out->trust);
	out->now = clock_s();
	for (int i = 1; i < argc; i++) {
		enum arguments_verdict verdict;

		if (strcmp(argv[i], "--help") == 0) {
			fputs(form->usage, stdout);
			if (form->trust == ARGUMENTS_JUDGES)
				fputs(arguments_help, stdout);
			return ARGUMENTS_HELP;
		}
		if (strcmp(argv[i], "--json") == 0) {
			out->json = true;
			continue;
		}
		if (strncmp(argv[i], "--", 2) != 0) {
			if (out->rest_count == ARGUMENTS_REST_MAX)
				return complain("an argument too many",
						argv[i]);
			out->rest[out->rest_count++] = argv[i];
			continue;
		}
		verdict = take_option(argv[i] + 2, argv[i + 1], form, out);
		if (verdict != ARGUMENTS_RUN)
			return verdict;
		i++;
	}
	return ARGUMENTS_RUN;
}

void arguments_close(struct arguments *arguments)
{
	trust_close(&arguments->trust);
}
