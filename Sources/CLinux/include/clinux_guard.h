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

/* One copy or fill of a run. */
struct clinux_move {
	uint64_t dst;
	uint64_t src; /* fill: the 8-byte pattern, its first byte at dst, truncated at the end */
	uint64_t bytes;
	uint64_t is_fill;
};

/* Copies and fills areas, one after the other; overlapping areas are copied as with memmove. It ends at the first
 * fault; of that move, bytes before the fault may or may not be written.
 *
 * Returns the number of finished moves; *result is the result of the next one, CLINUX_GUARD_OK when all are
 * finished. The moves must be readable: a fault on them counts as a fault of the move. */
size_t clinux_guarded_moves(const struct clinux_move *_Nonnull moves, size_t count, int *_Nonnull result);

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

/* Copies one part of an area; source and destination must not overlap. memory_ticks: from above. */
int clinux_guarded_large(uint64_t dst, uint64_t src, size_t bytes, uint64_t memory_ticks, enum clinux_way *_Nonnull way);

#endif
