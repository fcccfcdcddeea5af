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

/* Begin this run's numbers again; below `limit`; one byte of these changed. */
void tdx_mutation_seed(void);
uint32_t tdx_mutation_below(size_t limit);
void tdx_mutation_change(uint8_t *bytes, size_t len);

/* Lists of revoked certificates are the business of other tests. */
bool tdx_mutation_accepts(const struct tdx_platform *platform,
			  struct bytes evidence);

/*
 * Make changes, usually so many (tests/effort.h); fail the running test on the
 * first wrong verdict, and note the figures of the others.
 */
void tdx_mutation_run(const struct tdx_mutation *mutations, size_t count,
		      enum tdx_mutation_of what, size_t usual);

/* The figures: of these changes some were harmless and all those accepted. */
void tdx_mutation_tell(const char *of, size_t tried, size_t harmless);

/* A function of one act on `p`, and what such acts are made of. */
#define MUTATE(name, act)                        \
	static void name(struct tdx_platform *p) \
	{                                        \
		act;                             \
	}
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define ANY(list) list[tdx_mutation_below(COUNT(list))]

#endif
