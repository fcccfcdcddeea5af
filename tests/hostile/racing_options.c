/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For programs that `make race` builds, which have no environment to read this
 * from: what gRPC and others do among themselves is not looked at, since they
 * were not built for it.
 *
 * For the same reason it is not seen that gRPC's queue hands a relay over: the
 * thread that takes it from there looks, before it locks, whose event it is.
 */
const char *__tsan_default_options(void);
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "race_top:^run$\n"; /* gateway/relay.c */
}

const char *__tsan_default_options(void)
{
	return "ignore_noninstrumented_modules=1:exitcode=66";
}
