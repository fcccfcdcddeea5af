/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/classifier.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tests/numbers.h"

#define FEATURES CLASSIFIER_FEATURES
#define FOLDS 5
#define CLIP 4.0     /* standard deviations */
#define PENALTY 0.05 /* of ridge, a row */
#define BINS 16
#define STUMPS 24
#define STEP 0.3 /* of a stump */
#define NEIGHBOURS 15
#define THREADS 2

/*
 * What one fold's training rows say without their classes; so it is made once
 * for all permutations.  Rows are all rows, the fold's own too.
 */
struct fold {
	double (*z)[FEATURES];		 /* standardised */
	uint8_t (*bins)[FEATURES];	 /* by quantiles */
	double root[FEATURES][FEATURES]; /* Cholesky, of the products */
	double below[FEATURES][BINS];	 /* training rows up to a bin */
	uint8_t varied[FEATURES];	 /* features that are not all alike */
	size_t varied_count;
	uint32_t (*neighbours)[NEIGHBOURS]; /* among the training rows */
	size_t training;
};

struct table {
	const struct classifier_row *rows;
	size_t count;
	unsigned classes;
	uint8_t *fold_of;
	struct fold folds[FOLDS];
};

static void *room(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	invariant(memory != NULL);
	return memory;
}

static bool is_training(const struct table *table, size_t fold, size_t row)
{
	return table->fold_of[row] != fold;
}

static void shuffle(unsigned *values, size_t count, struct numbers *dice)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = numbers_next(dice) % i;
		unsigned kept = values[i - 1];

		values[i - 1] = values[j];
		values[j] = kept;
	}
}

