#ifndef CLINUX_RANDOM_H
#define CLINUX_RANDOM_H

#include <stddef.h>
#include <sys/types.h>

/* getrandom(2) without flags; the count, or -1 with errno. */
ssize_t clinux_getrandom(void *_Nonnull buffer, size_t count);

#endif
