/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/snp_forge.h"

#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "attest/snp_table.h"

#define RSA_BITS 2048
#define SALT_BYTES 48
#define OID(last) "1.3.6.1.4.1.3704.1." last
#define COORDINATE_BYTES 48

void snp_forge_open(struct snp_forge *forge)
{
	*forge = (struct snp_forge){
		.root_key = EVP_RSA_gen(RSA_BITS),
		.ask_key = EVP_RSA_gen(RSA_BITS),
		.asvk_key = EVP_RSA_gen(RSA_BITS),
		.key = EVP_EC_gen("P-384"),
		.other_key = EVP_EC_gen("P-384"),
	};
	cr_assert(forge->root_key != NULL && forge->ask_key != NULL &&
		  forge->asvk_key != NULL && forge->key != NULL &&
		  forge->other_key != NULL);
}

void snp_forge_close(struct snp_forge *forge)
{
	EVP_PKEY_free(forge->root_key);
	EVP_PKEY_free(forge->ask_key);
	EVP_PKEY_free(forge->asvk_key);
	EVP_PKEY_free(forge->key);
	EVP_PKEY_free(forge->other_key);
}

struct snp_forge_key snp_forge_ordinary(enum snp_report_product product,
					enum snp_report_signer signer)
{
	bool is_turin = product == SNP_REPORT_TURIN;
	struct snp_forge_key key = {
		.signer = signer,
		.product = product,
		.tcb = { .fmc = is_turin ? 3 : 0,
			 .bootloader = 4,
			 .tee = 2,
			 .snp = 23,
			 .microcode = 213 },
	};

	if (signer == SNP_REPORT_VLEK) {
		key.cloud = "CN=cloud.example";
		return key;
	}
	key.chip_len = is_turin ? 8 : 64;
	for (size_t i = 0; i < key.chip_len; i++)
		key.chip[i] = (uint8_t)(0x40 + i);
	return key;
}

static void name_it(X509_NAME *name, const char *common_name)
{
	cr_assert_eq(X509_NAME_add_entry_by_txt(
			     name, "O", MBSTRING_ASC,
			     (const unsigned char *)"Test Micro Devices", -1,
			     -1, 0),
		     1);
	cr_assert_eq(X509_NAME_add_entry_by_txt(
			     name, "CN", MBSTRING_ASC,
			     (const unsigned char *)common_name, -1, -1, 0),
		     1);
}

static X509 *begin(const char *subject, const char *issuer, EVP_PKEY *key)
{
	X509 *x509 = X509_new();

	cr_assert_not_null(x509);
	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 0);
	ASN1_TIME_set(X509_getm_notBefore(x509), SNP_FORGE_NOW - 100000000);
	ASN1_TIME_set(X509_getm_notAfter(x509), SNP_FORGE_NOW + 100000000);
	name_it(X509_get_subject_name(x509), subject);
	name_it(X509_get_issuer_name(x509), issuer);
	X509_set_pubkey(x509, key);
	return x509;
}

/* RSASSA-PSS with SHA-384, as AMD signs all of them. */
static struct bytes finish(X509 *x509, EVP_PKEY *by,
			   uint8_t memory[static SNP_FORGE_DER_MAX])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key = NULL;
	uint8_t *at = memory;
	int len;

	cr_assert_eq(EVP_DigestSignInit(context, &key, EVP_sha384(), NULL, by),
		     1);
	EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING);
	EVP_PKEY_CTX_set_rsa_pss_saltlen(key, SALT_BYTES);
	cr_assert(X509_sign_ctx(x509, context) > 0);
	EVP_MD_CTX_free(context);
	len = i2d_X509(x509, NULL);
	cr_assert(len > 0 && len <= SNP_FORGE_DER_MAX);
	len = i2d_X509(x509, &at);
	X509_free(x509);
	return (struct bytes){ memory, (size_t)len };
}

static void add_authority(X509 *x509)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(
		NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

	cr_assert_not_null(extension);
	X509_add_ext(x509, extension, -1);
	X509_EXTENSION_free(extension);
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage,
					"critical,keyCertSign,cRLSign");
	cr_assert_not_null(extension);
	X509_add_ext(x509, extension, -1);
	X509_EXTENSION_free(extension);
}

static void add_raw(X509 *x509, const char *oid, struct bytes value)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	cr_assert_eq(ASN1_OCTET_STRING_set(octets, value.data, (int)value.len),
		     1);
	extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, octets);
	cr_assert_eq(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(object);
}

/* One of AMD's, unless the key is to be without it; or twice. */
static void add_own(X509 *x509, const struct snp_forge_key *key,
		    const char *oid, struct bytes value)
{
	if (key->without != NULL && strcmp(key->without, oid) == 0)
		return;
	add_raw(x509, oid, value);
	if (key->twice != NULL && strcmp(key->twice, oid) == 0)
		add_raw(x509, oid, value);
}

