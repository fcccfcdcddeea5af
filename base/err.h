/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: what went wrong, told as what the caller may do next.
 *
 * Three kinds of failure, three tools:
 *   a bug in this program       invariant(), which aborts in every build
 *   a program that cannot run   die(), called by mains and role start-up only
 *   everything else             enum err, returned and never ignored
 *
 * On any error a function leaves its outputs as they were.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum err {
	ERR_OK = 0,
	ERR_MALFORMED,	 /* a peer's bytes do not parse: drop the request */
	ERR_TRUNCATED,	 /* a peer's bytes end early: report it as cut */
	ERR_UNAUTHENTIC, /* a tag, signature or proof is wrong: say no more */
	ERR_DENIED,	 /* policy says no */
	ERR_UNSUPPORTED, /* well-formed, but nothing this build offers */
	ERR_TOO_LARGE,	 /* beyond a limit named in policy/ */
	ERR_EXPIRED,	 /* was good once: renew and try again */
	ERR_UNAVAILABLE, /* the kernel or a peer refused: see errno */
};

/* A name for people, such as "malformed".  Never NULL. */
const char *err_name(enum err err);

/* The one control-flow macro: leave this function with the callee's error. */
#define TRY(call)                          \
	do {                               \
		enum err try_err = (call); \
		if (try_err != ERR_OK)     \
			return try_err;    \
	} while (0)

/* A claim about our own code.  If it is false, stopping is the safe thing. */
#define invariant(claim) \
	((claim) ? (void)0 : err_invariant_failed(#claim, __FILE__, __LINE__))

_Noreturn void err_invariant_failed(const char *claim, const char *file,
				    int line);

/*
 * This program cannot do its work: say why on standard error and exit with
 * status 1.  `what` is a fixed text of ours and never holds a user's bytes;
 * errno is added when it is not zero.
 */
_Noreturn void err_die(const char *what);

#define die(what) err_die(what)

#endif
