/* SPDX-License-Identifier: Apache-2.0 */
/* Every case is signed anew under a root of the test's own: what refuses it is
 * what it says, never a signature that broke on the way. */
#include <criterion/criterion.h>

#include "base/secret.h"
#include "tests/support/snp_forge.h"

#define OID(last) "1.3.6.1.4.1.3704.1." last

struct scene {
	struct snp_forge *forge;
	struct snp_forge_key key;  /* as certified */
	struct snp_forge_key told; /* what the report is made of */
	enum snp_forge_with with;
	uint8_t report[SNP_REPORT_BYTES];
	struct appraisal_policy policy;
	struct appraisal_chip chip;
	struct appraisal_reference reference;
	struct bytes crl;
};

typedef void change(struct scene *scene);

static void sign(struct scene *scene)
{
	snp_forge_sign(scene->forge, scene->with, scene->report);
}

static struct snp_forge *forge_of_test(void)
{
	static struct snp_forge forge;

	if (forge.key == NULL)
		snp_forge_open(&forge);
	return &forge;
}

static void set_up(struct scene *scene, enum snp_report_product product,
		   enum snp_report_signer signer)
{
	*scene = (struct scene){ .forge = forge_of_test(),
				 .key = snp_forge_ordinary(product, signer) };
	scene->told = scene->key;
}

static void judge(struct scene *scene, struct appraisal *out)
{
	static uint8_t memory[SNP_FORGE_EVIDENCE_MAX];
	struct writer evidence = WRITER_OVER(memory);

	snp_forge_evidence(scene->forge, BYTES_ARRAY(scene->report), &evidence);
	snp_appraise(bytes_written(&evidence), &scene->policy, out);
}

static void put32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* What a certificate says. */
static void key_older_bootloader(struct scene *s)
{
	s->key.tcb.bootloader--;
}
static void key_older_tee(struct scene *s)
{
	s->key.tcb.tee--;
}
static void key_older_snp(struct scene *s)
{
	s->key.tcb.snp--;
}
static void key_older_microcode(struct scene *s)
{
	s->key.tcb.microcode--;
}
static void key_newer_microcode(struct scene *s)
{
	s->key.tcb.microcode++;
}
static void key_older_fmc(struct scene *s)
{
	s->key.tcb.fmc--;
}
static void both_older(struct scene *s)
{
	s->key.tcb.snp--;
	s->told.tcb.snp--;
}
static void both_older_microcode(struct scene *s)
{
	s->key.tcb.microcode--;
	s->told.tcb.microcode--;
}
static void both_older_fmc(struct scene *s)
{
	s->key.tcb.fmc--;
	s->told.tcb.fmc--;
}
static void key_other_chip(struct scene *s)
{
	s->key.chip[3] ^= 1;
}
static void key_short_chip(struct scene *s)
{
	s->key.chip_len = 63;
}
static void key_no_chip(struct scene *s)
{
	s->key.chip_len = 0;
}
static void key_other_product_text(struct scene *s)
{
	s->key.product_text = "Genoa-B1";
}
static void key_like_product_text(struct scene *s)
{
	s->key.product_text = "Milano";
}
static void key_other_subject(struct scene *s)
{
	s->key.subject = "SEV-VLEK";
}
static void key_stranger(struct scene *s)
{
	s->key.subject = "SEV-ASK";
}
static void key_without_microcode(struct scene *s)
{
	s->key.without = OID("3.8");
}
static void key_without_product(struct scene *s)
{
	s->key.without = OID("2");
}
static void key_twice_snp(struct scene *s)
{
	s->key.twice = OID("3.3");
}
static void key_with_fmc(struct scene *s)
{
	static const uint8_t zero[] = { 2, 1, 0 };

	s->key.with_oid = OID("3.9");
	s->key.with = BYTES_ARRAY(zero);
}
static void key_without_fmc(struct scene *s)
{
	s->key.without = OID("3.9");
}
static void key_long_number(struct scene *s)
{
	static const uint8_t raw[] = { 2, 2, 0, 23 };

	s->key.without = OID("3.3");
	s->key.with_oid = OID("3.3");
	s->key.with = BYTES_ARRAY(raw);
}
static void key_great_number(struct scene *s)
{
	static const uint8_t raw[] = { 2, 2, 1, 23 };

	s->key.without = OID("3.3");
	s->key.with_oid = OID("3.3");
	s->key.with = BYTES_ARRAY(raw);
}
static void key_trailing_number(struct scene *s)
{
	static const uint8_t raw[] = { 2, 1, 23, 0 };

	s->key.without = OID("3.3");
	s->key.with_oid = OID("3.3");
	s->key.with = BYTES_ARRAY(raw);
}
static void key_with_cloud(struct scene *s)
{
	s->key.cloud = "CN=cloud.example";
}
static void key_without_cloud(struct scene *s)
{
	s->key.cloud = NULL;
}
static void key_ended(struct scene *s)
{
	s->key.not_after = SNP_FORGE_NOW - 1;
}
static void key_not_begun(struct scene *s)
{
	s->key.not_before = SNP_FORGE_NOW + 1;
}
static void told_other_product(struct scene *s)
{
	s->told.product = SNP_REPORT_GENOA;
}
static void told_vlek(struct scene *s)
{
	s->told.signer = SNP_REPORT_VLEK;
}
static void told_vcek(struct scene *s)
{
	s->told.signer = SNP_REPORT_VCEK;
}

