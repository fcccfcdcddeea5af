/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the judge of tests/quiet/test_traffic.c can be believed. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/numbers.h"
#include "tests/support/classifier.h"

#define ROWS 300
#define PERMUTATIONS 39
#define DRAWS 8

static double draw(struct numbers *dice)
{
	double sum = 0;

	for (size_t i = 0; i < 12; i++)
		sum += (double)numbers_next(dice) / (double)(1u << 31);
	return sum - 6; /* nearly normal */
}

/* Noise, and one feature that differs by so much between classes. */
static struct classifier_row *make_rows(unsigned classes, double shift,
					uint64_t seed)
{
	struct classifier_row *rows = calloc(ROWS, sizeof(*rows));
	struct numbers dice = { seed };

	cr_assert_not_null(rows);
	for (size_t i = 0; i < ROWS; i++) {
		rows[i].class = (unsigned)i % classes;
		for (size_t f = 0; f < CLASSIFIER_FEATURES / 2; f++)
			rows[i].features[f] = draw(&dice);
		rows[i].features[7] += shift * rows[i].class;
	}
	return rows;
}

static struct classifier_verdict judge(unsigned classes, double shift,
				       uint64_t seed)
{
	struct classifier_row *rows = make_rows(classes, shift, seed);
	struct classifier_verdict verdict;

	classifier_judge(rows, ROWS, classes, PERMUTATIONS, 3, &verdict);
	free(rows);
	return verdict;
}

Test(classifier, the_area_is_that_of_all_pairs_and_half_of_those_alike)
{
	static const double scores[] = { 3, 1, 2, 2, 0, 5 };
	static const uint8_t is_in[] = { 1, 0, 1, 0, 0, 0 };

	/* 3: above 1 2 0, below 5; 2: above 1 0, like 2, below 5 */
	cr_assert_float_eq(classifier_auc(scores, is_in, 6), 5.5 / 8, 1e-12);
}

Test(classifier, what_differs_is_told_apart)
{
	struct classifier_verdict two = judge(2, 1.5, 1);
	struct classifier_verdict ten = judge(10, 1.5, 1);

	cr_expect_gt(two.auc, 0.75, "%g", two.auc);
	cr_expect_gt(two.accuracy, 0.65, "%g", two.accuracy);
	cr_expect_leq(two.p, 0.026);
	cr_expect_gt(ten.auc, 0.7, "%g", ten.auc);
	cr_expect_gt(ten.accuracy, 0.2, "%g", ten.accuracy);
}

/* Nor does it cheat: no row is scored by what was learnt from itself. */
Test(classifier, what_does_not_differ_is_not)
{
	double auc = 0, spread = 0;
	size_t surprises = 0;

	for (uint64_t i = 1; i <= DRAWS; i++) {
		struct classifier_verdict verdict = judge(2, 0, 77 * i);

		auc += verdict.auc / DRAWS;
		spread += verdict.by_chance_sd / DRAWS;
		surprises += verdict.p <= 0.051;
	}
	cr_expect_float_eq(auc, 0.5, 0.04, "%g", auc);
	cr_expect_float_eq(spread, 0.04, 0.015, "%g", spread);
	cr_expect_leq(surprises, 2, "%zu of %d", surprises, DRAWS);
	cr_expect_lt(judge(10, 0, 1).accuracy, 0.17);
}
