/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tdx_platform.h"

#include <criterion/criterion.h>
#include <string.h>

#include "attest/tdx_quote.h"
#include "tests/unit/tdx_extension.h"
#include "tests/unit/tdx_statements.h"
#include "tests/vector.h"
#include "wire/cbor.h"

#define must_put(call) cr_assert_eq(call, ERR_OK)

#define ISSUED "2027-01-10T00:00:00Z"
#define NEXT "2027-02-09T00:00:00Z"

static const struct signature_scheme scheme = { SIGNATURE_ECDSA, HASH_SHA256 };

/* What was built, out of the pool, so that the pool may be forgotten. */
static uint8_t kept[8][32u << 10];

static struct bytes keep(int place, struct bytes data)
{
	cr_assert(data.len <= sizeof(kept[place]));
	memmove(kept[place], data.data, data.len);
	return (struct bytes){ kept[place], data.len };
}

static void set_parties(struct tdx_platform *platform)
{
	static const struct {
		const char *name;
		enum authority_role role;
		enum tdx_platform_party issuer;
	} parties[] = {
		[TDX_ROOT] = { "Intel SGX Root CA", AUTHORITY_CA, TDX_PARTIES },
		[TDX_AUTHORITY] = { "Intel SGX PCK Platform CA", AUTHORITY_CA,
				    TDX_ROOT },
		[TDX_PCK] = { PCK_NAME, AUTHORITY_LEAF, TDX_AUTHORITY },
		[TDX_SIGNER] = { "Intel SGX TCB Signing", AUTHORITY_LEAF,
				 TDX_ROOT },
		[TDX_ATTESTER] = { "attester", AUTHORITY_LEAF, TDX_ROOT },
		[TDX_STRANGER_ROOT] = { "Intel SGX Root CA", AUTHORITY_CA,
					TDX_PARTIES },
		[TDX_STRANGER] = { PCK_NAME, AUTHORITY_LEAF,
				   TDX_STRANGER_ROOT },
	};

	for (int i = 0; i < TDX_PARTIES; i++)
		platform->wishes[i] = (struct authority_wish){
			.name = parties[i].name,
			.role = parties[i].role,
			.issuer =
				parties[i].issuer == TDX_PARTIES
					? NULL
					: &platform->parties[parties[i].issuer],
		};
}

/* The keys stay what they were once they are there. */
static void make_party(struct tdx_platform *platform,
		       enum tdx_platform_party party)
{
	struct authority before = platform->parties[party];
	struct authority_wish wish = platform->wishes[party];
	struct authority made;

	if (before.key != NULL)
		wish.twin = &before;
	authority_make(&wish, &made);
	authority_close(&before);
	platform->parties[party] = made;
}

void tdx_platform_certify(struct tdx_platform *platform)
{
	uint8_t memory[16384];
	struct writer text = WRITER_OVER(memory);
	struct authority_extension extension = { PCK_OID,
						 tdx_extension(&platform->pck),
						 false };

	platform->wishes[TDX_PCK].extensions[0] = extension;
	platform->wishes[TDX_STRANGER].extensions[0] = extension;
	for (int i = 0; i < TDX_PARTIES; i++)
		make_party(platform, (enum tdx_platform_party)i);
	for (size_t i = 0; i < platform->chain_count; i++)
		must_put(bytes_put(
			&text,
			authority_pem(&platform->parties[platform->chain[i]])));
	platform->certificates = keep(0, bytes_written(&text));
	platform->root = authority_root(&platform->parties[TDX_ROOT]);
	platform->crls[0] =
		keep(1, authority_list(&(struct authority_list_wish){
				.issuer = &platform->parties[TDX_AUTHORITY] }));
	platform->crls[1] =
		keep(2, authority_list(&(struct authority_list_wish){
				.issuer = &platform->parties[TDX_ROOT] }));
}

static void put_u16_le(struct writer *out, size_t value)
{
	must_put(bytes_put_u8(out, (uint8_t)value));
	must_put(bytes_put_u8(out, (uint8_t)(value >> 8)));
}

static void put_u32_le(struct writer *out, size_t value)
{
	put_u16_le(out, value & 0xffff);
	put_u16_le(out, value >> 16);
}

/* x | y, out of a SubjectPublicKeyInfo, whose last bytes they are. */
static struct bytes point_of(const struct authority *party)
{
	struct bytes spki = authority_spki(party);

	return (struct bytes){ spki.data + spki.len - 64, 64 };
}

static void name_key(struct tdx_platform *platform, struct bytes point)
{
	uint8_t both[64 + sizeof(platform->authentication)];

	memcpy(both, point.data, 64);
	memcpy(both + 64, platform->authentication,
	       sizeof(platform->authentication));
	memset(platform->qe_report + TDX_QE_REPORT_DATA, 0, 64);
	hash_sha256(BYTES_ARRAY(both),
		    platform->qe_report + TDX_QE_REPORT_DATA);
}

