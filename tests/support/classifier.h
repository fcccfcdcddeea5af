/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classifier: how well somebody who learns from examples tells classes apart.
 *
 * Three regressions onto a class, of which the mean is the score: ridge, boosted
 * stumps, nearest neighbours.  Each row is scored by what was learnt from other
 * rows (five folds), and the scores are judged by the area under their ROC
 * curve: 0.5 is a coin, 1 is certainty; of more than two classes it is the mean
 * of each against all others.
 *
 * The same is done with the classes dealt out anew many times, which is what a
 * coin makes of these very rows: so no formula is believed.
 */
#ifndef TESTS_SUPPORT_CLASSIFIER_H
#define TESTS_SUPPORT_CLASSIFIER_H

#include <stddef.h>
#include <stdint.h>

#define CLASSIFIER_FEATURES 80
#define CLASSIFIER_CLASSES_MAX 16

struct classifier_row {
	double features[CLASSIFIER_FEATURES];
	unsigned class;
};

struct classifier_verdict {
	double auc;
	double accuracy;     /* its best guess is right; by chance 1/classes */
	double by_chance;    /* mean AUC with classes dealt out anew, */
	double by_chance_sd; /* its spread, */
	double p; /* and how often it is no less: at least 1/(n + 1) */
};

/* Rows of all classes below `classes`, at least ten; permutations may be 0. */
void classifier_judge(const struct classifier_row *rows, size_t count,
		      unsigned classes, size_t permutations, uint64_t seed,
		      struct classifier_verdict *out);

/* The area under the ROC curve of scores for whether `is_in`. */
double classifier_auc(const double *scores, const uint8_t *is_in, size_t count);

#endif
