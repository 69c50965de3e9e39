/* Memory for secrets, and what touches it without leaving a copy. */
#ifndef CLINUX_SECRET_H
#define CLINUX_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* memfd_secret(2) with FD_CLOEXEC: a file whose pages only its mappers can read, not even the kernel. ENOSYS where the
 * kernel has none, other errors where a filter refuses it. */
int clinux_memfd_secret(void);

/* Copies byte by byte: memcpy moves 16 bytes through a vector register, which keeps them until it is used again, and
 * which a core dump or a signal frame has. */
void clinux_copy_secret(void *_Nonnull to, const void *_Nonnull from, size_t bytes);

/* Whether both are the same. Takes the same time wherever they differ, and keeps no more than a byte in a register. */
bool clinux_equal_secrets(const void *_Nonnull one, const void *_Nonnull other, size_t bytes);

#endif