static void put_qe_data(struct tdx_platform *platform, struct writer *out)
{
	must_put(bytes_put(out, BYTES_ARRAY(platform->qe_report)));
	must_put(bytes_put(
		out, authority_sign(&platform->parties[platform->qe_signer],
				    scheme, BYTES_ARRAY(platform->qe_report))));
	put_u16_le(out, sizeof(platform->authentication));
	must_put(bytes_put(out, BYTES_ARRAY(platform->authentication)));
	put_u16_le(out, 5);
	put_u32_le(out, platform->certificates.len);
	must_put(bytes_put(out, platform->certificates));
}

void tdx_platform_sign(struct tdx_platform *platform)
{
	uint8_t memory[32768];
	uint8_t data_memory[16384];
	uint8_t evidence_memory[32768];
	struct writer out = WRITER_OVER(memory);
	struct writer data = WRITER_OVER(data_memory);
	struct writer evidence = WRITER_OVER(evidence_memory);
	struct bytes point = point_of(&platform->parties[TDX_ATTESTER]);

	if (!platform->keeps_qe_data)
		name_key(platform, point);
	must_put(bytes_put(&out, BYTES_ARRAY(platform->header)));
	if (platform->header[0] == 5) {
		put_u16_le(&out, platform->body_type);
		put_u32_le(&out, platform->body_size);
	}
	must_put(bytes_put(
		&out, (struct bytes){ platform->body, platform->body_len }));
	put_qe_data(platform, &data);

	struct bytes signature =
		authority_sign(&platform->parties[platform->quote_signer],
			       scheme, bytes_written(&out));

	put_u32_le(&out, 64 + 64 + 6 + data.len);
	must_put(bytes_put(&out, signature));
	must_put(bytes_put(&out, point));
	put_u16_le(&out, 6);
	put_u32_le(&out, data.len);
	must_put(bytes_put(&out, bytes_written(&data)));
	platform->quote = keep(3, bytes_written(&out));
	must_put(cbor_put_array(&evidence, 2));
	must_put(cbor_put_bytes(&evidence, platform->quote));
	must_put(cbor_put_bytes(&evidence, (struct bytes){ NULL, 0 }));
	platform->evidence = keep(4, bytes_written(&evidence));
}

void tdx_platform_endorse(struct tdx_platform *platform)
{
	uint8_t memory[8192];
	struct writer chain = WRITER_OVER(memory);

	must_put(bytes_put(
		&chain,
		authority_pem(
			&platform->parties[platform->collateral_signer])));
	must_put(
		bytes_put(&chain, authority_pem(&platform->parties[TDX_ROOT])));
	platform->policy = (struct appraisal_policy){
		.now = TDX_PLATFORM_NOW,
		.roots = &platform->root,
		.root_count = 1,
		.references = platform->references,
		.reference_count = 1 + APPRAISAL_RTMRS,
		.chips = &platform->chip,
		.chip_count = 1,
		.crls = platform->crls,
		.crl_count = 2,
		.tdx_tcb_info = keep(5, tdx_statements_info(platform)),
		.tdx_qe_identity = keep(6, tdx_statements_identity(platform)),
		.tdx_signing_chain = keep(7, bytes_written(&chain)),
	};
}

static void fill_quote(struct tdx_platform *platform)
{
	static const uint8_t header[48] = { 5,	  0,	2,    0,    0x81, 0,
					    0,	  0,	0,    0,    0,	  0,
					    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c,
					    0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3,
					    0x95, 0x7f, 0x06, 0x07 };
	static const uint8_t svn[] = { 6, 1, 3 };
	static const uint8_t qe_attributes[] = {
		0x15, 0, 0, 0, 0, 0, 0, 0, 0xe7
	};
	uint8_t *body = platform->body;

	memcpy(platform->header, header, sizeof(header));
	platform->body_type = TDX_QUOTE_TD15;
	platform->body_size = sizeof(platform->body);
	platform->body_len = sizeof(platform->body);
	memcpy(body + TDX_BODY_TEE_TCB_SVN, svn, sizeof(svn));
	memcpy(body + TDX_BODY_TEE_TCB_SVN2, svn, sizeof(svn));
	body[TDX_BODY_TD_ATTRIBUTES + 3] = 0x10;
	body[TDX_BODY_XFAM] = 0xe7;
	for (int i = TDX_BODY_MRTD; i < TDX_BODY_MRTD + 48; i++)
		body[i] = (uint8_t)i;
	for (int i = TDX_BODY_RTMR; i < TDX_BODY_TEE_TCB_SVN2; i++)
		body[i] = (uint8_t)(7 * i);
	memcpy(platform->report_data, body + TDX_BODY_REPORT_DATA, 64);
	memcpy(platform->qe_report + TDX_QE_ATTRIBUTES, qe_attributes,
	       sizeof(qe_attributes));
	memset(platform->qe_report + TDX_QE_MRSIGNER, 0xdc, 32);
	platform->qe_report[TDX_QE_ISVPRODID] = 2;
	platform->qe_report[TDX_QE_ISVSVN] = 6;
	memset(platform->authentication, 0x42,
	       sizeof(platform->authentication));
	platform->quote_signer = TDX_ATTESTER;
	platform->qe_signer = TDX_PCK;
}

