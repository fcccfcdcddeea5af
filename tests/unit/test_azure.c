/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "attest/azure.h"
#include "attest/azure_hcl.h"
#include "attest/snp_table.h"
#include "attest/tpm_evidence.h"
#include "attest/tpm_public.h"
#include "crypto/hash.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/support/snp_forge.h"
#include "tests/vector.h"
#include "wire/base64.h"

#define AT_2025_06_01 1748736000u
#define PCRS TPM_EVIDENCE_PCRS
#define CLAIMS_AT 0x4d4
#define AK_ATTRIBUTES 0x00050472u
#define ENDORSEMENT 0x4000000bu

/* Everything that evidence is made of, to be made worse. */
struct parts {
	uint8_t hcl[4096];
	size_t hcl_len;
	uint8_t table[8192];
	size_t table_len;
	uint8_t pcrs[PCRS][32];
	uint8_t attest[512];
	size_t attest_len;
	uint8_t signature[6 + 256]; /* TPMT_SIGNATURE */
	uint8_t public[512];	    /* TPMT_PUBLIC */
	size_t public_len;
};

static struct bytes assemble(const struct parts *parts)
{
	static uint8_t memory[16384];
	static uint8_t quote_memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct writer quote = WRITER_OVER(quote_memory);
	struct tpm_evidence tpm = {
		.attest = { parts->attest, parts->attest_len },
		.signature = BYTES_ARRAY(parts->signature),
		.ak_public = { parts->public, parts->public_len },
	};
	struct azure_evidence evidence = {
		.report = { parts->hcl, parts->hcl_len },
		.certificates = { parts->table, parts->table_len },
	};

	for (int i = 0; i < PCRS; i++)
		tpm.pcrs[i] = parts->pcrs[i];
	cr_assert_eq(tpm_evidence_write(&tpm, &quote), ERR_OK);
	evidence.quote = bytes_written(&quote);
	cr_assert_eq(azure_write(&evidence, &out), ERR_OK);
	return bytes_written(&out);
}

/* RSA 2048, RSASSA with SHA-256, as Azure's attestation keys are. */
static void put_public(struct parts *parts, uint32_t attributes,
		       const uint8_t modulus[static 256])
{
	struct writer out = WRITER_OVER(parts->public);

	cr_assert(bytes_put_u16(&out, 0x0001) == ERR_OK &&
		  bytes_put_u16(&out, 0x000b) == ERR_OK &&
		  bytes_put_u32(&out, attributes) == ERR_OK &&
		  bytes_put_u16(&out, 0) == ERR_OK &&
		  bytes_put_u16(&out, 0x0010) == ERR_OK &&
		  bytes_put_u16(&out, 0x0014) == ERR_OK &&
		  bytes_put_u16(&out, 0x000b) == ERR_OK &&
		  bytes_put_u16(&out, 2048) == ERR_OK &&
		  bytes_put_u32(&out, 0) == ERR_OK &&
		  bytes_put_u16(&out, 256) == ERR_OK &&
		  bytes_put(&out, (struct bytes){ modulus, 256 }) == ERR_OK);
	parts->public_len = out.len;
}

static void put_signature(struct parts *parts, struct bytes raw)
{
	static const uint8_t head[] = { 0, 0x14, 0, 0x0b, 1, 0 };

	cr_assert_eq(raw.len, 256);
	memcpy(parts->signature, head, sizeof(head));
	memcpy(parts->signature + sizeof(head), raw.data, 256);
}

static void put_table(struct parts *parts, struct bytes text)
{
	struct bytes list[3];
	struct writer out = WRITER_OVER(parts->table);
	struct snp_table table = { .count = vector_pem(text, list, 3) };

	for (size_t i = 0; i < table.count; i++) {
		static const enum snp_table_kind kinds[] = { SNP_TABLE_VCEK,
							     SNP_TABLE_ASK,
							     SNP_TABLE_ARK };

		table.entries[i] =
			(struct snp_table_entry){ kinds[i], list[i] };
	}
	cr_assert_eq(snp_table_write(&table, &out), ERR_OK);
	parts->table_len = out.len;
}

