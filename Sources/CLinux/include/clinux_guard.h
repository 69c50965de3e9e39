/* Copy and fill kernels that survive bad addresses.
 *
 * While a kernel runs, a SIGSEGV or SIGBUS for an access of its thread ends the kernel, which then returns the side
 * that faulted. All other faults go to the handler that was installed before. The jump leaves only frames of this
 * file, never a Swift frame. */
#ifndef CLINUX_GUARD_H
#define CLINUX_GUARD_H

#include <stddef.h>
#include <stdint.h>

/* How a kernel ended. */
#define CLINUX_GUARD_OK 0
#define CLINUX_GUARD_SOURCE 1 /* reading failed */
#define CLINUX_GUARD_DESTINATION 2 /* writing failed */

/* Installs the handlers. 0, or a positive errno. A handler that the program installs later without forwarding faults
 * disables the guard; calling this again installs it on top, once. */
int clinux_guard_install(void);

/* The most files that are watched at a time. */
#define CLINUX_GUARD_FILES 64

/* Watches a shared mapping of a file that another process can make shorter. An access to a missing page, outside of the
 * kernels below, then finds a page of zeros of its own, and the file is lost for good: the event, an eventfd, is signaled.
 * Returns the number of the file, or a negative errno: ENOSPC.
 *
 * start, length: the mapping, whole pages; page: of the file, a power of two. */
int clinux_guard_watch_file(void *_Nonnull start, size_t length, size_t page, int event);

/* Whether a page was missing. */
int clinux_guard_file_is_lost(int number);

/* Call it before the mapping ends and the event is closed. */
void clinux_guard_unwatch_file(int number);

/* A copy or fill. */
struct clinux_move {
	uint64_t dst;
	uint64_t src; /* fill: the 8-byte pattern, its first byte at dst, truncated at the end */
	uint64_t bytes;
	uint64_t is_fill;
};

/* Copies or fills an area; overlapping areas are copied as with memmove. Of a move that faults, bytes before the fault may
 * or may not be written. */
int clinux_guarded_move(const struct clinux_move *_Nonnull move);

/* A copy or fill as an application describes it. It may change at any time: each word is read once. */
struct clinux_job {
	uint64_t src; /* fill: the pattern */
	uint64_t dst;
	uint64_t shape; /* the low 32 bits: bytes */
	uint64_t rest;
};

/* Memory that jobs can access. */
struct clinux_range {
	uint64_t start; /* as jobs address it */
	uint64_t bytes; /* start + bytes does not wrap */
	uint64_t address; /* of start, in this process */
};

/* What the jobs of a run have in common. */
struct clinux_run {
	uint64_t shape;
	uint64_t varying; /* bits of shape in which jobs may differ */
	uint64_t mark; /* one of these bits, that is reported */
	/* A word for each job, from the first on, in memory that another processor writes. Those of jobs with the mark are
	 * prefetched: the caller needs them next. */
	const uint64_t *_Nonnull words;
	uint64_t rest;
	struct clinux_range src; /* not of fills */
	struct clinux_range dst;
	uint64_t is_fill;
};

/* What became of a run. */
struct clinux_run_end {
	uint64_t count; /* finished jobs */
	uint64_t bytes; /* that they have moved */
	uint64_t marks; /* bit n: job n has the mark; a job that faulted is among them */
	struct clinux_move failed; /* the job that faulted, with the addresses of the job */
};

/* Executes jobs one after the other: up to count, 64 at most, and up to that many bytes. It ends before a job that differs
 * from the others or is not within the ranges, and at the first fault. Overlapping areas are copied as with memmove.
 * Only accesses for moves are guarded. */
int clinux_guarded_run(const struct clinux_job *_Nonnull jobs, size_t count, uint64_t bytes,
		       const struct clinux_run *_Nonnull run, struct clinux_run_end *_Nonnull end);

/* How a large area is copied. */
enum clinux_way {
	/* Past the caches, if those of the processor do not have the destination: such a store need not fetch the line. The
	 * first part of at least 20 KiB finds that out, and replaces this by its result. Parts before are cached. */
	CLINUX_WAY_UNKNOWN,
	CLINUX_WAY_CACHED,
	/* Past the caches. */
	CLINUX_WAY_STREAMED,
};

/* How long a store takes to a line that is in no cache, in ticks of the processor's time-stamp counter. It takes some
 * microseconds to find out. 0 where there is one way only. */
uint64_t clinux_memory_ticks(void);

/* Copies one part of an area; source and destination must not overlap. memory_ticks: from above. Of a part that faults, bytes
 * of its last 20 KiB may be written too, when the way is unknown. */
int clinux_guarded_large(uint64_t dst, uint64_t src, size_t bytes, uint64_t memory_ticks, enum clinux_way *_Nonnull way);

#endif