/* What a report says. */
static void debug(struct scene *s)
{
	s->report[SNP_FORGE_POLICY + 2] |= 1 << 3;
}
static void migrate(struct scene *s)
{
	s->report[SNP_FORGE_POLICY + 2] |= 1 << 2;
}
static void migrator(struct scene *s)
{
	s->report[SNP_FORGE_REPORT_ID_MA] = 0x12;
}
static void smt_forbidden(struct scene *s)
{
	s->report[SNP_FORGE_POLICY + 2] &= (uint8_t)~1;
}
static void vmpl1(struct scene *s)
{
	put32(s->report + SNP_FORGE_VMPL, 1);
}
static void vmpl_of_host(struct scene *s)
{
	put32(s->report + SNP_FORGE_VMPL, UINT32_MAX);
	s->policy.snp_vmpl_most = UINT32_MAX;
}
static void unsigned_report(struct scene *s)
{
	s->report[SNP_FORGE_FLAGS] = 7 << 2;
}
static void reserved_signer(struct scene *s)
{
	s->report[SNP_FORGE_FLAGS] = 2 << 2;
}
static void masked_key(struct scene *s)
{
	s->report[SNP_FORGE_FLAGS] |= 2;
}
static void author_without_digest(struct scene *s)
{
	s->report[SNP_FORGE_FLAGS] |= 1;
}
static void digest_without_author(struct scene *s)
{
	s->report[SNP_FORGE_AUTHOR_KEY + 47] = 1;
}
static void other_chip(struct scene *s)
{
	s->report[SNP_FORGE_CHIP_ID + 7] ^= 1;
}
static void older_launch(struct scene *s)
{
	s->report[SNP_FORGE_LAUNCH_TCB + 7]--;
}
static void older_committed(struct scene *s)
{
	s->report[SNP_FORGE_COMMITTED_TCB + 7]--;
}
static void older_current(struct scene *s)
{
	s->report[SNP_FORGE_CURRENT_TCB + 7]--;
}
static void turin_in_milan_order(struct scene *s)
{
	for (int i = 0; i < 4; i++) {
		static const int at[] = { SNP_FORGE_REPORTED_TCB,
					  SNP_FORGE_CURRENT_TCB,
					  SNP_FORGE_COMMITTED_TCB,
					  SNP_FORGE_LAUNCH_TCB };

		snp_forge_put_tcb(s->report + at[i], SNP_REPORT_MILAN,
				  &s->key.tcb);
	}
}
static void version_1(struct scene *s)
{
	s->report[SNP_FORGE_VERSION] = 1;
}
static void version_6(struct scene *s)
{
	s->report[SNP_FORGE_VERSION] = 6;
}
static void version_2_with_processor(struct scene *s)
{
	s->report[SNP_FORGE_VERSION] = 2;
}
static void mitigations_too_early(struct scene *s)
{
	s->report[SNP_FORGE_MITIGATIONS + 8] = 1;
}
static void unknown_processor(struct scene *s)
{
	s->report[SNP_FORGE_PROCESSOR] = 0x1b;
}
static void another_algorithm(struct scene *s)
{
	s->report[SNP_FORGE_ALGORITHM] = 2;
}
static void policy_bit_17_clear(struct scene *s)
{
	s->report[SNP_FORGE_POLICY + 2] = 1;
}
static void policy_unknown_bit(struct scene *s)
{
	s->report[SNP_FORGE_POLICY + 7] = 0x80;
}