static void put_attest(struct parts *parts, struct bytes attest)
{
	cr_assert(attest.len <= sizeof(parts->attest));
	memcpy(parts->attest, attest.data, attest.len);
	parts->attest_len = attest.len;
}

static void put_hcl(struct parts *parts, struct bytes hcl)
{
	struct azure_hcl opened;

	memcpy(parts->hcl, hcl.data, hcl.len);
	parts->hcl_len = hcl.len;
	cr_assert_eq(azure_hcl_parse(hcl, &opened), ERR_OK);
	put_public(parts, AK_ATTRIBUTES, opened.modulus);
}

/* A machine's, of which the set has the pieces. */
static void load_milan(struct parts *parts)
{
	json_t *quote = vector_load("snp/azure-milan-vtpm/tpm-quote.json");
	const json_t *pcrs = json_object_get(quote, "pcrs");

	*parts = (struct parts){ .hcl_len = 0 };
	put_hcl(parts, vector_file("snp/azure-milan-vtpm/hcl-report.bin"));
	put_table(parts, vector_file("snp/azure-milan-vtpm/vcek.pem"));
	put_attest(parts, vector_bytes(quote, "message"));
	put_signature(parts, vector_bytes(quote, "signature"));
	for (size_t i = 0; i < PCRS; i++)
		memcpy(parts->pcrs[i],
		       vector_hex(json_string_value(json_array_get(pcrs, i)))
			       .data,
		       32);
	json_decref(quote);
}

static struct bytes numbers(const json_t *list)
{
	static uint8_t memory[4096];

	cr_assert(json_array_size(list) <= sizeof(memory));
	for (size_t i = 0; i < json_array_size(list); i++)
		memory[i] =
			(uint8_t)json_integer_value(json_array_get(list, i));
	return (struct bytes){ vector_copy((struct bytes){
				       memory, json_array_size(list) }),
			       json_array_size(list) };
}

static struct appraisal judge_at(const struct parts *parts, uint64_t now)
{
	struct bytes issuers[2];
	struct appraisal_policy policy = { .now = now };
	struct appraisal out;

	policy.certificates = issuers;
	if (now != 0)
		policy.certificate_count = vector_pem(
			vector_file("snp/roots/ask_ark_genoa.pem"), issuers, 2);
	azure_appraise(assemble(parts), &policy, &out);
	return out;
}

Test(azure, a_milan_and_its_virtual_tpm_pass)
{
	struct parts parts;
	struct appraisal out;

	load_milan(&parts);
	out = judge_at(&parts, AT_2025_06_01);
	for (int i = 0; i < APPRAISAL_CODES; i++)
		cr_expect_neq(out.records[i].mark, RECORD_FAIL, "%s",
			      out.records[i].text);
	cr_assert(appraisal_holds(&out, AZURE_NEEDED));
	cr_assert(bytes_equal(out.report_data, BYTES_LITERAL("challenge")));
	cr_assert_eq(out.registers[APPRAISAL_PCR0].len, 32);
	cr_assert_eq(out.registers[APPRAISAL_LAUNCH].len, 48);
	cr_assert_eq(out.chip.len, 64);
	vector_forget();
}

Test(azure, a_genoa_and_its_virtual_tpm_pass)
{
	json_t *set = vector_load("snp/azure-genoa-vtpm/evidence.json");
	const json_t *quote = json_object_get(set, "quote");
	struct parts parts = { .hcl_len = 0 };
	struct appraisal out;

	put_hcl(&parts, numbers(json_object_get(set, "report")));
	put_table(&parts, bytes_of_string(vector_text(set, "vcek")));
	put_attest(&parts, numbers(json_object_get(quote, "message")));
	put_signature(&parts, numbers(json_object_get(quote, "signature")));
	for (size_t i = 0; i < PCRS; i++)
		memcpy(parts.pcrs[i],
		       numbers(json_array_get(json_object_get(quote, "pcrs"),
					      i))
			       .data,
		       32);
	out = judge_at(&parts, AT_2025_06_01);
	for (int i = 0; i < APPRAISAL_CODES; i++)
		cr_expect_neq(out.records[i].mark, RECORD_FAIL, "%s",
			      out.records[i].text);
	cr_assert(appraisal_holds(&out, AZURE_NEEDED));
	cr_assert_eq(out.report_data.len, 48);
	json_decref(set);
	vector_forget();
}