static void fill_pck(struct pck *pck)
{
	static const uint8_t components[PCK_COMPONENTS] = { 3, 3, 2, 2,
							    4, 1, 0, 5 };

	*pck = (struct pck){ .pcesvn = 13,
			     .fmspc = { 0xb0, 0xc0, 0x6f },
			     .type = PCK_SCALABLE,
			     .has_instance = true,
			     .dynamic = PCK_YES,
			     .cached_keys = PCK_NO,
			     .smt = PCK_YES };
	memcpy(pck->components, components, sizeof(components));
	memcpy(pck->cpusvn, components, sizeof(components));
	memset(pck->ppid, 0x77, sizeof(pck->ppid));
	memset(pck->instance, 0x99, sizeof(pck->instance));
}

static void fill_collateral(struct tdx_platform *platform)
{
	static const struct tdx_platform_level levels[] = {
		{ { 2, 2, 2, 2, 3, 1, 0, 5 }, { 5, 0, 2 }, 11, "UpToDate" },
		{ { 2, 2, 2, 2, 3, 1, 0, 5 }, { 5, 0, 2 }, 5, "OutOfDate" },
		{ { 1, 1, 1, 1 }, { 3 }, 3, "Revoked" },
	};
	static const struct tdx_platform_step steps[] = { { 6, "UpToDate" },
							  { 4, "OutOfDate" } };

	platform->info = (struct tdx_platform_frame){ "tcbInfo", "TDX", 3,
						      ISSUED,	 NEXT,	"" };
	platform->identity = (struct tdx_platform_frame){
		"enclaveIdentity", "TD_QE", 2, ISSUED, NEXT, ""
	};
	strcpy(platform->fmspc, "B0C06F000000");
	strcpy(platform->pceid, "0000");
	platform->module_id = "TDX_01";
	memcpy(platform->levels, levels, sizeof(levels));
	memcpy(platform->module_steps, steps, sizeof(steps));
	memcpy(platform->qe_steps, steps, sizeof(steps));
	memset(platform->qe_miscselect_mask, 0xff, 4);
	platform->qe_attributes[0] = 0x11;
	memset(platform->qe_attributes_mask, 0xff, 8);
	platform->qe_attributes_mask[0] = 0xfb;
	memset(platform->qe_mrsigner, 0xdc, 32);
	platform->qe_isvprodid = 2;
	platform->collateral_signer = TDX_SIGNER;
}

static void set_reference(struct tdx_platform *platform, int place,
			  enum appraisal_register which, int offset)
{
	struct appraisal_reference *one = &platform->references[place];

	one->which = which;
	one->value.len = 48;
	memcpy(one->value.digest, platform->body + offset, 48);
}

void tdx_platform_open(struct tdx_platform *out)
{
	static const enum tdx_platform_party chain[] = { TDX_PCK, TDX_AUTHORITY,
							 TDX_ROOT };

	memset(out, 0, sizeof(*out));
	set_parties(out);
	memcpy(out->chain, chain, sizeof(chain));
	out->chain_count = sizeof(chain) / sizeof(chain[0]);
	fill_quote(out);
	fill_pck(&out->pck);
	fill_collateral(out);
	set_reference(out, 0, APPRAISAL_MRTD, TDX_BODY_MRTD);
	for (int i = 0; i < APPRAISAL_RTMRS; i++)
		set_reference(out, 1 + i,
			      (enum appraisal_register)(APPRAISAL_RTMR0 + i),
			      TDX_BODY_RTMR + 48 * i);
	out->chip.len = sizeof(out->pck.instance);
	memcpy(out->chip.id, out->pck.instance, sizeof(out->pck.instance));
	tdx_platform_certify(out);
	tdx_platform_endorse(out);
	tdx_platform_sign(out);
	vector_forget();
}

void tdx_platform_close(struct tdx_platform *platform)
{
	for (int i = 0; i < TDX_PARTIES; i++)
		authority_close(&platform->parties[i]);
}

bool tdx_platform_accepts(const struct tdx_platform *platform,
			  struct bytes evidence, struct appraisal *out)
{
	static const uint32_t asked = TDX_NEEDED |
				      UINT32_C(1) << APPRAISAL_REVOCATION |
				      UINT32_C(1) << APPRAISAL_CHIP |
				      UINT32_C(1) << APPRAISAL_MEASUREMENT;

	tdx_appraise(evidence, &platform->policy, out);
	return appraisal_holds(out, asked) &&
	       bytes_equal(out->report_data,
			   BYTES_ARRAY(platform->report_data));
}
