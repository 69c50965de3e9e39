#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpeers.h"

static cpu_set_t allowed;

int cpeers_processors(int *first, int *second)
{
	int found[2] = {-1, -1}, count = 0;
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (int cpu = 0; cpu < CPU_SETSIZE && count < 2; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			found[count++] = cpu;
	*first = found[0];
	*second = found[1];
	return CPU_COUNT(&allowed);
}

int cpeers_go_first(void)
{
	struct sched_param first = {.sched_priority = 1};
	return sched_setscheduler(0, SCHED_RR, &first) == 0 ? 0 : errno;
}

int cpeers_unpin(void)
{
	return sched_setaffinity(0, sizeof(allowed), &allowed) == 0 ? 0 : errno;
}

int cpeers_pin_thread(int thread, int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(thread, sizeof(set), &set) == 0 ? 0 : errno;
}

int cpeers_pin(int cpu)
{
	return cpeers_pin_thread(0, cpu);
}

struct court {
	_Alignas(CPEERS_LINE) _Atomic uint64_t ball;
	_Alignas(CPEERS_LINE) uint64_t rounds;
	int cpu;
};

static void *return_balls(void *argument)
{
	struct court *court = argument;
	cpeers_pin(court->cpu);
	for (uint64_t round = 1; round <= court->rounds; round++) {
		while (atomic_load_explicit(&court->ball, memory_order_acquire) != 2 * round - 1)
			cpeers_relax();
		atomic_store_explicit(&court->ball, 2 * round, memory_order_release);
	}
	return NULL;
}

int cpeers_ping_pong(int cpu_a, int cpu_b, unsigned slices, unsigned rounds, double *nanoseconds)
{
	struct court court = {.rounds = (uint64_t)slices * rounds, .cpu = cpu_b};
	pthread_t other;
	int error = pthread_create(&other, NULL, return_balls, &court);
	if (error != 0)
		return error;
	cpeers_pin(cpu_a);
	uint64_t round = 1;
	for (unsigned slice = 0; slice < slices; slice++) {
		double begin = cpeers_now();
		for (unsigned turn = 0; turn < rounds; turn++, round++) {
			atomic_store_explicit(&court.ball, 2 * round - 1, memory_order_release);
			while (atomic_load_explicit(&court.ball, memory_order_acquire) != 2 * round)
				cpeers_relax();
		}
		/* A round moves the line twice. */
		nanoseconds[slice] = (cpeers_now() - begin) / rounds / 2;
	}
	pthread_join(other, NULL);
	return cpeers_unpin();
}

int cpeers_sealed_file(size_t byte_count)
{
	int file = memfd_create("bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (file < 0)
		return -1;
	if (ftruncate(file, (off_t)byte_count) == 0 && fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		return file;
	close(file);
	return -1;
}