Test(azure, the_quote_of_another_machine_is_refused)
{
	struct parts parts;
	struct appraisal out;

	load_milan(&parts);
	put_attest(&parts,
		   vector_file("snp/azure-milan-vtpm/neg-other-vm-quote.msg"));
	put_signature(&parts, vector_file("snp/azure-milan-vtpm/"
					  "neg-other-vm-quote.sig"));
	out = judge_at(&parts, AT_2025_06_01);
	cr_assert_not(appraisal_holds(&out, AZURE_NEEDED));
	cr_assert_eq(out.records[APPRAISAL_SIGNATURE].mark, RECORD_FAIL);
	cr_assert_eq(out.records[APPRAISAL_CHAIN].mark, RECORD_FAIL);
	cr_assert_eq(out.report_data.len, 0);
	cr_assert_eq(out.registers[APPRAISAL_PCR0].len, 0);
	vector_forget();
}

/* The one byte that nobody signs and that has two good values: see below. */
static bool is_version(struct bytes evidence, size_t at)
{
	return at > 4 && memcmp(evidence.data + at - 4, "HCLA", 4) == 0;
}

Test(azure, no_flipped_bit_and_no_cut_of_a_machine_s_evidence_is_accepted)
{
	struct parts parts;
	struct bytes evidence;
	uint8_t *changed;
	struct appraisal_policy policy = { .now = AT_2025_06_01 };
	struct appraisal out;
	size_t tried = 0;
	size_t step = effort_is_long() ? 1 : 47;

	load_milan(&parts);
	evidence = assemble(&parts);
	changed = vector_copy(evidence);
	for (size_t bit = 0; bit < 8 * evidence.len; bit += step, tried++) {
		changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		azure_appraise((struct bytes){ changed, evidence.len }, &policy,
			       &out);
		cr_expect(!appraisal_holds(&out, AZURE_NEEDED) ||
				  is_version(evidence, bit / 8),
			  "bit %zu of byte %zu", bit % 8, bit / 8);
		changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < evidence.len; len++, tried++) {
		azure_appraise((struct bytes){ changed, len }, &policy, &out);
		cr_assert_not(appraisal_holds(&out, AZURE_NEEDED));
	}
	azure_appraise((struct bytes){ changed, evidence.len }, &policy, &out);
	figure_none("A2a", "flips and cuts of an Azure VM's evidence accepted",
		    0, tried, appraisal_holds(&out, AZURE_NEEDED));
	vector_forget();
}

/* A machine of the test's own: a chip, a paravisor and a TPM. */
struct machine {
	struct snp_forge forge;
	struct snp_forge_key key;
	EVP_PKEY *ak;
	uint8_t modulus[256];
	uint32_t attributes;
	uint32_t hierarchy;
	const char *claims; /* with $ where the modulus goes */
	uint8_t tail;	    /* of the report data, after the digest */
	struct parts parts;
};

#define CLAIMS                                                             \
	"{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\"," \
	"\"n\":\"$\"}],\"user-data\":\"00\"}"

static void open_machine(struct machine *machine)
{
	BIGNUM *n = NULL;

	*machine = (struct machine){ .attributes = AK_ATTRIBUTES,
				     .hierarchy = ENDORSEMENT,
				     .claims = CLAIMS };
	snp_forge_open(&machine->forge);
	machine->key = snp_forge_ordinary(SNP_REPORT_MILAN, SNP_REPORT_VCEK);
	snp_forge_issue(&machine->forge, &machine->key);
	machine->ak = EVP_RSA_gen(2048);
	cr_assert_eq(EVP_PKEY_get_bn_param(machine->ak, "n", &n), 1);
	cr_assert_eq(BN_bn2binpad(n, machine->modulus, 256), 256);
	BN_free(n);
}