static void deal_folds(struct table *table, struct numbers *dice)
{
	unsigned *order = room(table->count, sizeof(*order));

	table->fold_of = room(table->count, 1);
	for (size_t i = 0; i < table->count; i++)
		order[i] = (unsigned)i;
	shuffle(order, table->count, dice);
	for (size_t i = 0; i < table->count; i++)
		table->fold_of[order[i]] = (uint8_t)(i % FOLDS);
	free(order);
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* One feature of all rows, by the training rows' mean, spread and quantiles. */
static void prepare_feature(struct table *table, size_t number, size_t feature,
			    double *values)
{
	struct fold *fold = &table->folds[number];
	double sum = 0, squares = 0, mean, sd;
	size_t n = 0;

	for (size_t i = 0; i < table->count; i++)
		if (is_training(table, number, i))
			values[n++] = table->rows[i].features[feature];
	for (size_t i = 0; i < n; i++)
		sum += values[i];
	mean = sum / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (values[i] - mean) * (values[i] - mean);
	sd = sqrt(squares / (double)n);
	qsort(values, n, sizeof(*values), compare);
	for (size_t i = 0; i < table->count; i++) {
		double value = table->rows[i].features[feature];
		double z = sd > 0 ? (value - mean) / sd : 0;
		uint8_t bin = 0;

		while (bin < BINS - 1 && value > values[n * (bin + 1u) / BINS])
			bin++;
		fold->z[i][feature] = fmax(-CLIP, fmin(CLIP, z));
		fold->bins[i][feature] = bin;
		if (is_training(table, number, i))
			for (size_t b = bin; b < BINS; b++)
				fold->below[feature][b]++;
	}
	if (fold->below[feature][0] < (double)fold->training)
		fold->varied[fold->varied_count++] = (uint8_t)feature;
}

/* The lower triangle L of products + penalty = L L'. */
static void factorise(struct table *table, size_t number)
{
	struct fold *fold = &table->folds[number];
	double(*root)[FEATURES] = fold->root;

	for (size_t i = 0; i < table->count; i++) {
		const double *z = fold->z[i];

		if (!is_training(table, number, i))
			continue;
		for (size_t a = 0; a < FEATURES; a++)
			for (size_t b = 0; b <= a; b++)
				root[a][b] += z[a] * z[b];
	}
	for (size_t a = 0; a < FEATURES; a++) {
		root[a][a] += PENALTY * (double)fold->training;
		for (size_t b = 0; b <= a; b++) {
			double sum = root[a][b];

			for (size_t k = 0; k < b; k++)
				sum -= root[a][k] * root[b][k];
			root[a][b] = a == b ? sqrt(sum) : sum / root[b][b];
		}
	}
}

static double distance(const double *a, const double *b)
{
	double sum = 0;

	for (size_t f = 0; f < FEATURES; f++)
		sum += (a[f] - b[f]) * (a[f] - b[f]);
	return sum;
}

/* Of one row: the nearest of the training rows, by insertion. */
static void find_neighbours(const struct table *table, size_t number,
			    size_t row)
{
	const struct fold *fold = &table->folds[number];
	uint32_t *nearest = fold->neighbours[row];
	double far[NEIGHBOURS];
	size_t found = 0;

	for (size_t i = 0; i < table->count; i++) {
		double d;
		size_t at;

		if (!is_training(table, number, i))
			continue;
		d = distance(fold->z[row], fold->z[i]);
		if (found == NEIGHBOURS && d >= far[found - 1])
			continue;
		found += found < NEIGHBOURS;
		for (at = found - 1; at > 0 && far[at - 1] > d; at--) {
			far[at] = far[at - 1];
			nearest[at] = nearest[at - 1];
		}
		far[at] = d;
		nearest[at] = (uint32_t)i;
	}
}

static void prepare(struct table *table, size_t number)
{
	struct fold *fold = &table->folds[number];
	double *values = room(table->count, sizeof(*values));

	fold->z = room(table->count, sizeof(*fold->z));
	fold->bins = room(table->count, sizeof(*fold->bins));
	fold->neighbours = room(table->count, sizeof(*fold->neighbours));
	for (size_t i = 0; i < table->count; i++)
		fold->training += is_training(table, number, i) ? 1 : 0;
	for (size_t f = 0; f < FEATURES; f++)
		prepare_feature(table, number, f, values);
	factorise(table, number);
	for (size_t i = 0; i < table->count; i++)
		if (!is_training(table, number, i))
			find_neighbours(table, number, i);
	free(values);
}

/* left: what is to be explained, 0 for rows that are not trained on. */
static void add_ridge(const struct table *table, size_t number,
		      const double *left, double *scores)
{
	const struct fold *fold = &table->folds[number];
	double weights[FEATURES] = { 0 };

	for (size_t i = 0; i < table->count; i++)
		for (size_t f = 0; left[i] != 0 && f < FEATURES; f++)
			weights[f] += left[i] * fold->z[i][f];
	for (size_t a = 0; a < FEATURES; a++) {
		for (size_t b = 0; b < a; b++)
			weights[a] -= fold->root[a][b] * weights[b];
		weights[a] /= fold->root[a][a];
	}
	for (size_t a = FEATURES; a-- > 0;) {
		for (size_t b = a + 1; b < FEATURES; b++)
			weights[a] -= fold->root[b][a] * weights[b];
		weights[a] /= fold->root[a][a];
	}
	for (size_t i = 0; i < table->count; i++)
		for (size_t f = 0;
		     !is_training(table, number, i) && f < FEATURES; f++)
			scores[i] += weights[f] * fold->z[i][f];
}

struct stump {
	double gain;
	size_t feature;
	uint8_t last; /* bin of the lower side */
	double lower, upper;
};

static struct stump best_stump(const struct table *table, size_t number,
			       const double *left)
{
	const struct fold *fold = &table->folds[number];
	double sums[FEATURES][BINS];
	struct stump best = { .gain = -1 };
	double n = (double)fold->training;

	memset(sums, 0, sizeof(sums));
	for (size_t i = 0; i < table->count; i++)
		for (size_t k = 0; left[i] != 0 && k < fold->varied_count; k++)
			sums[fold->varied[k]][fold->bins[i][fold->varied[k]]] +=
				left[i];
	for (size_t k = 0; k < fold->varied_count; k++) {
		size_t f = fold->varied[k];
		double lower = 0, all = 0;

		for (size_t b = 0; b < BINS; b++)
			all += sums[f][b];
		for (uint8_t b = 0; b < BINS - 1; b++) {
			double below = fold->below[f][b], gain;

			lower += sums[f][b];
			if (below == 0 || below == n)
				continue;
			gain = lower * lower / below +
			       (all - lower) * (all - lower) / (n - below);
			if (gain > best.gain)
				best = (struct stump){ gain, f, b,
						       lower / below,
						       (all - lower) /
							       (n - below) };
		}
	}
	return best;
}

static void add_stumps(const struct table *table, size_t number, double *left,
		       double *scores)
{
	const struct fold *fold = &table->folds[number];

	for (size_t round = 0; round < STUMPS; round++) {
		struct stump stump = best_stump(table, number, left);

		for (size_t i = 0; stump.gain > 0 && i < table->count; i++) {
			double step = STEP * (fold->bins[i][stump.feature] <=
							      stump.last
						      ? stump.lower
						      : stump.upper);

			if (is_training(table, number, i))
				left[i] -= step;
			else
				scores[i] += step;
		}
	}
}

static void add_neighbours(const struct table *table, size_t number,
			   const double *left, double *scores)
{
	const struct fold *fold = &table->folds[number];

	for (size_t i = 0; i < table->count; i++)
		for (size_t k = 0;
		     !is_training(table, number, i) && k < NEIGHBOURS; k++)
			scores[i] += left[fold->neighbours[i][k]] / NEIGHBOURS;
}

/* Score every row for being in one class, as learnt from the other folds. */
static void score(const struct table *table, const uint8_t *is_in,
		  double *scores)
{
	double *left = room(table->count, sizeof(*left));

	memset(scores, 0, table->count * sizeof(*scores));
	for (size_t number = 0; number < FOLDS; number++) {
		double mean = 0;

		for (size_t i = 0; i < table->count; i++)
			mean += is_training(table, number, i) && is_in[i];
		mean /= (double)table->folds[number].training;
		for (size_t i = 0; i < table->count; i++)
			left[i] = is_training(table, number, i)
					  ? is_in[i] - mean
					  : 0;
		add_ridge(table, number, left, scores);
		add_neighbours(table, number, left, scores);
		add_stumps(table, number, left, scores);
	}
	free(left);
}

struct ranked {
	double score;
	uint8_t is_in;
};

double classifier_auc(const double *scores, const uint8_t *is_in, size_t count)
{
	struct ranked *ranked = room(count, sizeof(*ranked));
	double ranks = 0, in = 0;

	for (size_t i = 0; i < count; i++)
		ranked[i] = (struct ranked){ scores[i], is_in[i] };
	qsort(ranked, count, sizeof(*ranked),
	      compare); /* by the first member */
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i;
		     end < count && ranked[end].score <= ranked[i].score;)
			end++;
		/* Equal scores share their ranks, i + 1 to end. */
		for (size_t k = i; k < end; k++) {
			in += ranked[k].is_in;
			ranks += ranked[k].is_in * (double)(i + 1 + end) / 2;
		}
	}
	free(ranked);
	return (ranks - in * (in + 1) / 2) / (in * ((double)count - in));
}