/* What happens to a signature. */
static void by_another_key(struct scene *s)
{
	s->with = SNP_FORGE_OTHER_KEY;
	sign(s);
}
static void turn_round(uint8_t *at)
{
	for (int i = 0; i < 24; i++) {
		uint8_t byte = at[i];

		at[i] = at[47 - i];
		at[47 - i] = byte;
	}
}
static void big_endian(struct scene *s)
{
	turn_round(s->report + SNP_FORGE_R);
	turn_round(s->report + SNP_FORGE_S);
}
static void s_before_r(struct scene *s)
{
	uint8_t r[72];

	memcpy(r, s->report + SNP_FORGE_R, 72);
	memcpy(s->report + SNP_FORGE_R, s->report + SNP_FORGE_S, 72);
	memcpy(s->report + SNP_FORGE_S, r, 72);
}
static void zero_signature(struct scene *s)
{
	memset(s->report + SNP_FORGE_R, 0, 144);
}
static void great_r(struct scene *s)
{
	s->report[SNP_FORGE_R + 48] = 1;
}
static void behind_the_signature(struct scene *s)
{
	s->report[SNP_REPORT_BYTES - 1] = 1;
}

/* What a policy asks for. */
static void unregistered_chip(struct scene *s)
{
	s->chip = (struct appraisal_chip){ .len = 64 };
	memcpy(s->chip.id, s->key.chip, 64);
	s->chip.id[0] ^= 1;
	s->policy.chips = &s->chip;
	s->policy.chip_count = 1;
}
static void other_measurement(struct scene *s)
{
	s->reference.which = APPRAISAL_LAUNCH;
	s->reference.value.len = 48;
	memset(s->reference.value.digest, 0xe4, 48);
	s->policy.references = &s->reference;
	s->policy.reference_count = 1;
}
static void forbidden_product(struct scene *s)
{
	s->policy.roots = NULL; /* AMD's own, of which the test's is none */
	s->policy.root_count = 0;
}
static void before_its_time(struct scene *s)
{
	s->policy.now = SNP_FORGE_NOW - 200000000;
}
static void without_a_time(struct scene *s)
{
	s->policy.now = 0;
}
static void malformed_list(struct scene *s)
{
	s->crl = BYTES_LITERAL("no list");
	s->policy.crls = &s->crl;
	s->policy.crl_count = 1;
}