static void close_machine(struct machine *machine)
{
	EVP_PKEY_free(machine->ak);
	snp_forge_close(&machine->forge);
}

static void put_le(uint8_t *at, size_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static size_t write_claims(const struct machine *machine, uint8_t *at)
{
	uint8_t letters[400];
	struct writer n = WRITER_OVER(letters);
	struct writer out = { at, 0, 2048 };

	cr_assert_eq(base64_put(&n, BYTES_ARRAY(machine->modulus)), ERR_OK);
	for (const char *c = machine->claims; *c != '\0'; c++)
		cr_assert_eq(*c == '$' ? bytes_put(&out, bytes_written(&n))
				       : bytes_put_u8(&out, (uint8_t)*c),
			     ERR_OK);
	return out.len;
}

static void write_hcl(struct machine *machine)
{
	struct parts *parts = &machine->parts;
	uint8_t *claims = parts->hcl + CLAIMS_AT;
	uint8_t *report = parts->hcl + 0x20;
	size_t len;

	memset(parts->hcl, 0, sizeof(parts->hcl));
	len = write_claims(machine, claims);
	memcpy(parts->hcl, "HCLA", 4);
	put_le(parts->hcl + 4, 2);
	put_le(parts->hcl + 8, CLAIMS_AT + len);
	put_le(parts->hcl + 12, 2);
	put_le(parts->hcl + 0x4c0, len + 20);
	put_le(parts->hcl + 0x4c4, 1);
	put_le(parts->hcl + 0x4c8, 2);
	put_le(parts->hcl + 0x4cc, 1);
	put_le(parts->hcl + 0x4d0, len);
	parts->hcl_len = 2600;
	snp_forge_report(&machine->key, 3, report);
	memset(report + SNP_FORGE_REPORT_DATA, machine->tail, 64);
	hash_sha256((struct bytes){ claims, len },
		    report + SNP_FORGE_REPORT_DATA);
	snp_forge_sign(&machine->forge, SNP_FORGE_KEY, report);
}

/* TPMS_ATTEST of all PCRs, each of which is its number. */
static void write_quote(struct machine *machine)
{
	struct parts *parts = &machine->parts;
	struct writer out = WRITER_OVER(parts->attest);
	uint8_t qualified[4 + 34] = { 0 };
	struct tpm_public key;
	struct tpm_public_name name;
	uint8_t digest[32];
	static const uint8_t clock[8 + 4 + 4 + 1 + 8] = { [16] = 1 };
	static const uint8_t selection[] = { 0, 0,    0,    1,	  0, 0x0b,
					     3, 0xff, 0xff, 0xff, 0, 32 };
	static const uint8_t head[] = { 0xff, 0x54, 0x43, 0x47, 0x80,
					0x18, 0,    34,	  0,	0x0b };
	static const uint8_t data[2 + 32] = { 0, 32, 0x77 };

	put_public(parts, machine->attributes, machine->modulus);
	cr_assert_eq(tpm_public_parse(
			     (struct bytes){ parts->public, parts->public_len },
			     &key),
		     ERR_OK);
	tpm_public_name(&key, &name);
	for (int i = 0; i < 4; i++)
		qualified[i] = (uint8_t)(machine->hierarchy >> (24 - 8 * i));
	memcpy(qualified + 4, name.bytes, 34);
	hash_sha256(BYTES_ARRAY(qualified), digest);
	cr_assert(bytes_put(&out, BYTES_ARRAY(head)) == ERR_OK &&
		  bytes_put(&out, BYTES_ARRAY(digest)) == ERR_OK &&
		  bytes_put(&out, BYTES_ARRAY(data)) == ERR_OK &&
		  bytes_put(&out, BYTES_ARRAY(clock)) == ERR_OK &&
		  bytes_put(&out, BYTES_ARRAY(selection)) == ERR_OK);
	for (int i = 0; i < PCRS; i++)
		memset(parts->pcrs[i], i, 32);
	hash_sha256((struct bytes){ parts->pcrs[0], PCRS * 32 }, digest);
	cr_assert_eq(bytes_put(&out, BYTES_ARRAY(digest)), ERR_OK);
	parts->attest_len = out.len;
}

static void sign_quote(struct machine *machine)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t raw[256];
	size_t len = sizeof(raw);

	cr_assert_eq(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL,
					machine->ak),
		     1);
	cr_assert_eq(EVP_DigestSign(context, raw, &len, machine->parts.attest,
				    machine->parts.attest_len),
		     1);
	EVP_MD_CTX_free(context);
	put_signature(&machine->parts, BYTES_ARRAY(raw));
}

