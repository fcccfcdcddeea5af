/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pck: the certificate of a platform's Provisioning Certification Key, by which
 * Intel vouches for the enclave that signs quotes on that platform.
 *
 * What the platform is stands in one extension, 1.2.840.113741.1.13.1 (Intel
 * SGX PCK Certificate and CRL Profile Specification, 1.5, section 1.3.5):
 *
 *     SEQUENCE of { OID, value }, in this order:
 *       .1  PPID, 16 octets
 *       .2  SEQUENCE of { OID, value }: .1 to .16 component SVNs, .17 PCESVN,
 *           .18 CPUSVN, 16 octets
 *       .3  PCE-ID, 2 octets          .4  FMSPC, 6 octets
 *       .5  SGX type
 *       .6  platform instance ID, 16 octets
 *       .7  configuration, of a platform with several packages: .1 dynamic,
 *           .2 cached keys, .3 SMT, each BOOLEAN and each optional
 *     .6 and .7 stand in certificates of the Platform CA alone.
 */
#ifndef ATTEST_PCK_H
#define ATTEST_PCK_H

#include "crypto/certificate.h"

#define PCK_OID "1.2.840.113741.1.13.1"
#define PCK_NAME "Intel SGX PCK Certificate"

#define PCK_PPID_BYTES 16
#define PCK_COMPONENTS 16
#define PCK_PCEID_BYTES 2
#define PCK_FMSPC_BYTES 6
#define PCK_INSTANCE_BYTES 16

enum pck_type {
	PCK_STANDARD = 0,
	PCK_SCALABLE,
	PCK_SCALABLE_WITH_INTEGRITY,
};

enum pck_answer {
	PCK_UNSAID = 0,
	PCK_NO,
	PCK_YES,
};

struct pck {
	uint8_t ppid[PCK_PPID_BYTES];
	uint8_t components[PCK_COMPONENTS];
	uint16_t pcesvn;
	uint8_t cpusvn[PCK_COMPONENTS];
	uint8_t pceid[PCK_PCEID_BYTES];
	uint8_t fmspc[PCK_FMSPC_BYTES];
	enum pck_type type;
	bool has_instance;
	uint8_t instance[PCK_INSTANCE_BYTES]; /* zeros where there is none */
	enum pck_answer dynamic, cached_keys, smt;
};

/* The extension's value, which has to fill `der`.  ERR_MALFORMED if not. */
MUST_CHECK enum err pck_parse(struct bytes der, struct pck *out);

/*
 * Read the certificates of a quote (certification data of type 5) into an empty
 * chain, the one with a PCK extension first: strict PEM and then nothing but
 * zeros, or DER end to end, in any order.  ERR_MALFORMED for anything else, and
 * unless they are three, one of them a PCK's: room for more is room to hide.
 */
MUST_CHECK enum err pck_read_chain(struct bytes text,
				   struct certificate_chain *chain);

/* What the extension and the name of a certificate say. */
MUST_CHECK enum err pck_of(const struct certificate *certificate,
			   struct pck *out);

#endif
