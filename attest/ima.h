/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ima: which files a Linux kernel measured into its PCR, in both forms in which
 * it tells them (Documentation/security/IMA-templates.rst).
 *
 *     text    PCR " " template hash " " name " " ALG ":" digest " " path
 *             { " " signature } LF
 *     binary  PCR u32 | template hash[20] | name u32+ | data u32+
 *     data    of ima-ng   u32+ ( ALG ":" 00 digest ) | u32+ ( path 00 )
 *             of ima-sig  the same | u32+ signature
 *
 * u32+ is a length, little-endian, and so many bytes.  The template hash is the
 * SHA-1 of the data, or in text SHA-256's where the kernel says so; a PCR of
 * another bank is extended by that bank's hash of the same data.  All zeros for
 * a hash mean a violation: a file was written while it was read, and the PCR is
 * extended by ones.
 */
#ifndef ATTEST_IMA_H
#define ATTEST_IMA_H

#include "crypto/hash.h"

#define IMA_BYTES_MAX (16u << 20)
#define IMA_PATH_MAX 4096
#define IMA_SIGNATURE_MAX 1024
#define IMA_BOOT_PCRS 10

enum ima_form {
	IMA_TEXT = 0,
	IMA_BINARY,
};

struct ima_entry {
	uint32_t pcr;
	enum hash_algorithm template_hash;
	uint8_t template_digest[HASH_BYTES_MAX];
	bool is_violation;
	enum hash_algorithm file_hash;
	uint8_t file_digest[HASH_BYTES_MAX];
	struct bytes path; /* borrowed */
	size_t signature_len;
	uint8_t signature[IMA_SIGNATURE_MAX];
};

/*
 * Take one entry from the front.  ERR_UNSUPPORTED for another template or hash,
 * ERR_MALFORMED or ERR_TRUNCATED for what is no entry, ERR_UNAUTHENTIC where
 * the template hash is not that of the entry.
 */
MUST_CHECK enum err ima_take(struct bytes *in, enum ima_form form,
			     struct ima_entry *out);

struct ima_replay {
	uint32_t pcr; /* of all entries */
	enum hash_algorithm bank;
	uint8_t value[HASH_BYTES_MAX];
	size_t entries, violations;
};

/*
 * What the log leads to in a bank, from zeros.  ERR_MALFORMED, too, where
 * entries are of several PCRs.  Whether violations will do is the caller's to
 * say.
 */
MUST_CHECK enum err ima_replay(struct bytes log, enum ima_form form,
			       enum hash_algorithm bank,
			       struct ima_replay *out);

/*
 * What the first entry, "boot_aggregate", has to be: the hash of the values of
 * PCR 0 to 7, and 8 and 9 unless by SHA-1 (Linux 5.8 and later).  `pcrs` has
 * IMA_BOOT_PCRS values of the bank, each hash_bytes(bank) long.
 */
void ima_boot_aggregate(enum hash_algorithm bank, const uint8_t *const *pcrs,
			uint8_t *digest);

#endif