static void write_table(struct machine *machine)
{
	struct writer out = WRITER_OVER(machine->parts.table);
	const struct snp_table table = {
		.entries = { { SNP_TABLE_VCEK, machine->forge.leaf },
			     { SNP_TABLE_ASK, machine->forge.issuer },
			     { SNP_TABLE_ARK, machine->forge.root } },
		.count = 3,
	};

	cr_assert_eq(snp_table_write(&table, &out), ERR_OK);
	machine->parts.table_len = out.len;
}

typedef void change(struct machine *machine);

static void other_claims(struct machine *machine)
{
	machine->parts.hcl[CLAIMS_AT + 8] ^= 1;
}
static void tail_of_report_data(struct machine *machine)
{
	machine->tail = 1;
}
static void key_not_restricted(struct machine *machine)
{
	machine->attributes &= ~(uint32_t)TPM_PUBLIC_RESTRICTED;
}
static void key_may_leave(struct machine *machine)
{
	machine->attributes &= ~(uint32_t)TPM_PUBLIC_FIXED_TPM;
}
static void no_primary(struct machine *machine)
{
	machine->hierarchy = 0x81000003;
}
static void public_of_other_attributes(struct machine *machine)
{
	put_public(&machine->parts, AK_ATTRIBUTES & ~0x40u, machine->modulus);
}
static void claimed_twice(struct machine *machine)
{
	machine->claims =
		"{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":"
		"\"AQAB\",\"n\":\"$\"},{\"kid\":\"HCLAkPub\",\"kty\":"
		"\"RSA\",\"e\":\"AQAB\",\"n\":\"$\"}]}";
}
static void claimed_of_another_id(struct machine *machine)
{
	machine->claims = "{\"keys\":[{\"kid\":\"HCLEkPub\",\"kty\":\"RSA\","
			  "\"e\":\"AQAB\",\"n\":\"$\"}]}";
}
static void claimed_of_another_exponent(struct machine *machine)
{
	machine->claims = "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\","
			  "\"e\":\"Aw\",\"n\":\"$\"}]}";
}
static void claims_repeated(struct machine *machine)
{
	machine->claims =
		"{\"keys\":[],\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":"
		"\"RSA\",\"e\":\"AQAB\",\"n\":\"$\"}]}";
}
static void other_value(struct machine *machine)
{
	machine->parts.pcrs[7][0] ^= 1;
}
static void other_key_in_claims(struct machine *machine)
{
	machine->modulus[128] ^= 1;
	write_hcl(machine);
	machine->modulus[128] ^= 1;
}
static void other_hardware(struct machine *machine)
{
	put_le(machine->parts.hcl + 12, 4);
}
static void other_hash(struct machine *machine)
{
	put_le(machine->parts.hcl + 0x4cc, 2);
}
static void longer_claims(struct machine *machine)
{
	put_le(machine->parts.hcl + 8, 2600);
}
static void something_behind(struct machine *machine)
{
	machine->parts.hcl[2599] = 1;
}
static void debugged_paravisor(struct machine *machine)
{
	uint8_t *report = machine->parts.hcl + 0x20;

	report[SNP_FORGE_POLICY + 2] |= 1 << 3;
	snp_forge_sign(&machine->forge, SNP_FORGE_KEY, report);
}