/* The mean AUC over classes; of two it is that of one of them. */
static double judge(const struct table *table, const unsigned *classes,
		    double *accuracy)
{
	double *scores = room(table->count * table->classes, sizeof(*scores));
	uint8_t *is_in = room(table->count, 1);
	size_t right = 0;
	double sum = 0;

	for (unsigned c = table->classes == 2; c < table->classes; c++) {
		double *of_class = scores + c * table->count;

		for (size_t i = 0; i < table->count; i++)
			is_in[i] = classes[i] == c;
		score(table, is_in, of_class);
		sum += classifier_auc(of_class, is_in, table->count);
	}
	for (size_t i = 0; i < table->count; i++) {
		unsigned best = 0;

		for (unsigned c = 1; c < table->classes; c++)
			if (scores[c * table->count + i] >
			    scores[best * table->count + i])
				best = c;
		right += best == classes[i];
	}
	free(is_in);
	free(scores);
	*accuracy = (double)right / (double)table->count;
	return sum / (table->classes == 2 ? 1 : table->classes);
}

/* Some of the permutations, on a thread. */
struct share {
	pthread_t thread;
	const struct table *table;
	struct numbers dice;
	size_t count;
	double *aucs;
};

static void *permute(void *argument)
{
	struct share *share = argument;
	size_t count = share->table->count;
	unsigned *classes = room(count, sizeof(*classes));
	double accuracy;

	for (size_t i = 0; i < count; i++)
		classes[i] = share->table->rows[i].class;
	for (size_t k = 0; k < share->count; k++) {
		shuffle(classes, count, &share->dice);
		share->aucs[k] = judge(share->table, classes, &accuracy);
	}
	free(classes);
	return NULL;
}

static void permute_all(const struct table *table, size_t count, uint64_t seed,
			double *aucs)
{
	struct share shares[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		size_t from = count * i / THREADS;

		shares[i] = (struct share){
			.table = table,
			.dice = { seed + 0x9e3779b97f4a7c15u * (i + 1) },
			.count = count * (i + 1) / THREADS - from,
			.aucs = aucs + from,
		};
		invariant(pthread_create(&shares[i].thread, NULL, permute,
					 &shares[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(shares[i].thread, NULL);
}

static void compare_with_chance(const struct table *table, size_t count,
				uint64_t seed, struct classifier_verdict *out)
{
	double *aucs = room(count, sizeof(*aucs));
	double sum = 0, squares = 0;
	size_t no_less = 0;

	permute_all(table, count, seed, aucs);
	for (size_t i = 0; i < count; i++) {
		sum += aucs[i];
		no_less += aucs[i] >= out->auc;
	}
	out->by_chance = sum / (double)count;
	for (size_t i = 0; i < count; i++)
		squares +=
			(aucs[i] - out->by_chance) * (aucs[i] - out->by_chance);
	out->by_chance_sd = sqrt(squares / (double)count);
	out->p = (double)(1 + no_less) / (double)(1 + count);
	free(aucs);
}

void classifier_judge(const struct classifier_row *rows, size_t count,
		      unsigned classes, size_t permutations, uint64_t seed,
		      struct classifier_verdict *out)
{
	struct numbers dice = { seed };
	struct table *table = room(1, sizeof(*table));
	unsigned *own = room(count, sizeof(*own));

	invariant(classes >= 2 && classes <= CLASSIFIER_CLASSES_MAX);
	invariant(count / FOLDS * (FOLDS - 1) > NEIGHBOURS);
	*out = (struct classifier_verdict){ .p = 1 };
	table->rows = rows;
	table->count = count;
	table->classes = classes;
	deal_folds(table, &dice);
	for (size_t number = 0; number < FOLDS; number++)
		prepare(table, number);
	for (size_t i = 0; i < count; i++)
		own[i] = rows[i].class;
	out->auc = judge(table, own, &out->accuracy);
	if (permutations > 0)
		compare_with_chance(table, permutations, seed, out);
	for (size_t number = 0; number < FOLDS; number++) {
		free(table->folds[number].z);
		free(table->folds[number].bins);
		free(table->folds[number].neighbours);
	}
	free(table->fold_of);
	free(table);
	free(own);
}
