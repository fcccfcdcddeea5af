/* SPDX-License-Identifier: Apache-2.0 */
#include "log/create.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "log/options.h"
#include "log/store.h"

static const char help[] =
	"usage: pcc-log create --log FOLDER --key FILE --origin NAME\n"
	"\n"
	"Makes a log with no entries yet.\n"
	"  --log FOLDER    what a web server will serve; made if missing\n"
	"  --key FILE      where the private key goes (0600), outside of "
	"FOLDER;\n"
	"                  FILE.head beside it remembers what the key signed:\n"
	"                  keep both together, and in one place alone\n"
	"  --origin NAME   the log's name for ever, such as "
	"log.example.org/pcc\n"
	"Prints the public key, which is in FOLDER/key, too.\n";

static const char key_help[] =
	"usage: pcc-log key --key FILE --origin NAME --type log|witness\n"
	"\n"
	"Makes a private key (0600) and prints its public half.\n"
	"  --key FILE      where it goes; nothing may be there\n"
	"  --origin NAME   whose key it is, such as witness.example.org/w1\n"
	"  --type TYPE     log: signs heads; witness: cosigns those of "
	"others\n";

static int print_public(const struct keys *keys)
{
	uint8_t memory[NOTE_KEY_TEXT_MAX];
	struct writer text = WRITER_OVER(memory);

	invariant(note_key_put(&text, &keys->signer.key) == ERR_OK);
	printf("%.*s\n", (int)text.len, (const char *)memory);
	return OPTIONS_OK;
}

/*
 * A key that signed nothing yet is what an attempt before this one left, and
 * is used; store_create() refuses one that did.
 */
static int open_or_make(const struct options *options, enum note_type type,
			struct keys *keys)
{
	const char *path = options->values[OPTIONS_KEY];
	const char *name = options->values[OPTIONS_ORIGIN];
	enum err err = keys_create(path, bytes_of_string(name), type);

	if (err != ERR_OK && err != ERR_DENIED)
		return options_complain("cannot make this key", path, err);
	err = keys_open(path, keys);
	if (err == ERR_OK && (keys->signer.key.type != type ||
			      strcmp(keys->signer.key.name, name) != 0)) {
		keys_close(keys);
		err = ERR_DENIED;
	}
	return err == ERR_OK
		       ? OPTIONS_OK
		       : options_complain("cannot use this key", path, err);
}

int create_run(int argc, char **argv)
{
	const struct options_form form = {
		.needed = OPTIONS_BIT(OPTIONS_LOG) | OPTIONS_BIT(OPTIONS_KEY) |
			  OPTIONS_BIT(OPTIONS_ORIGIN),
		.allowed = OPTIONS_BIT(OPTIONS_LOG) | OPTIONS_BIT(OPTIONS_KEY) |
			   OPTIONS_BIT(OPTIONS_ORIGIN),
		.help = help,
	};
	struct options options;
	struct keys keys;
	enum err err;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code))
		return code;
	code = open_or_make(&options, NOTE_ED25519, &keys);
	if (code != OPTIONS_OK)
		return code;
	err = store_create(options.values[OPTIONS_LOG], &keys);
	code = err == ERR_OK
		       ? print_public(&keys)
		       : options_complain("cannot make a log here",
					  options.values[OPTIONS_LOG], err);
	keys_close(&keys);
	return code;
}

int create_run_key(int argc, char **argv)
{
	const uint32_t all = OPTIONS_BIT(OPTIONS_KEY) |
			     OPTIONS_BIT(OPTIONS_ORIGIN) |
			     OPTIONS_BIT(OPTIONS_TYPE);
	const struct options_form form = { all, all, key_help };
	struct options options;
	struct keys keys;
	const char *path;
	enum err err;
	int code;
	bool is_log;

	if (!options_parse(argc, argv, &form, &options, &code))
		return code;
	is_log = strcmp(options.values[OPTIONS_TYPE], "log") == 0;
	if (!is_log && strcmp(options.values[OPTIONS_TYPE], "witness") != 0) {
		fputs("pcc-log key: --type is log or witness\n", stderr);
		return OPTIONS_USAGE;
	}
	path = options.values[OPTIONS_KEY];
	err = keys_create(path, bytes_of_string(options.values[OPTIONS_ORIGIN]),
			  is_log ? NOTE_ED25519 : NOTE_COSIGNATURE);
	if (err == ERR_OK)
		err = keys_open(path, &keys);
	if (err != ERR_OK)
		return options_complain("cannot make this key", path, err);
	code = print_public(&keys);
	keys_close(&keys);
	return code;
}