/* Before everything is written and signed, or after. */
static const struct refused {
	const char *name;
	change *before, *after;
	enum appraisal_code code;
} refused[] = {
	{ "report data that go on", tail_of_report_data, NULL,
	  APPRAISAL_CHAIN },
	{ "claims of another text", NULL, other_claims, APPRAISAL_FORMAT },
	{ "claims of another key", NULL, other_key_in_claims, APPRAISAL_CHAIN },
	{ "claims with the key twice", claimed_twice, NULL, APPRAISAL_FORMAT },
	{ "claims with a name twice", claims_repeated, NULL, APPRAISAL_FORMAT },
	{ "claims without the key", claimed_of_another_id, NULL,
	  APPRAISAL_FORMAT },
	{ "claims of another exponent", claimed_of_another_exponent, NULL,
	  APPRAISAL_FORMAT },
	{ "a key that signs anything", key_not_restricted, NULL,
	  APPRAISAL_CHAIN },
	{ "a key that may leave", key_may_leave, NULL, APPRAISAL_CHAIN },
	{ "a key whose name nothing shows", no_primary, NULL, APPRAISAL_CHAIN },
	{ "a key that is told otherwise", NULL, public_of_other_attributes,
	  APPRAISAL_CHAIN },
	{ "another register", NULL, other_value, APPRAISAL_SIGNATURE },
	{ "other hardware", NULL, other_hardware, APPRAISAL_FORMAT },
	{ "another hash", NULL, other_hash, APPRAISAL_FORMAT },
	{ "claims that end elsewhere", NULL, longer_claims, APPRAISAL_FORMAT },
	{ "a byte behind the claims", NULL, something_behind,
	  APPRAISAL_FORMAT },
	{ "a paravisor that may be debugged", NULL, debugged_paravisor,
	  APPRAISAL_GUEST },
};

static struct appraisal play(const struct refused *row)
{
	static struct machine machine;
	struct appraisal_policy policy;
	struct appraisal out;

	open_machine(&machine);
	if (row != NULL && row->before != NULL)
		row->before(&machine);
	write_hcl(&machine);
	write_table(&machine);
	write_quote(&machine);
	sign_quote(&machine);
	if (row != NULL && row->after != NULL)
		row->after(&machine);
	policy = snp_forge_policy(&machine.forge, &machine.key);
	azure_appraise(assemble(&machine.parts), &policy, &out);
	close_machine(&machine);
	return out;
}

Test(azure, each_broken_link_is_refused_for_its_own_reason)
{
	size_t count = sizeof(refused) / sizeof(refused[0]);
	struct appraisal out = play(NULL);

	for (int i = 0; i < APPRAISAL_CODES; i++)
		cr_expect_neq(out.records[i].mark, RECORD_FAIL, "%s",
			      out.records[i].text);
	cr_assert(appraisal_holds(&out, AZURE_NEEDED), "the control");
	for (size_t i = 0; i < count; i++) {
		out = play(&refused[i]);
		cr_expect_not(appraisal_holds(&out, AZURE_NEEDED), "%s",
			      refused[i].name);
		cr_expect_eq(out.records[refused[i].code].mark, RECORD_FAIL,
			     "%s: %s", refused[i].name,
			     out.records[refused[i].code].text);
	}
	printf("0 of %zu broken links were accepted\n", count);
}

Test(azure_hcl, cut_at_any_length_it_is_refused)
{
	static struct machine machine;
	struct azure_hcl hcl;
	size_t least;

	open_machine(&machine);
	write_hcl(&machine);
	least = machine.parts.hcl[8] | (size_t)machine.parts.hcl[9] << 8;
	for (size_t len = 0; len < 2600; len++) {
		uint8_t *cut = malloc(len + 1);
		enum err err;

		memcpy(cut, machine.parts.hcl, len);
		err = azure_hcl_parse((struct bytes){ cut, len }, &hcl);
		cr_assert_eq(err, len < least ? ERR_TRUNCATED : ERR_OK);
		free(cut);
	}
	close_machine(&machine);
}
