/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

enum option_name {
	OPTION_ADDRESS = 256,
	OPTION_PORT,
	OPTION_NODE,
	OPTION_CA,
	OPTION_CERTIFICATE,
	OPTION_KEY,
	OPTION_TLS_NAME,
	OPTION_TRUST,
	OPTION_COLLATERAL,
	OPTION_CONNECTIONS,
	OPTION_DRAIN,
	OPTION_HELP,
};

static const struct option names[] = {
	{ "address", required_argument, NULL, OPTION_ADDRESS },
	{ "port", required_argument, NULL, OPTION_PORT },
	{ "node", required_argument, NULL, OPTION_NODE },
	{ "tls-ca", required_argument, NULL, OPTION_CA },
	{ "tls-certificate", required_argument, NULL, OPTION_CERTIFICATE },
	{ "tls-key", required_argument, NULL, OPTION_KEY },
	{ "tls-name", required_argument, NULL, OPTION_TLS_NAME },
	{ "trust", required_argument, NULL, OPTION_TRUST },
	{ "collateral", required_argument, NULL, OPTION_COLLATERAL },
	{ "connections", required_argument, NULL, OPTION_CONNECTIONS },
	{ "drain", required_argument, NULL, OPTION_DRAIN },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"usage: pcc-gateway --node TARGET [--node TARGET ...] [options]\n"
	"\n"
	"Relays encapsulated requests (OHTTP) from clients to nodes.  It sees\n"
	"ciphertext alone.\n"
	"\n"
	"  --node TARGET           unix:/path/of/socket, or dns:host:port\n"
	"  --address ADDRESS       listen here (127.0.0.1)\n"
	"  --port PORT             listen on this port; 0: any (8080)\n"
	"  --tls-ca FILE           PEM of who signs nodes; with the two below "
	"it\n"
	"  --tls-certificate FILE  is needed for every node that is not on a "
	"unix\n"
	"  --tls-key FILE          socket\n"
	"  --tls-name NAME         the name in a node's certificate, where it "
	"is\n"
	"                          not the target's host\n"
	"  --trust FILE            list only nodes that verify under this (as "
	"pcc-client\n"
	"  --collateral FOLDER     takes both); without, that is left to "
	"clients\n"
	"  --connections NUMBER    clients at once, 1..65536 (1024)\n"
	"  --drain SECONDS         on SIGTERM finish what runs for this long "
	"(30)\n"
	"\n"
	"Prints one line, \"pcc-gateway: listening on http://ADDRESS:PORT\", "
	"when it\n"
	"serves.  A second SIGTERM ends it at once.\n";

static enum err add_target(struct options *options, const char *target)
{
	if (options->target_count == NODES_MAX)
		return ERR_TOO_LARGE;
	options->targets[options->target_count++] = target;
	return ERR_OK;
}

static enum err take_number(int name, const char *value,
			    struct options *options)
{
	uint64_t number = 0;

	switch (name) {
	case OPTION_PORT:
		TRY(decimal_parse(bytes_of_string(value), 0, UINT16_MAX,
				  &number));
		options->port = (uint16_t)number;
		return ERR_OK;
	case OPTION_CONNECTIONS:
		TRY(decimal_parse(bytes_of_string(value), 1, 65536, &number));
		options->connections_max = (unsigned)number;
		return ERR_OK;
	case OPTION_DRAIN:
		TRY(decimal_parse(bytes_of_string(value), 0, 86400, &number));
		options->drain_s = (unsigned)number;
		return ERR_OK;
	default:
		return ERR_MALFORMED;
	}
}

static enum err take(int name, const char *value, struct options *options)
{
	switch (name) {
	case OPTION_ADDRESS:
		options->address = value;
		return ERR_OK;
	case OPTION_NODE:
		return add_target(options, value);
	case OPTION_CA:
		options->ca_file = value;
		return ERR_OK;
	case OPTION_CERTIFICATE:
		options->certificate_file = value;
		return ERR_OK;
	case OPTION_KEY:
		options->key_file = value;
		return ERR_OK;
	case OPTION_TLS_NAME:
		options->tls_name = value;
		return ERR_OK;
	case OPTION_TRUST:
		options->trust_file = value;
		return ERR_OK;
	case OPTION_COLLATERAL:
		options->collateral_folder = value;
		return ERR_OK;
	default:
		return take_number(name, value, options);
	}
}

static enum options_verdict complain(const char *what)
{
	fprintf(stderr, "pcc-gateway: %s; see --help\n", what);
	return OPTIONS_USAGE;
}

static enum options_verdict complain_of(const char *name)
{
	fprintf(stderr, "pcc-gateway: --%s: an impossible value; see --help\n",
		name);
	return OPTIONS_USAGE;
}

enum options_verdict options_parse(int count, char *const *arguments,
				   struct options *out)
{
	int index = 0;
	int name;

	*out = (struct options){ .address = "127.0.0.1",
				 .port = 8080,
				 .connections_max = 1024,
				 .drain_s = 30 };
	while ((name = getopt_long(count, arguments, "", names, &index)) !=
	       -1) {
		if (name == OPTION_HELP) {
			fputs(help, stdout);
			return OPTIONS_HELP;
		}
		if (name == '?')
			return complain("unknown or incomplete option");
		if (take(name, optarg, out) != ERR_OK)
			return complain_of(names[index].name);
	}
	if (optind < count)
		return complain("it takes options alone");
	if (out->collateral_folder != NULL && out->trust_file == NULL)
		return complain("--collateral is for --trust");
	if (out->target_count == 0)
		return complain("at least one --node is needed");
	return OPTIONS_RUN;
}
