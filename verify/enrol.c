/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/enrol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attest/enrolment.h"
#include "base/decimal.h"
#include "base/fd.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "verify/arguments.h"
#include "wire/hex.h"

#define EXIT_DENIED 10
#define EXIT_EXPIRED 20
#define EXIT_MALFORMED 30
#define DAYS_MAX 3650
#define ROOTS_MAX (64u << 10)

static const char usage[] =
	"usage: pcc-verify enrol --request FILE --ek-roots PEM --ca-key PEM\n"
	"           --ca-certificate PEM --days N --out FILE [--ek HEX]\n"
	"\n"
	"Certify the attestation key of a TPM for so many days, if the "
	"certificate of its\n"
	"endorsement key leads to one of the roots.  Only that TPM can open "
	"the answer.\n"
	"  --ek-roots PEM    of the TPM's maker: roots, and what lies between "
	"them and\n"
	"                    that certificate\n"
	"  --days N          1 to 3650, and within the CA's own time\n"
	"  --ek HEX          what `pcc-node --enrol-request` printed on that "
	"machine;\n"
	"                    without it any TPM of this maker is enrolled\n";

struct texts {
	const char *request, *ek_roots, *ca_key, *ca_certificate, *days, *out;
	const char *ek; /* or NULL */
};

/* Each as it lies in its file. */
struct files {
	uint8_t request[ENROLMENT_BYTES_MAX];
	uint8_t ek_roots[ROOTS_MAX];
	uint8_t ca_key[CERTIFICATE_BYTES_MAX];
	uint8_t ca_certificate[CERTIFICATE_BYTES_MAX];
	uint8_t answer[ENROLMENT_BYTES_MAX];
};

static void wipe_files(struct files *files)
{
	secret_wipe(files->ca_key, sizeof(files->ca_key));
}

static void tell_file(const char *path, enum err err)
{
	fprintf(stderr, "pcc-verify: %s: %s\n", path,
		err == ERR_UNAVAILABLE && errno != 0 ? strerror(errno)
						     : err_name(err));
}

static enum err load(const char *path, uint8_t *memory, size_t max,
		     struct bytes *out)
{
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC);
	struct writer text = { memory, 0, max };
	enum err err = file < 0 ? ERR_UNAVAILABLE : fd_read_all(file, &text);

	if (err != ERR_OK)
		tell_file(path, err);
	*out = bytes_written(&text);
	return err;
}

static enum err save(const char *path, struct bytes answer)
{
	SCOPED_FD file =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	enum err err = file < 0 ? ERR_UNAVAILABLE : fd_write_all(file, answer);

	if (err != ERR_OK)
		tell_file(path, err);
	return err;
}

static int tell(enum err err, const char *why)
{
	fprintf(stderr, "pcc-verify: not enrolled: %s (%s)\n", why,
		err_name(err));
	if (err == ERR_EXPIRED)
		return EXIT_EXPIRED;
	return err == ERR_MALFORMED || err == ERR_TRUNCATED ? EXIT_MALFORMED
							    : EXIT_DENIED;
}

static int answer(struct bytes request,
		  const struct enrolment_authority *authority,
		  struct writer *out)
{
	struct enrolment_request opened;
	const char *why = "The request is not in its one encoding.";
	enum err err = enrolment_request_parse(request, &opened);

	if (err == ERR_OK)
		err = enrolment_answer(&opened, authority, out, &why);
	return err == ERR_OK ? 0 : tell(err, why);
}

static const char *why_no_authority(enum err err)
{
	if (err == ERR_DENIED)
		return "the certificate is of another key, or of no CA";
	if (err == ERR_UNSUPPORTED)
		return "the key is neither RSA of 2048 bits or more nor on "
		       "P-256 or P-384";
	return "a key and its certificate in PEM are needed";
}

static int enrol(const struct texts *texts, uint64_t days, uint64_t now,
		 struct files *files)
{
	SCOPED_WIPE(issuer_close) struct issuer issuer = { NULL, NULL };
	struct enrolment_authority authority = { .issuer = &issuer,
						 .now = now,
						 .days = (uint32_t)days };
	struct writer out = WRITER_OVER(files->answer);
	struct bytes request;
	struct bytes key;
	struct bytes certificate;
	uint8_t ek[HASH_SHA256_BYTES];
	enum err err;
	int code;

	if (texts->ek != NULL) {
		if (hex_decode(bytes_of_string(texts->ek), ek, sizeof(ek)) !=
		    ERR_OK) {
			fputs(usage, stderr);
			return ARGUMENTS_EXIT_USAGE;
		}
		authority.ek = ek;
	}
	if (load(texts->request, files->request, sizeof(files->request),
		 &request) != ERR_OK ||
	    load(texts->ek_roots, files->ek_roots, sizeof(files->ek_roots),
		 &authority.ek_roots) != ERR_OK ||
	    load(texts->ca_key, files->ca_key, sizeof(files->ca_key), &key) !=
		    ERR_OK ||
	    load(texts->ca_certificate, files->ca_certificate,
		 sizeof(files->ca_certificate), &certificate) != ERR_OK)
		return ARGUMENTS_EXIT_USAGE;
	err = issuer_open(key, certificate, &issuer);
	if (err != ERR_OK) {
		fprintf(stderr, "pcc-verify: --ca-key, --ca-certificate: %s\n",
			why_no_authority(err));
		return ARGUMENTS_EXIT_USAGE;
	}
	code = answer(request, &authority, &out);
	if (code == 0 && save(texts->out, bytes_written(&out)) != ERR_OK)
		code = ARGUMENTS_EXIT_USAGE;
	return code;
}

static int run(const struct texts *texts, const struct arguments *arguments)
{
	static struct files files;
	uint64_t days;
	int code;

	if (texts->request == NULL || texts->ek_roots == NULL ||
	    texts->ca_key == NULL || texts->ca_certificate == NULL ||
	    texts->days == NULL || texts->out == NULL ||
	    arguments->rest_count != 0 ||
	    decimal_parse(bytes_of_string(texts->days), 1, DAYS_MAX, &days) !=
		    ERR_OK) {
		fputs(usage, stderr);
		return ARGUMENTS_EXIT_USAGE;
	}
	code = enrol(texts, days, arguments->now, &files);
	wipe_files(&files);
	return code;
}

int enrol_run(int argc, char **argv)
{
	static struct arguments arguments;
	struct texts texts = { 0 };
	const struct arguments_own own[] = {
		{ "request", &texts.request },
		{ "ek-roots", &texts.ek_roots },
		{ "ca-key", &texts.ca_key },
		{ "ca-certificate", &texts.ca_certificate },
		{ "days", &texts.days },
		{ "out", &texts.out },
		{ "ek", &texts.ek },
		{ NULL, NULL },
	};
	enum arguments_verdict verdict = arguments_parse(
		argc, argv,
		&(struct arguments_form){ .usage = usage,
					  .own = own,
					  .trust = ARGUMENTS_JUDGES_NOBODY },
		&arguments);
	int code = verdict == ARGUMENTS_HELP ? 0 : ARGUMENTS_EXIT_USAGE;

	if (verdict == ARGUMENTS_RUN)
		code = run(&texts, &arguments);
	arguments_close(&arguments);
	return code;
}
