#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cpeers.h"

struct cpeers_sleeper {
	_Alignas(CPEERS_LINE) _Atomic uint32_t word; /* odd: stop */
	_Alignas(CPEERS_LINE) _Atomic uint32_t answer;
	pthread_t thread;
	int cpu;
};

static void futex(struct cpeers_sleeper *sleeper, int operation, uint32_t value)
{
	syscall(SYS_futex, &sleeper->word, operation, value, NULL, NULL, 0);
}

static void *sleep_and_answer(void *argument)
{
	struct cpeers_sleeper *sleeper = argument;
	uint32_t seen = 0;
	cpeers_pin(sleeper->cpu);
	while ((seen & 1) == 0) {
		futex(sleeper, FUTEX_WAIT_PRIVATE, seen);
		uint32_t word = atomic_load(&sleeper->word);
		if (word == seen)
			continue;
		seen = word;
		atomic_store(&sleeper->answer, seen);
	}
	return NULL;
}

struct cpeers_sleeper *cpeers_sleeper_start(int cpu)
{
	struct cpeers_sleeper *sleeper = aligned_alloc(CPEERS_LINE, sizeof(*sleeper));
	if (sleeper == NULL)
		return NULL;
	*sleeper = (struct cpeers_sleeper){.cpu = cpu};
	if (pthread_create(&sleeper->thread, NULL, sleep_and_answer, sleeper) != 0) {
		free(sleeper);
		return NULL;
	}
	return sleeper;
}

double cpeers_sleeper_wake(struct cpeers_sleeper *sleeper)
{
	double begin = cpeers_now();
	uint32_t word = atomic_load(&sleeper->word) + 2;
	atomic_store(&sleeper->word, word);
	futex(sleeper, FUTEX_WAKE_PRIVATE, INT_MAX);
	while (atomic_load(&sleeper->answer) != word)
		cpeers_relax();
	return cpeers_now() - begin;
}

void cpeers_sleeper_stop(struct cpeers_sleeper *sleeper)
{
	atomic_fetch_add(&sleeper->word, 1);
	futex(sleeper, FUTEX_WAKE_PRIVATE, INT_MAX);
	pthread_join(sleeper->thread, NULL);
	free(sleeper);
}