/* Stages run in this order: key, report, signing, signature, policy. */
static const struct refused {
	const char *name;
	enum snp_report_product product;
	enum snp_report_signer signer;
	change *key, *report, *signature, *policy;
	enum appraisal_code code; /* that fails */
} refused[] = {
#define MILAN SNP_REPORT_MILAN, SNP_REPORT_VCEK
#define TURIN SNP_REPORT_TURIN, SNP_REPORT_VCEK
#define LEASED SNP_REPORT_GENOA, SNP_REPORT_VLEK
#define KEY(function) function, NULL, NULL, NULL
#define REPORT(function) NULL, function, NULL, NULL
#define SIGNED(function) NULL, NULL, function, NULL
#define POLICY(function) NULL, NULL, NULL, function
#define TCB APPRAISAL_TCB
#define CHIP APPRAISAL_CHIP
#define CHAIN APPRAISAL_CHAIN
#define GUEST APPRAISAL_GUEST
#define FORMAT APPRAISAL_FORMAT
#define SIGNATURE APPRAISAL_SIGNATURE
#define MEASUREMENT APPRAISAL_MEASUREMENT
	/* the certificate says other firmware than the report */
	{ "certified bootloader is older", MILAN, KEY(key_older_bootloader),
	  TCB },
	{ "certified tee is older", MILAN, KEY(key_older_tee), TCB },
	{ "certified snp is older", MILAN, KEY(key_older_snp), TCB },
	{ "certified microcode is older", MILAN, KEY(key_older_microcode),
	  TCB },
	{ "certified microcode is newer", MILAN, KEY(key_newer_microcode),
	  TCB },
	{ "certified fmc is older", TURIN, KEY(key_older_fmc), TCB },
	{ "certified snp is older, leased", LEASED, KEY(key_older_snp), TCB },
	/* both say the same, below the policy's floor */
	{ "snp below the floor", MILAN, KEY(both_older), TCB },
	{ "microcode below the floor", TURIN, KEY(both_older_microcode), TCB },
	{ "fmc below the floor", TURIN, KEY(both_older_fmc), TCB },
	{ "snp below the floor, leased", LEASED, KEY(both_older), TCB },
	{ "launched below the floor", MILAN, REPORT(older_launch), TCB },
	{ "committed below reported", MILAN, REPORT(older_committed), TCB },
	{ "running below committed", MILAN, REPORT(older_current), TCB },
	{ "a Turin's bytes in a Milan's order", TURIN,
	  REPORT(turin_in_milan_order), TCB },
	/* the certificate is another's, or says not what AMD's say */
	{ "certified for another chip", MILAN, KEY(key_other_chip), CHIP },
	{ "certified for a short chip", MILAN, KEY(key_short_chip), TCB },
	{ "certified for no chip", MILAN, KEY(key_no_chip), TCB },
	{ "product text of another line", MILAN, KEY(key_other_product_text),
	  TCB },
	{ "product text that only begins so", MILAN, KEY(key_like_product_text),
	  TCB },
	{ "no product text", MILAN, KEY(key_without_product), TCB },
	{ "no microcode", MILAN, KEY(key_without_microcode), TCB },
	{ "snp twice", MILAN, KEY(key_twice_snp), CHAIN },
	{ "fmc for a Milan", MILAN, KEY(key_with_fmc), TCB },
	{ "no fmc for a Turin", TURIN, KEY(key_without_fmc), TCB },
	{ "a number in a longer form", MILAN, KEY(key_long_number), TCB },
	{ "a number beyond a byte", MILAN, KEY(key_great_number), TCB },
	{ "a number and a byte more", MILAN, KEY(key_trailing_number), TCB },
	{ "a chip's key with a cloud", MILAN, KEY(key_with_cloud), TCB },
	{ "a leased key without a cloud", LEASED, KEY(key_without_cloud), TCB },
	{ "a chip's key under a leased one's name", MILAN,
	  KEY(key_other_subject), CHAIN },
	{ "a key under an issuer's name", MILAN, KEY(key_stranger), CHAIN },
	{ "a certificate that ended", MILAN, KEY(key_ended), CHAIN },
	{ "a certificate that has not begun", MILAN, KEY(key_not_begun),
	  CHAIN },
	/* the report is of another processor or key */
	{ "a Genoa with a Milan's key", MILAN, KEY(told_other_product), TCB },
	{ "a chip's key for a leased report", MILAN, KEY(told_vlek), CHAIN },
	{ "a leased key for a chip's report", LEASED, KEY(told_vcek), CHAIN },
	{ "another chip", MILAN, REPORT(other_chip), CHIP },
	{ "an unknown processor", MILAN, REPORT(unknown_processor), FORMAT },
	/* the guest */
	{ "debugging allowed", MILAN, REPORT(debug), GUEST },
	{ "debugging allowed, leased", LEASED, REPORT(debug), GUEST },
	{ "migration allowed", MILAN, REPORT(migrate), GUEST },
	{ "a migration agent", MILAN, REPORT(migrator), GUEST },
	{ "SMT forbidden and on", MILAN, REPORT(smt_forbidden), GUEST },
	{ "privilege level 1", MILAN, REPORT(vmpl1), GUEST },
	{ "asked for by the host", MILAN, REPORT(vmpl_of_host), GUEST },
	/* the form */
	{ "version 1", MILAN, REPORT(version_1), FORMAT },
	{ "version 6", MILAN, REPORT(version_6), FORMAT },
	{ "version 2 with a processor", MILAN, REPORT(version_2_with_processor),
	  FORMAT },
	{ "mitigations before version 5", MILAN, REPORT(mitigations_too_early),
	  FORMAT },
	{ "another algorithm", MILAN, REPORT(another_algorithm), FORMAT },
	{ "a reserved signer", MILAN, REPORT(reserved_signer), FORMAT },
	{ "an author without a digest", MILAN, REPORT(author_without_digest),
	  FORMAT },
	{ "a digest without an author", MILAN, REPORT(digest_without_author),
	  FORMAT },
	{ "policy without bit 17", MILAN, REPORT(policy_bit_17_clear), FORMAT },
	{ "policy with an unknown bit", MILAN, REPORT(policy_unknown_bit),
	  FORMAT },
	/* the signature */
	{ "signed by nothing", MILAN, REPORT(unsigned_report), SIGNATURE },
	{ "signed by a masked key", MILAN, REPORT(masked_key), SIGNATURE },
	{ "signed by another key", MILAN, SIGNED(by_another_key), SIGNATURE },
	{ "r and s big-endian", MILAN, SIGNED(big_endian), SIGNATURE },
	{ "s before r", MILAN, SIGNED(s_before_r), SIGNATURE },
	{ "a signature of zeros", MILAN, SIGNED(zero_signature), SIGNATURE },
	{ "r beyond the curve", MILAN, SIGNED(great_r), FORMAT },
	{ "a byte behind the signature", MILAN, SIGNED(behind_the_signature),
	  FORMAT },
	/* what the policy asks for */
	{ "an unregistered chip", MILAN, POLICY(unregistered_chip), CHIP },
	{ "an unregistered Turin", TURIN, POLICY(unregistered_chip), CHIP },
	{ "a chip that does not tell its name", LEASED,
	  POLICY(unregistered_chip), CHIP },
	{ "another measurement", MILAN, POLICY(other_measurement),
	  MEASUREMENT },
	{ "a root that is not accepted", MILAN, POLICY(forbidden_product),
	  CHAIN },
	{ "years before its time", MILAN, POLICY(before_its_time), CHAIN },
	{ "without a time", MILAN, POLICY(without_a_time), CHAIN },
	{ "a list that is none", MILAN, POLICY(malformed_list),
	  APPRAISAL_REVOCATION },
};

