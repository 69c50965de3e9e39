/* Copy and fill kernels that survive bad addresses.
 *
 * While a kernel runs, a SIGSEGV or SIGBUS that its thread gets for an access of its own ends the kernel, which then
 * says which side faulted. Every other fault goes to the handler that was there before. The jump leaves only frames of
 * this file, never a Swift one. */
#ifndef CLINUX_GUARD_H
#define CLINUX_GUARD_H

#include <stddef.h>
#include <stdint.h>

/* How a kernel ended. */
#define CLINUX_GUARD_OK 0
#define CLINUX_GUARD_SOURCE 1 /* reading failed */
#define CLINUX_GUARD_DESTINATION 2 /* writing failed */

/* Puts the handlers in place. 0, or a positive errno. A handler that the program installs later without passing faults on
 * takes the guard away; calling this again puts it back on top, once. */
int clinux_guard_install(void);

/* One copy or fill of a run. */
struct clinux_move {
	uint64_t dst;
	uint64_t src; /* fill: the 8-byte pattern, its first byte at dst, cut where bytes ends */
	uint64_t bytes;
	uint64_t is_fill;
};

/* Copies and fills areas, one after the other; areas that overlap are copied as if through a third one. It ends at the
 * first fault; of that move, bytes before the fault may or may not be written.
 *
 * Returns how many moves were done; *result says how the one after them ended, CLINUX_GUARD_OK when all are done. The
 * moves must be readable: a fault on them counts as one of the move. */
size_t clinux_guarded_moves(const struct clinux_move *_Nonnull moves, size_t count, int *_Nonnull result);

/* Copies one area past the caches; it must not overlap the other one. */
int clinux_guarded_stream(uint64_t dst, uint64_t src, size_t bytes);

#endif
