/* Pages of shared memory: what is missing, and what is filled in advance. */
#ifndef CLINUX_MEMORY_H
#define CLINUX_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* userfaultfd(2) for the accesses of user space only, with the features that make an access to a missing page of shared
 * memory raise SIGBUS. -1 with errno: ENOSYS, EPERM where the system refuses it, EINVAL for a kernel without these
 * features. */
int clinux_missing_pages(void);

/* UFFDIO_REGISTER: from now on, missing pages of this range are not allocated by this process. 0, or -1 with errno. */
int clinux_register_missing_pages(int fd, void *_Nonnull start, size_t length);

/* lseek(2) with SEEK_HOLE, which moves the file's offset: the first hole from `offset` on, or the file's end. -1 with
 * errno. */
off_t clinux_next_hole(int fd, off_t offset);

/* MADV_POPULATE_WRITE or MADV_POPULATE_READ; -1 with errno. */
int clinux_populate(void *_Nonnull start, size_t length, bool is_writable);

/* Replaces mapped pages by a private copy of their present contents, at the same addresses. -1 with errno. */
int clinux_keep_copy(void *_Nonnull start, size_t length);

#endif