static void run(change *step, struct scene *scene)
{
	if (step != NULL)
		step(scene);
}

static void play(const struct refused *row, struct scene *scene,
		 struct appraisal *out)
{
	struct snp_forge_key asked = scene->key;

	run(row->key, scene);
	snp_forge_issue(scene->forge, &scene->key);
	scene->policy = snp_forge_policy(scene->forge, &asked);
	snp_forge_report(&scene->told, row->product == SNP_REPORT_TURIN ? 5 : 3,
			 scene->report);
	run(row->report, scene);
	sign(scene);
	run(row->signature, scene);
	run(row->policy, scene);
	judge(scene, out);
}

#define REFUSED (sizeof(refused) / sizeof(refused[0]))

Test(snp, each_of_the_cases_to_be_refused_is_refused_for_its_own_reason)
{
	cr_assert_geq(REFUSED, 30);
	for (size_t i = 0; i < REFUSED; i++) {
		const struct refused *row = &refused[i];
		struct refused nothing = {
			"", row->product, row->signer, NULL, NULL, NULL, NULL, 0
		};
		struct scene scene;
		struct appraisal out;

		set_up(&scene, row->product, row->signer);
		play(&nothing, &scene, &out);
		cr_assert(appraisal_holds(&out, SNP_NEEDED), "control of %s",
			  row->name);
		set_up(&scene, row->product, row->signer);
		play(row, &scene, &out);
		cr_expect_not(appraisal_holds(&out, SNP_NEEDED), "%s",
			      row->name);
		cr_expect_eq(out.records[row->code].mark, RECORD_FAIL, "%s: %s",
			     row->name, out.records[row->code].text);
	}
	printf("0 of %zu cases were accepted\n", REFUSED);
	snp_forge_close(forge_of_test());
}

