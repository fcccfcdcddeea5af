/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx_mutation: changes to a platform that know the format and are signed again
 * by the keys that Intel and the platform would have.
 *
 * Most are of a kind that has to be refused; beside them stand harmless ones,
 * which have to be accepted, so that a refusal is for the change and not for
 * the signing.
 */
#ifndef TESTS_UNIT_TDX_MUTATION_H
#define TESTS_UNIT_TDX_MUTATION_H

#include "tests/unit/tdx_platform.h"

struct tdx_mutation {
	void (*mutate)(struct tdx_platform *platform);
	bool harmless;
};

/* What has to be built again for a change to be signed. */
enum tdx_mutation_of {
	TDX_MUTATION_QUOTE = 0,
	TDX_MUTATION_COLLATERAL,
	TDX_MUTATION_CERTIFICATES,
};

/* So many rounds as usual, or as MUTATIONS in the environment says. */
size_t tdx_mutation_rounds(size_t usual);

/* Begin the same numbers again; below `limit`; one byte of these changed. */
void tdx_mutation_seed(void);
uint32_t tdx_mutation_below(size_t limit);
void tdx_mutation_change(uint8_t *bytes, size_t len);

/* Lists of revoked certificates are the business of other tests. */
bool tdx_mutation_accepts(const struct tdx_platform *platform,
			  struct bytes evidence);

/* Make so many changes; fail the running test on the first wrong verdict. */
void tdx_mutation_run(const struct tdx_mutation *mutations, size_t count,
		      enum tdx_mutation_of what, size_t times);

/* Say how it went, in one line. */
void tdx_mutation_tell(size_t refused, size_t accepted);

/* A function of one act on `p`, and what such acts are made of. */
#define MUTATE(name, act)                        \
	static void name(struct tdx_platform *p) \
	{                                        \
		act;                             \
	}
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define ANY(list) list[tdx_mutation_below(COUNT(list))]

#endif
