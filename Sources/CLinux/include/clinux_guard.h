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

/* One copy of a run. */
struct clinux_move {
	uint64_t dst;
	uint64_t src;
	uint64_t bytes;
};

/* Copies areas, one after the other; areas that overlap are copied as if through a third one. It ends at the first
 * fault; of that copy, bytes before the fault may or may not have moved.
 *
 * Returns how many copies were done; *result says how the one after them ended, CLINUX_GUARD_OK when all are done. The
 * moves must be readable: a fault on them counts as one of the copy. */
size_t clinux_guarded_moves(const struct clinux_move *_Nonnull moves, size_t count, int *_Nonnull result);

/* Writes the 8-byte pattern again and again, its first byte at dst, cut where bytes ends. */
int clinux_guarded_fill(uint64_t dst, uint64_t pattern, size_t bytes);

#endif