static void expect_sound(enum snp_report_product product,
			 enum snp_report_signer signer, uint32_t version)
{
	struct scene scene;
	struct appraisal out;

	set_up(&scene, product, signer);
	snp_forge_issue(scene.forge, &scene.key);
	scene.policy = snp_forge_policy(scene.forge, &scene.key);
	snp_forge_report(&scene.key, version, scene.report);
	sign(&scene);
	judge(&scene, &out);
	for (int i = 0; i < APPRAISAL_CODES; i++)
		cr_expect_neq(out.records[i].mark, RECORD_FAIL,
			      "%s, version %u: %s",
			      snp_report_product_name(product), version,
			      out.records[i].text);
	cr_expect(appraisal_holds(&out, SNP_NEEDED));
	cr_expect_eq(out.report_data.len, 64);
	cr_expect_eq(out.registers[APPRAISAL_LAUNCH].len, 48);
	cr_expect_eq(out.registers[APPRAISAL_LAUNCH].digest[0], 0xe5);
	cr_expect_eq(out.chip.len, signer == SNP_REPORT_VCEK ? 64u : 0u);
	cr_expect_eq(out.valid_until, SNP_FORGE_NOW + 100000000u);
}

Test(snp, honest_reports_of_every_version_product_and_key_pass)
{
	for (int i = SNP_REPORT_MILAN; i < SNP_REPORT_PRODUCTS; i++)
		for (uint32_t version = 2; version <= 5; version++) {
			expect_sound((enum snp_report_product)i,
				     SNP_REPORT_VCEK, version);
			expect_sound((enum snp_report_product)i,
				     SNP_REPORT_VLEK, version);
		}
	snp_forge_close(forge_of_test());
}

Test(snp, a_hidden_chip_is_known_by_the_certificate_of_its_key)
{
	struct scene scene;
	struct appraisal out;

	set_up(&scene, SNP_REPORT_TURIN, SNP_REPORT_VCEK);
	snp_forge_issue(scene.forge, &scene.key);
	scene.policy = snp_forge_policy(scene.forge, &scene.key);
	snp_forge_report(&scene.key, 5, scene.report);
	memset(scene.report + SNP_FORGE_CHIP_ID, 0, 64);
	sign(&scene);
	unregistered_chip(&scene);
	judge(&scene, &out);
	cr_assert_eq(out.records[APPRAISAL_CHIP].mark, RECORD_FAIL);
	scene.chip.id[0] ^= 1;
	judge(&scene, &out);
	cr_assert_eq(out.records[APPRAISAL_CHIP].mark, RECORD_PASS);
	cr_assert(appraisal_holds(&out, SNP_NEEDED | 1u << APPRAISAL_CHIP));
	snp_forge_close(forge_of_test());
}

