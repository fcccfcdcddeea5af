/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snp_table: the certificates that a host hands to its SEV-SNP guest (AMD
 * 56421, SNP_GUEST_REQUEST), as Linux gives them in configfs-tsm's auxblob.
 *
 *     table = { GUID:16 | offset:4 | length:4 }, ended by an entry of zeros,
 *             then what the entries point to
 *
 * Numbers are little-endian; a GUID's bytes stand as it is written.  The host
 * may put in what it likes, so nothing here is trusted: it is only found.  So
 * that no byte is without a meaning, entries point behind the table, in order
 * and without overlap, each kind that is known comes once, and what nobody
 * points to is zero.
 */
#ifndef ATTEST_SNP_TABLE_H
#define ATTEST_SNP_TABLE_H

#include "base/bytes.h"

#define SNP_TABLE_ENTRY_BYTES 24
#define SNP_TABLE_ENTRIES_MAX 16
#define SNP_TABLE_BYTES_MAX (64u << 10)

enum snp_table_kind {
	SNP_TABLE_VCEK = 0,
	SNP_TABLE_VLEK,
	SNP_TABLE_ASK, /* the ASVK that issues VLEKs goes by the same GUID */
	SNP_TABLE_ARK,
	SNP_TABLE_OTHER, /* the host's own */
};

struct snp_table_entry {
	enum snp_table_kind kind;
	struct bytes value; /* borrowed; a certificate in DER, if not other */
};

struct snp_table {
	struct snp_table_entry entries[SNP_TABLE_ENTRIES_MAX];
	size_t count;
};

/* Nothing at all is a table without entries.  ERR_TOO_LARGE for too many. */
MUST_CHECK enum err snp_table_parse(struct bytes in, struct snp_table *out);

/* Append a table of these entries, which may not be SNP_TABLE_OTHER. */
MUST_CHECK enum err snp_table_write(const struct snp_table *table,
				    struct writer *out);

#endif
