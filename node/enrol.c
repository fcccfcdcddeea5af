/* SPDX-License-Identifier: Apache-2.0 */
#include "node/enrol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "attest/enrolment.h"
#include "base/fd.h"
#include "crypto/hash.h"
#include "node/chip_enrol.h"
#include "node/hardware.h"
#include "wire/hex.h"
#include "wire/pem.h"

static struct chip *open_chip(const struct options *options)
{
	const char *address = options->tpm != NULL ? options->tpm : OPTIONS_TPM;
	struct chip *chip;
	int fd;

	if (hardware_open_tpm(address, &fd) != ERR_OK)
		die(address);
	errno = 0;
	if (chip_open(fd, &chip) != ERR_OK)
		die("the TPM makes no attestation key");
	return chip;
}

static void write_file(const char *path, struct bytes data)
{
	SCOPED_FD file =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (file < 0 || fd_write_all(file, data) != ERR_OK)
		die(path);
}

/* For the operator, who may see this machine's screen, not its mail alone. */
static void print_ek(struct bytes ek)
{
	uint8_t digest[HASH_SHA256_BYTES];
	uint8_t memory[2 * HASH_SHA256_BYTES];
	struct writer text = WRITER_OVER(memory);

	hash_sha256(ek, digest);
	if (hex_put(&text, BYTES_ARRAY(digest)) == ERR_OK)
		printf("%.*s\n", (int)text.len, (const char *)memory);
}

static void ask(const struct options *options)
{
	static uint8_t memory[ENROLMENT_BYTES_MAX];
	static struct chip_enrol shown;
	struct writer out = WRITER_OVER(memory);
	struct enrolment_request request = { .certificate_count = 1 };
	struct chip *chip = open_chip(options);
	enum err err = chip_enrol_read(chip, &shown);

	chip_close(chip);
	if (err == ERR_UNSUPPORTED)
		die("the TPM holds no certificate of its endorsement key");
	if (err != ERR_OK)
		die("the TPM does not show its endorsement key");
	request.certificates[0] =
		(struct bytes){ shown.certificate, shown.certificate_len };
	request.ek_public = (struct bytes){ shown.ek, shown.ek_len };
	request.ak_public = (struct bytes){ shown.ak, shown.ak_len };
	if (enrolment_request_write(&request, &out) != ERR_OK)
		die("the request is too large");
	write_file(options->enrol_request, bytes_written(&out));
	print_ek(request.ek_public);
}

static enum err open_answer(struct chip *chip,
			    const struct enrolment_answer *answer,
			    struct writer *chain)
{
	SCOPED_SECRET32 secret;

	TRY(chip_enrol_activate(chip, answer->blob, answer->secret, &secret));
	return enrolment_open(answer, &secret, chain);
}

/* As text, which --ak-certificate of a node takes. */
static void write_chain(const char *path, struct bytes chain)
{
	static uint8_t memory[2 * ENROLMENT_BYTES_MAX];
	struct writer text = WRITER_OVER(memory);
	struct bytes certificates[ENROLMENT_CERTIFICATES_MAX];
	size_t count;

	if (enrolment_chain_parse(chain, ENROLMENT_CERTIFICATES_MAX,
				  certificates, &count) != ERR_OK)
		die("the answer's certificates do not parse");
	for (size_t i = 0; i < count; i++) {
		if (pem_put(certificates[i], "CERTIFICATE", &text) != ERR_OK)
			die("the answer's certificates are too large");
	}
	write_file(path, bytes_written(&text));
}

static void finish(const struct options *options)
{
	static uint8_t file[ENROLMENT_BYTES_MAX], opened[ENROLMENT_BYTES_MAX];
	struct writer text = WRITER_OVER(file);
	struct writer chain = WRITER_OVER(opened);
	struct enrolment_answer answer;
	SCOPED_FD fd = open(options->enrol_finish, O_RDONLY | O_CLOEXEC);
	struct chip *chip;
	enum err err;

	if (fd < 0 || fd_read_all(fd, &text) != ERR_OK)
		die(options->enrol_finish);
	errno = 0;
	if (enrolment_answer_parse(bytes_written(&text), &answer) != ERR_OK)
		die("the answer is not one of pcc-verify enrol");
	chip = open_chip(options);
	err = open_answer(chip, &answer, &chain);
	chip_close(chip);
	if (err != ERR_OK)
		die("the answer is for another TPM, or another key");
	write_chain(options->ak_certificate, bytes_written(&chain));
}

int enrol_run(const struct options *options)
{
	if (options->task == OPTIONS_ENROL_REQUEST)
		ask(options);
	else
		finish(options);
	return EXIT_SUCCESS;
}
