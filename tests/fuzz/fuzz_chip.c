/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TPM that answers whatever it likes: everything that the attester asks of one
 * ends, and what it takes for an answer is within its bounds.
 *
 *     u8 what is asked | { u16 length | response }*
 *
 * Length 0 stands for the response of a TPM that has nothing to say, and one
 * whose top bit is set has the size in the response's header made to fit.  A
 * TPM that answers less than its header says is gone then: who waits for one
 * that is silent waits for long, which the keeper does not.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/chip_enrol.h"
#include "node/chip_kem.h"
#include "node/tcti.h"

#define INPUT_MAX 4096
#define PACKETS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	struct bytes in;
	int socket;
};

static struct script script;

/* In place of the system's: each command that is written is answered. */
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __real_write(int fd, const void *data, size_t len);

static struct bytes next_response(uint8_t *memory)
{
	static const uint8_t fine[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 0, 0 };
	struct bytes response;
	uint16_t head;
	size_t len;

	if (bytes_take_u16(&script.in, &head) != ERR_OK)
		return (struct bytes){ NULL, 0 };
	len = head & 0x7fffu;
	if (len == 0)
		return BYTES_ARRAY(fine);
	if (len > script.in.len)
		len = script.in.len;
	invariant(bytes_take(&script.in, len, &response) == ERR_OK);
	if (len > 0)
		memcpy(memory, response.data, len);
	if ((head & 0x8000u) != 0 && len >= TCTI_HEADER_BYTES) {
		memory[2] = memory[3] = 0;
		memory[4] = (uint8_t)(len >> 8);
		memory[5] = (uint8_t)len;
	}
	return (struct bytes){ memory, len };
}

static bool is_short(struct bytes response)
{
	uint32_t size;

	if (response.len < TCTI_HEADER_BYTES)
		return true;
	response.data += 2;
	response.len -= 2;
	return bytes_take_u32(&response, &size) != ERR_OK ||
	       size > response.len + 6;
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	uint8_t memory[INPUT_MAX];
	struct bytes response;

	(void)data;
	if (fd != script.socket)
		return __real_write(fd, data, len);
	response = next_response(memory);
	if (response.len == 0) {
		(void)shutdown(fd, SHUT_RDWR);
		return (ssize_t)len;
	}
	invariant(send(script.socket + 1, response.data, response.len, 0) ==
		  (ssize_t)response.len);
	if (is_short(response))
		(void)shutdown(script.socket + 1, SHUT_WR);
	return (ssize_t)len;
}

static void ask(struct chip *chip, uint8_t what)
{
	static struct chip_quoted quoted;
	static struct chip_enrol enrol;
	static const uint8_t seed[CHIP_KEM_SEED_BYTES] = { 1 };
	static const uint8_t point[CHIP_KEM_POINT_BYTES] = { 4, 1 };
	uint8_t memory[CHIP_PUBLIC_MAX], made[CHIP_KEM_POINT_BYTES];
	uint8_t dh[CHIP_KEM_DH_BYTES];
	const struct statement statement = { .key_expiry = 1 };
	struct writer out = WRITER_OVER(memory);
	struct secret32 secret;

	switch (what % 7) {
	case 0:
		(void)chip_read_pcrs(chip, &quoted.pcrs);
		break;
	case 1:
		if (chip_quote(chip, seed, &quoted) == ERR_OK)
			invariant(quoted.attest_len <= CHIP_ATTEST_MAX &&
				  quoted.signature_len <= CHIP_SIGNATURE_MAX);
		break;
	case 2:
		(void)chip_ak_public(chip, &out);
		break;
	case 3:
		if (chip_enrol_read(chip, &enrol) == ERR_OK)
			invariant(enrol.certificate_len <=
					  CHIP_ENROL_CERTIFICATE_MAX &&
				  enrol.ek_len <= CHIP_PUBLIC_MAX &&
				  enrol.ak_len <= CHIP_PUBLIC_MAX);
		break;
	case 4:
		(void)chip_kem_public(chip, seed, made);
		(void)chip_kem_dh(chip, seed, point, dh);
		break;
	case 5:
		(void)chip_measure(chip, &statement);
		break;
	default:
		(void)chip_enrol_activate(chip, BYTES_ARRAY(seed),
					  BYTES_ARRAY(point), &secret);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct chip *chip;
	int pair[2];
	uint8_t what;

	if (size > INPUT_MAX || bytes_take_u8(&in, &what) != ERR_OK)
		return 0;
	invariant(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ==
		  0);
	invariant(pair[1] == pair[0] + 1);
	script = (struct script){ in, pair[0] };
	if (chip_open(pair[0], &chip) == ERR_OK) {
		ask(chip, what);
		chip_close(chip);
	}
	script.socket = -1;
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}
