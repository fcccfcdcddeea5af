/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/refusal.h"

#include <errno.h>
#include <seccomp.h>

int refusal_begin(int call, unsigned argument_count, uint64_t first_argument)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
	const struct scmp_arg_cmp first = { .arg = 0,
					    .op = SCMP_CMP_EQ,
					    .datum_a = first_argument };
	int failed = seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0);

	if (failed == 0)
		failed = seccomp_rule_add_exact_array(
			context, SCMP_ACT_ERRNO(EPERM), call, argument_count,
			&first);
	if (failed == 0)
		failed = seccomp_load(context);
	seccomp_release(context);
	return failed;
}