static void add_number(X509 *x509, const struct snp_forge_key *key,
		       const char *oid, uint8_t value)
{
	const uint8_t small[] = { 2, 1, value };
	const uint8_t great[] = { 2, 2, 0, value };

	add_own(x509, key, oid,
		value < 0x80 ? BYTES_ARRAY(small) : BYTES_ARRAY(great));
}

static void add_text(X509 *x509, const struct snp_forge_key *key,
		     const char *oid, const char *text)
{
	uint8_t raw[64] = { 0x16, (uint8_t)strlen(text) };

	cr_assert(strlen(text) < sizeof(raw) - 2);
	memcpy(raw + 2, text, strlen(text));
	add_own(x509, key, oid, (struct bytes){ raw, 2 + strlen(text) });
}

static void add_endorsement(X509 *x509, const struct snp_forge_key *key)
{
	bool is_turin = key->product == SNP_REPORT_TURIN;

	add_number(x509, key, OID("1"), is_turin);
	add_text(x509, key, OID("2"),
		 key->product_text != NULL
			 ? key->product_text
			 : snp_report_product_name(key->product));
	add_number(x509, key, OID("3.1"), key->tcb.bootloader);
	add_number(x509, key, OID("3.2"), key->tcb.tee);
	if (!is_turin)
		add_number(x509, key, OID("3.4"), 0);
	add_number(x509, key, OID("3.5"), 0);
	add_number(x509, key, OID("3.6"), 0);
	add_number(x509, key, OID("3.7"), 0);
	add_number(x509, key, OID("3.3"), key->tcb.snp);
	add_number(x509, key, OID("3.8"), key->tcb.microcode);
	if (is_turin)
		add_number(x509, key, OID("3.9"), key->tcb.fmc);
	if (key->chip_len > 0)
		add_own(x509, key, OID("4"),
			(struct bytes){ key->chip, key->chip_len });
	if (key->cloud != NULL)
		add_text(x509, key, OID("5"), key->cloud);
	if (key->with_oid != NULL)
		add_raw(x509, key->with_oid, key->with);
}

static void issue_leaf(struct snp_forge *forge, const struct snp_forge_key *key,
		       const char *issuer, EVP_PKEY *by)
{
	const char *subject =
		key->signer == SNP_REPORT_VLEK ? "SEV-VLEK" : "SEV-VCEK";
	X509 *x509 = begin(key->subject != NULL ? key->subject : subject,
			   issuer, forge->key);

	if (key->not_before != 0)
		ASN1_TIME_set(X509_getm_notBefore(x509),
			      (time_t)key->not_before);
	if (key->not_after != 0)
		ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)key->not_after);
	add_endorsement(x509, key);
	forge->leaf = finish(x509, by, forge->memory[2]);
}

void snp_forge_issue(struct snp_forge *forge, const struct snp_forge_key *key)
{
	const char *line = snp_report_product_name(key->product);
	bool is_leased = key->signer == SNP_REPORT_VLEK;
	EVP_PKEY *issuer_key = is_leased ? forge->asvk_key : forge->ask_key;
	struct certificate root = { NULL };
	char root_name[32];
	char issuer_name[32];
	X509 *x509;

	snprintf(root_name, sizeof(root_name), "ARK-%s", line);
	snprintf(issuer_name, sizeof(issuer_name), "SEV-%s%s",
		 is_leased ? "VLEK-" : "", line);
	x509 = begin(root_name, root_name, forge->root_key);
	add_authority(x509);
	forge->root = finish(x509, forge->root_key, forge->memory[0]);
	x509 = begin(issuer_name, root_name, issuer_key);
	add_authority(x509);
	forge->issuer = finish(x509, forge->root_key, forge->memory[1]);
	issue_leaf(forge, key, issuer_name, issuer_key);
	forge->product = key->product;
	forge->signer = key->signer;
	cr_assert_eq(certificate_parse(forge->root, &root), ERR_OK);
	certificate_root_of(&root, &forge->trusted);
	certificate_close(&root);
}

void snp_forge_put_tcb(uint8_t *out, enum snp_report_product product,
		       const struct appraisal_tcb *tcb)
{
	const uint8_t turin[] = { tcb->fmc, tcb->bootloader,
				  tcb->tee, tcb->snp,
				  0,	    0,
				  0,	    tcb->microcode };
	const uint8_t others[] = { tcb->bootloader, tcb->tee,	   0, 0, 0, 0,
				   tcb->snp,	    tcb->microcode };

	memcpy(out, product == SNP_REPORT_TURIN ? turin : others,
	       SNP_REPORT_TCB_BYTES);
}

