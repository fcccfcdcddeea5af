/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/appraisal.h"

#include <stdio.h>
#include <string.h>

static const char *const code_names[APPRAISAL_CODES] = {
	[APPRAISAL_FORMAT] = "evidence-format",
	[APPRAISAL_CHAIN] = "evidence-chain",
	[APPRAISAL_REVOCATION] = "evidence-revocation",
	[APPRAISAL_SIGNATURE] = "evidence-signature",
	[APPRAISAL_TCB] = "evidence-tcb",
	[APPRAISAL_CHIP] = "evidence-chip",
	[APPRAISAL_GUEST] = "evidence-guest",
	[APPRAISAL_EVENTS] = "evidence-events",
	[APPRAISAL_MEASUREMENT] = "evidence-measurement",
};

void appraisal_begin(struct appraisal *out)
{
	*out = (struct appraisal){ 0 };
	for (int i = 0; i < APPRAISAL_CODES; i++)
		record_set(&out->records[i], RECORD_SKIP, "Not reached.");
}

void appraisal_judge_chip(struct appraisal *appraisal,
			  const struct appraisal_policy *policy)
{
	const struct appraisal_chip *found = &appraisal->chip;

	if (policy->chip_count == 0) {
		appraisal_skip(appraisal, APPRAISAL_CHIP,
			       "No chip was asked for.");
		return;
	}
	for (size_t i = 0; i < policy->chip_count; i++) {
		const struct appraisal_chip *one = &policy->chips[i];

		if (found->len > 0 && one->len == found->len &&
		    memcmp(one->id, found->id, one->len) == 0) {
			appraisal_pass(appraisal, APPRAISAL_CHIP,
				       "The chip is one of the %zu accepted.",
				       policy->chip_count);
			return;
		}
	}
	if (found->len == 0)
		appraisal_fail(
			appraisal, APPRAISAL_CHIP,
			"The evidence does not tell which chip made it.");
	else
		appraisal_fail(appraisal, APPRAISAL_CHIP,
			       "The chip is none of the %zu accepted.",
			       policy->chip_count);
}

static bool equal(const struct appraisal_value *a,
		  const struct appraisal_value *b)
{
	return a->len > 0 && a->len == b->len &&
	       memcmp(a->digest, b->digest, a->len) == 0;
}

enum finding {
	NOT_ASKED,
	AS_ASKED,
	OTHERWISE,
};

static enum finding judge(const struct appraisal *appraisal,
			  const struct appraisal_policy *policy,
			  enum appraisal_register which)
{
	enum finding finding = NOT_ASKED;

	for (size_t i = 0; i < policy->reference_count; i++) {
		const struct appraisal_reference *one = &policy->references[i];

		if (one->which != which)
			continue;
		if (equal(&one->value, &appraisal->registers[which]))
			return AS_ASKED;
		finding = OTHERWISE;
	}
	return finding;
}

void appraisal_judge_registers(struct appraisal *appraisal,
			       const struct appraisal_policy *policy)
{
	size_t good = 0;
	char name[APPRAISAL_NAME_MAX];

	for (int i = 0; i < APPRAISAL_REGISTERS; i++) {
		enum appraisal_register which = (enum appraisal_register)i;
		enum finding finding = judge(appraisal, policy, which);

		if (finding == OTHERWISE) {
			appraisal_fail(appraisal, APPRAISAL_MEASUREMENT,
				       "Register %s has none of the values "
				       "accepted.",
				       appraisal_register_name(which, name));
			return;
		}
		good += finding == AS_ASKED;
	}
	if (good == 0)
		appraisal_skip(appraisal, APPRAISAL_MEASUREMENT,
			       "No measurement was asked for.");
	else
		appraisal_pass(appraisal, APPRAISAL_MEASUREMENT,
			       "All %zu registers asked for have accepted "
			       "values.",
			       good);
}

bool appraisal_holds(const struct appraisal *appraisal, uint32_t needed)
{
	for (int i = 0; i < APPRAISAL_CODES; i++) {
		enum record_mark mark = appraisal->records[i].mark;

		if (mark == RECORD_FAIL ||
		    ((needed >> i & 1) != 0 && mark != RECORD_PASS))
			return false;
	}
	return true;
}

const char *appraisal_code_name(enum appraisal_code code)
{
	return code_names[code];
}

const char *appraisal_register_name(enum appraisal_register which,
				    char name[static APPRAISAL_NAME_MAX])
{
	int number = (int)which;

	if (number < APPRAISAL_PCRS)
		(void)snprintf(name, APPRAISAL_NAME_MAX, "pcr%d", number);
	else if (which == APPRAISAL_LAUNCH)
		(void)snprintf(name, APPRAISAL_NAME_MAX, "launch");
	else if (which == APPRAISAL_MRTD)
		(void)snprintf(name, APPRAISAL_NAME_MAX, "mrtd");
	else
		(void)snprintf(name, APPRAISAL_NAME_MAX, "rtmr%d",
			       number - APPRAISAL_RTMR0);
	return name;
}

enum err appraisal_register_named(struct bytes name,
				  enum appraisal_register *out)
{
	char one[APPRAISAL_NAME_MAX];

	for (int i = 0; i < APPRAISAL_REGISTERS; i++) {
		enum appraisal_register which = (enum appraisal_register)i;

		if (bytes_equal(name, bytes_of_string(appraisal_register_name(
					      which, one)))) {
			*out = which;
			return ERR_OK;
		}
	}
	return ERR_UNSUPPORTED;
}
