/* The file that the counters lie in. Without one, they lie in memory of the process. */
#ifndef FILE_H
#define FILE_H

#include "cdpdkobserver.h"

/* Makes the file if there is none; says it on standard error if that fails. false: not enough memory. */
bool observer_file_open(const char *directory);

/* Changes with the file; 0: there is none. */
unsigned observer_file_generation(void);

/* A reader repeats what it read between the two. */
struct observer_file_header *observer_file_begin_change(void);
void observer_file_end_change(void);

/* Makes the file longer, and returns the new memory, all zeros, on pages of its own; NULL: there is no room. */
void *observer_file_add(size_t size, uint64_t *offset);

#endif
