/* The processor's caches. */
#ifndef CLINUX_CACHE_H
#define CLINUX_CACHE_H

#include <stddef.h>

/* Bytes of the last-level cache that one processor uses; 0: not known. Not sysconf(_SC_LEVEL3_CACHE_SIZE), if the
 * processor reports it: some versions of glibc return the sum of all such caches of a socket. */
size_t clinux_last_level_cache(void);

#endif