void snp_forge_report(const struct snp_forge_key *key, uint32_t version,
		      uint8_t report[static SNP_REPORT_BYTES])
{
	static const uint8_t processors[SNP_REPORT_PRODUCTS][3] = {
		[SNP_REPORT_MILAN] = { 0x19, 0x01, 0x01 },
		[SNP_REPORT_GENOA] = { 0x19, 0x11, 0x01 },
		[SNP_REPORT_TURIN] = { 0x1a, 0x02, 0x01 },
	};
	static const uint8_t firmware[] = { 55, 1, 1, 0, 55, 1, 1, 0 };

	memset(report, 0, SNP_REPORT_BYTES);
	report[SNP_FORGE_VERSION] = (uint8_t)version;
	report[SNP_FORGE_POLICY + 2] = 3; /* SMT, and the bit that is one */
	report[SNP_FORGE_ALGORITHM] = 1;
	report[SNP_FORGE_PLATFORM_INFO] = 0x25;
	report[SNP_FORGE_FLAGS] = (uint8_t)(key->signer << 2);
	memset(report + SNP_FORGE_REPORT_DATA, 0xda, 64);
	memset(report + SNP_FORGE_MEASUREMENT, 0xe5, 48);
	memset(report + SNP_FORGE_REPORT_ID, 0x1d, 32);
	memset(report + SNP_FORGE_REPORT_ID_MA, 0xff, 32);
	snp_forge_put_tcb(report + SNP_FORGE_REPORTED_TCB, key->product,
			  &key->tcb);
	memcpy(report + SNP_FORGE_CURRENT_TCB, report + SNP_FORGE_REPORTED_TCB,
	       SNP_REPORT_TCB_BYTES);
	memcpy(report + SNP_FORGE_COMMITTED_TCB,
	       report + SNP_FORGE_REPORTED_TCB, SNP_REPORT_TCB_BYTES);
	memcpy(report + SNP_FORGE_LAUNCH_TCB, report + SNP_FORGE_REPORTED_TCB,
	       SNP_REPORT_TCB_BYTES);
	if (version >= 3)
		memcpy(report + SNP_FORGE_PROCESSOR, processors[key->product],
		       3);
	if (version >= 5)
		report[SNP_FORGE_MITIGATIONS] = 7;
	memcpy(report + SNP_FORGE_CHIP_ID, key->chip, sizeof(key->chip));
	memcpy(report + SNP_FORGE_FIRMWARE, firmware, sizeof(firmware));
}

static void put_turned(uint8_t *out, const BIGNUM *number)
{
	uint8_t raw[COORDINATE_BYTES];

	cr_assert_eq(BN_bn2binpad(number, raw, COORDINATE_BYTES),
		     COORDINATE_BYTES);
	for (size_t i = 0; i < COORDINATE_BYTES; i++)
		out[i] = raw[COORDINATE_BYTES - 1 - i];
}

void snp_forge_sign(const struct snp_forge *forge, enum snp_forge_with with,
		    uint8_t report[static SNP_REPORT_BYTES])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *at = der;
	size_t len = sizeof(der);
	ECDSA_SIG *pair;

	cr_assert_eq(EVP_DigestSignInit(context, NULL, EVP_sha384(), NULL,
					with == SNP_FORGE_KEY
						? forge->key
						: forge->other_key),
		     1);
	cr_assert_eq(EVP_DigestSign(context, der, &len, report,
				    SNP_REPORT_SIGNED_BYTES),
		     1);
	EVP_MD_CTX_free(context);
	pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
	cr_assert_not_null(pair);
	memset(report + SNP_FORGE_R, 0, SNP_REPORT_BYTES - SNP_FORGE_R);
	put_turned(report + SNP_FORGE_R, ECDSA_SIG_get0_r(pair));
	put_turned(report + SNP_FORGE_S, ECDSA_SIG_get0_s(pair));
	ECDSA_SIG_free(pair);
}

void snp_forge_evidence(const struct snp_forge *forge, struct bytes report,
			struct writer *out)
{
	uint8_t memory[4 * SNP_FORGE_DER_MAX];
	struct writer certificates = WRITER_OVER(memory);
	const struct snp_table table = {
		.entries = { { forge->signer == SNP_REPORT_VLEK
				       ? SNP_TABLE_VLEK
				       : SNP_TABLE_VCEK,
			       forge->leaf },
			     { SNP_TABLE_ASK, forge->issuer },
			     { SNP_TABLE_ARK, forge->root } },
		.count = 3,
	};
	struct snp_evidence parts = { .report = report };

	cr_assert_eq(snp_table_write(&table, &certificates), ERR_OK);
	parts.certificates = bytes_written(&certificates);
	cr_assert_eq(snp_write(&parts, out), ERR_OK);
}

struct appraisal_policy snp_forge_policy(const struct snp_forge *forge,
					 const struct snp_forge_key *key)
{
	return (struct appraisal_policy){
		.now = SNP_FORGE_NOW,
		.roots = &forge->trusted,
		.root_count = 1,
		.snp_floor = key->tcb,
	};
}
