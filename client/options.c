/* SPDX-License-Identifier: Apache-2.0 */
#include "client/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

enum option_name {
	OPTION_GATEWAY = 256,
	OPTION_CA,
	OPTION_TRUST,
	OPTION_COLLATERAL,
	OPTION_FILE,
	OPTION_NOW,
	OPTION_JSON,
	OPTION_ONCE,
	OPTION_SYSTEM,
	OPTION_TOKENS,
	OPTION_ADDRESS,
	OPTION_RECEIPTS,
	OPTION_PORT,
	OPTION_HELP,
	OPTION_ACCEPT, /* the rest of the name is a key of attest/trust.h */
};

static const struct option names[] = {
	{ "gateway", required_argument, NULL, OPTION_GATEWAY },
	{ "ca", required_argument, NULL, OPTION_CA },
	{ "trust", required_argument, NULL, OPTION_TRUST },
	{ "collateral", required_argument, NULL, OPTION_COLLATERAL },
	{ "node", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-evidence", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-shape", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-root", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-chip", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-measurement", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-program", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-model", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-tokenizer", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-policy", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-jail", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-log", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-command", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-snp-tcb", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-snp-vmpl", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-tdx-status", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-release-log", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-release-witness", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-release-quorum", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-release-age-s", required_argument, NULL, OPTION_ACCEPT },
	{ "accept-release-revoked", required_argument, NULL, OPTION_ACCEPT },
	{ "file", required_argument, NULL, OPTION_FILE },
	{ "now", required_argument, NULL, OPTION_NOW },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "once", required_argument, NULL, OPTION_ONCE },
	{ "system", required_argument, NULL, OPTION_SYSTEM },
	{ "max-tokens", required_argument, NULL, OPTION_TOKENS },
	{ "address", required_argument, NULL, OPTION_ADDRESS },
	{ "receipts", required_argument, NULL, OPTION_RECEIPTS },
	{ "port", required_argument, NULL, OPTION_PORT },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"usage: pcc-client verify (--gateway URL | --file FILE) [options]\n"
	"       pcc-client chat   --gateway URL [options]\n"
	"       pcc-client serve  --gateway URL [options]\n"
	"\n"
	"Verifies nodes, and sends prompts to those that pass, encrypted to "
	"one\n"
	"node.  Nothing is sent before, and nothing in any weaker form.\n"
	"\n"
	"What to trust, in a file or by options with the same words:\n"
	"  --trust FILE             lines such as \"evidence tpm2\", \"program "
	"HEX\"\n"
	"  --accept-evidence TYPE   software, tpm2, sev-snp or tdx; may be "
	"repeated;\n"
	"                           software proves nothing about hardware and "
	"is\n"
	"                           for development\n"
	"  --accept-root \"TYPE HEX\"            who certifies such evidence\n"
	"  --accept-measurement \"REGISTER HEX\" what was booted; or \"any\"\n"
	"  --accept-chip \"TYPE HEX\"            which machine\n"
	"  --accept-program HEX     SHA-256 of the node's program; likewise\n"
	"                           --accept-model, -tokenizer, -policy, "
	"-jail, "
	"-log\n"
	"                           (its grammar) and -command; each may be "
	"repeated, and "
	"any\n"
	"                           one of a kind will do\n"
	"  --accept-shape SHAPE     responses that are paced (always "
	"accepted), sized\n"
	"                           or off\n"
	"  --accept-snp-tcb, --accept-snp-vmpl, --accept-tdx-status: firmware\n"
	"  --accept-release-log KEY the log that its release has to be in; "
	"KEY is\n"
	"                           the line that pcc-log create prints\n"
	"  --accept-release-witness KEY  who has to have cosigned its head; "
	"may be\n"
	"                           repeated: all, or --accept-release-quorum "
	"N, and\n"
	"                           --accept-release-age-s N seconds ago at "
	"most\n"
	"  --accept-release-revoked HEX  an entry that was taken back, by its "
	"hash\n"
	"  --node HEX               this node and no other\n"
	"  --collateral FOLDER      what vendors publish of their chips\n"
	"\n"
	"Where:\n"
	"  --gateway URL            http://host:port or https://host\n"
	"  --ca FILE                PEM of who signs the gateway (the "
	"system's)\n"
	"\n"
	"verify prints the checks of each node:\n"
	"  --file FILE              a saved bundle, or a saved /v1/nodes\n"
	"  --now SECONDS            judge at this Unix time (the clock's)\n"
	"  --json                   one JSON object a line for each node\n"
	"  Exit codes: 0 verified, 10 not verified, 20 expired, 30 malformed,\n"
	"  1 usage, 2 nothing to judge.\n"
	"\n"
	"chat and serve check the receipt that each answer ends with:\n"
	"  --receipts FOLDER        keep them there, a file an answer, which "
	"holds\n"
	"                           prompt and answer in clear (pcc-verify "
	"receipt)\n"
	"\n"
	"chat talks in the terminal:\n"
	"  --once TEXT              one question, one answer on standard "
	"output\n"
	"  --system TEXT            what the model should be\n"
	"  --max-tokens NUMBER      length of an answer at most\n"
	"\n"
	"serve answers OpenAI clients on this machine (base URL\n"
	"http://127.0.0.1:PORT/v1, any API key):\n"
	"  --address ADDRESS        a loopback address (127.0.0.1)\n"
	"  --port PORT              0: any (8081)\n"
	"Prints one line, \"pcc-client: listening on http://ADDRESS:PORT\", "
	"when it\n"
	"serves.\n";

/* "--accept-program HEX" is the line "program HEX" of a file of trust. */
static enum err take_trust(const char *name, const char *value,
			   struct options *options)
{
	static const char prefix[] = "accept-";

	if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
		name += sizeof(prefix) - 1;
	return trust_take(&options->trust, bytes_of_string(name),
			  bytes_of_string(value));
}

/* A slash at the end would stand twice before every path. */
static enum err take_gateway(char *value, struct options *options)
{
	size_t len = strlen(value);

	if (strncmp(value, "http://", 7) != 0 &&
	    strncmp(value, "https://", 8) != 0)
		return ERR_MALFORMED;
	while (len > 0 && value[len - 1] == '/')
		value[--len] = '\0';
	options->gateway.url = value;
	return ERR_OK;
}

static enum err take_number(int name, const char *value,
			    struct options *options)
{
	uint64_t number = 0;

	switch (name) {
	case OPTION_NOW:
		return decimal_parse(bytes_of_string(value), 1, INT64_MAX,
				     &options->now);
	case OPTION_TOKENS:
		TRY(decimal_parse(bytes_of_string(value), 1, UINT32_MAX,
				  &number));
		options->tokens_max = (uint32_t)number;
		return ERR_OK;
	case OPTION_PORT:
		TRY(decimal_parse(bytes_of_string(value), 0, UINT16_MAX,
				  &number));
		options->port = (uint16_t)number;
		return ERR_OK;
	default:
		return ERR_MALFORMED;
	}
}

/* Kept as the command line's own: it outlives everything here. */
static enum err take_text(int name, const char *value, struct options *options)
{
	const char **where[] = {
		[OPTION_CA - OPTION_GATEWAY] = &options->gateway.ca_file,
		[OPTION_FILE - OPTION_GATEWAY] = &options->file,
		[OPTION_ONCE - OPTION_GATEWAY] = &options->once,
		[OPTION_SYSTEM - OPTION_GATEWAY] = &options->system_text,
		[OPTION_ADDRESS - OPTION_GATEWAY] = &options->address,
		[OPTION_RECEIPTS - OPTION_GATEWAY] = &options->receipts,
	};

	*where[name - OPTION_GATEWAY] = value;
	return ERR_OK;
}

static enum err take(int name, char *value, struct options *options)
{
	switch (name) {
	case OPTION_GATEWAY:
		return take_gateway(value, options);
	case OPTION_TRUST:
		return trust_load("pcc-client", value, &options->trust);
	case OPTION_COLLATERAL:
		return trust_load_collateral("pcc-client", value,
					     &options->trust);
	case OPTION_JSON:
		options->json = true;
		return ERR_OK;
	case OPTION_CA:
	case OPTION_FILE:
	case OPTION_ONCE:
	case OPTION_SYSTEM:
	case OPTION_ADDRESS:
	case OPTION_RECEIPTS:
		return take_text(name, value, options);
	default:
		return take_number(name, value, options);
	}
}

static enum options_verdict complain(const char *what)
{
	fprintf(stderr, "pcc-client: %s; see --help\n", what);
	return OPTIONS_USAGE;
}

static enum options_verdict complain_of(const char *name)
{
	fprintf(stderr, "pcc-client: --%s: an impossible value; see --help\n",
		name);
	return OPTIONS_USAGE;
}

static enum err take_command(const char *word, struct options *options)
{
	static const char *const commands[] = {
		[OPTIONS_VERIFY] = "verify",
		[OPTIONS_CHAT] = "chat",
		[OPTIONS_SERVE] = "serve",
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(word, commands[i]) == 0) {
			options->command = (enum options_command)i;
			return ERR_OK;
		}
	}
	return ERR_UNSUPPORTED;
}

enum options_verdict options_parse(int count, char **arguments,
				   struct options *out)
{
	int index = 0;
	int name;
	enum err err;

	*out = (struct options){ .address = "127.0.0.1", .port = 8081 };
	while ((name = getopt_long(count, arguments, "", names, &index)) !=
	       -1) {
		if (name == OPTION_HELP) {
			fputs(help, stdout);
			return OPTIONS_HELP;
		}
		if (name == '?')
			return complain("unknown or incomplete option");
		err = name == OPTION_ACCEPT
			      ? take_trust(names[index].name, optarg, out)
			      : take(name, optarg, out);
		if (err != ERR_OK)
			return complain_of(names[index].name);
	}
	if (optind + 1 != count ||
	    take_command(arguments[optind], out) != ERR_OK)
		return complain("one of verify, chat and serve is needed");
	if (out->file != NULL && out->command != OPTIONS_VERIFY)
		return complain("--file is for verify alone");
	if (out->receipts != NULL && out->command == OPTIONS_VERIFY)
		return complain("--receipts is for chat and serve");
	if ((out->gateway.url == NULL) == (out->file == NULL))
		return complain("one of --gateway and --file is needed");
	return OPTIONS_RUN;
}
