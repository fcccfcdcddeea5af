/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A round begins when `round` grows, and is over when every member has told
 * its number.  Each counter lies in a cache line of its own, and is written by
 * one thread.  Sleepers wait on the counter itself (futex): they are woken only
 * if they said that they sleep.
 */
#include "inference/team.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * How often a member looks before it sleeps: up to about 200 us, since work
 * comes sooner while tokens are made and waking a thread takes a part of that.
 * Where it looks in vain, there are more threads at work than processors, and
 * whom it waits for may wait for the one that it looks on.  So it looks less
 * then, and every so often long again, to see whether that is over.
 */
#define SPINS_MOST 20000
#define SPINS_LEAST 300
#define VAIN_LOOKS 1024 /* until it looks long again */

struct line {
	_Atomic unsigned value;
	_Atomic unsigned sleepers;
	char apart[56];
} __attribute__((aligned(64)));

struct member {
	struct team *team;
	size_t number;
	pthread_t thread;
	unsigned spins;	  /* its own: how often it looks */
	unsigned vain;	  /* its own: times it did so in vain */
	struct line done; /* the last round it has finished */
};

/* work and context are written before `round` grows, and read after. */
struct team {
	struct line round;
	size_t count;
	void (*work)(void *context, size_t member);
	void *context;
	bool is_closing;
	size_t meetings;
	struct member members[TEAM_MAX];
};

static void pause_briefly(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* Whether a line left `old` while the member looked. */
static bool look(struct member *self, struct line *line, unsigned old)
{
	for (unsigned i = 0; i < self->spins; i++) {
		if (atomic_load_explicit(&line->value, memory_order_acquire) !=
		    old) {
			if (self->spins < SPINS_MOST)
				self->spins *= 2;
			return true;
		}
		pause_briefly();
	}
	if (++self->vain % VAIN_LOOKS == 0)
		self->spins = SPINS_MOST;
	else if (self->spins / 4 >= SPINS_LEAST)
		self->spins /= 4;
	return false;
}

/* Wait until a line has left `old`. */
static void await(struct member *self, struct line *line, unsigned old)
{
	if (look(self, line, old))
		return;
	atomic_fetch_add(&line->sleepers, 1);
	while (atomic_load(&line->value) == old)
		syscall(SYS_futex, &line->value, FUTEX_WAIT_PRIVATE, old, NULL,
			NULL, 0);
	atomic_fetch_sub(&line->sleepers, 1);
}

static void advance(struct line *line, unsigned value)
{
	atomic_store(&line->value, value);
	if (atomic_load(&line->sleepers) != 0)
		syscall(SYS_futex, &line->value, FUTEX_WAKE_PRIVATE, TEAM_MAX,
			NULL, NULL, 0);
}

static void *serve(void *argument)
{
	struct member *self = argument;
	struct team *team = self->team;

	for (unsigned round = 0;; round++) {
		await(self, &team->round, round);
		if (team->is_closing)
			return NULL;
		/* The round before was team_open's, and after it nobody knows
		   when work comes: until now it slept at once. */
		if (round == 1)
			self->spins = SPINS_MOST;
		team->work(team->context, self->number);
		advance(&self->done, round + 1);
	}
}

static void begin(void *context, size_t member)
{
	(void)context;
	(void)member;
}

static enum err start(struct member *member)
{
	pthread_attr_t attributes;
	int failed;

	if (pthread_attr_init(&attributes) != 0)
		return ERR_UNAVAILABLE;
	failed = pthread_attr_setstacksize(&attributes, TEAM_STACK_BYTES);
	if (failed == 0)
		failed = pthread_create(&member->thread, &attributes, serve,
					member);
	pthread_attr_destroy(&attributes);
	return failed == 0 ? ERR_OK : ERR_UNAVAILABLE;
}

enum err team_open(size_t members, struct team **out)
{
	struct team *team;

	if (members == 0 || members > TEAM_MAX)
		return ERR_TOO_LARGE;
	team = aligned_alloc(64, sizeof(*team));
	if (team == NULL)
		return ERR_UNAVAILABLE;
	*team = (struct team){ .count = 1 };
	while (team->count < members) {
		struct member *member = &team->members[team->count];

		member->team = team;
		member->number = team->count;
		if (start(member) != ERR_OK) {
			team_close(team);
			return ERR_UNAVAILABLE;
		}
		team->count++;
	}
	/* Who has worked once is through with what libc does in a new thread.
	   That may need the caller's processor: so it does not look on. */
	team_run(team, begin, NULL);
	team->meetings = 0;
	team->members[0].spins = SPINS_MOST;
	*out = team;
	return ERR_OK;
}

void team_close(struct team *team)
{
	team->is_closing = true;
	advance(&team->round, atomic_load(&team->round.value) + 1);
	for (size_t i = 1; i < team->count; i++)
		pthread_join(team->members[i].thread, NULL);
	free(team);
}

size_t team_size(const struct team *team)
{
	return team == NULL ? 1 : team->count;
}

void team_run(struct team *team, void (*work)(void *context, size_t member),
	      void *context)
{
	unsigned round;

	if (team_size(team) == 1) {
		work(context, 0);
		return;
	}
	round = atomic_load(&team->round.value) + 1;
	team->work = work;
	team->context = context;
	team->meetings++;
	advance(&team->round, round);
	work(context, 0);
	for (size_t i = 1; i < team->count; i++)
		await(&team->members[0], &team->members[i].done, round - 1);
}

size_t team_meetings(const struct team *team)
{
	return team == NULL ? 0 : team->meetings;
}

struct team_share team_share(size_t count, size_t member, size_t members)
{
	return (struct team_share){ count * member / members,
				    count * (member + 1) / members };
}