/* The host gives nothing, or a part; the policy has the rest. */
Test(snp, certificates_may_come_from_the_policy)
{
	struct scene scene;
	struct appraisal out;
	struct snp_evidence parts;
	struct bytes list[4];

	set_up(&scene, SNP_REPORT_GENOA, SNP_REPORT_VCEK);
	snp_forge_issue(scene.forge, &scene.key);
	scene.policy = snp_forge_policy(scene.forge, &scene.key);
	snp_forge_report(&scene.key, 4, scene.report);
	sign(&scene);
	parts = (struct snp_evidence){ .report = BYTES_ARRAY(scene.report) };
	snp_appraise_parts(&parts, &scene.policy, &out);
	cr_assert_not(appraisal_holds(&out, SNP_NEEDED));
	cr_assert_eq(out.records[APPRAISAL_CHAIN].mark, RECORD_FAIL);
	list[0] = scene.forge->root;
	list[1] = scene.forge->issuer;
	list[2] = scene.forge->leaf;
	scene.policy.certificates = list;
	for (size_t count = 0; count <= 3; count++) {
		scene.policy.certificate_count = count;
		snp_appraise_parts(&parts, &scene.policy, &out);
		cr_assert_eq(appraisal_holds(&out, SNP_NEEDED), count == 3);
	}
	list[3] = BYTES_LITERAL("no certificate");
	scene.policy.certificate_count = 4;
	snp_appraise_parts(&parts, &scene.policy, &out);
	cr_assert_not(appraisal_holds(&out, SNP_NEEDED));
	snp_forge_close(forge_of_test());
}

Test(snp, of_several_keys_the_one_that_signed_is_taken)
{
	struct scene scene;
	struct appraisal out;
	static uint8_t first[SNP_FORGE_DER_MAX];
	struct bytes list[4];
	struct snp_evidence parts;
	struct snp_forge *forge = forge_of_test();
	void *key = forge->key;

	set_up(&scene, SNP_REPORT_MILAN, SNP_REPORT_VCEK);
	forge->key = forge->other_key;
	snp_forge_issue(forge, &scene.key);
	memcpy(first, forge->leaf.data, forge->leaf.len);
	list[0] = (struct bytes){ first, forge->leaf.len };
	forge->key = key;
	snp_forge_issue(forge, &scene.key);
	list[1] = forge->leaf;
	list[2] = forge->issuer;
	list[3] = forge->root;
	snp_forge_report(&scene.key, 3, scene.report);
	sign(&scene);
	scene.policy = snp_forge_policy(forge, &scene.key);
	scene.policy.certificates = list;
	scene.policy.certificate_count = 4;
	parts = (struct snp_evidence){ .report = BYTES_ARRAY(scene.report) };
	snp_appraise_parts(&parts, &scene.policy, &out);
	cr_assert(appraisal_holds(&out, SNP_NEEDED));
	list[1] = list[0];
	snp_appraise_parts(&parts, &scene.policy, &out);
	cr_assert_eq(out.records[APPRAISAL_CHAIN].mark, RECORD_PASS);
	cr_assert_eq(out.records[APPRAISAL_SIGNATURE].mark, RECORD_FAIL);
	snp_forge_close(forge);
}

Test(snp, a_key_that_its_policy_does_not_root_is_never_taken_for_one_of_amd)
{
	struct scene scene;
	struct appraisal_policy zero = { 0 };
	struct appraisal out;

	set_up(&scene, SNP_REPORT_MILAN, SNP_REPORT_VCEK);
	snp_forge_issue(scene.forge, &scene.key);
	snp_forge_report(&scene.key, 3, scene.report);
	sign(&scene);
	zero.now = SNP_FORGE_NOW;
	scene.policy = zero;
	judge(&scene, &out);
	cr_assert_eq(out.records[APPRAISAL_CHAIN].mark, RECORD_FAIL);
	cr_assert_not(appraisal_holds(&out, SNP_NEEDED));
	snp_forge_close(forge_of_test());
}
