/* The files of the live page, part of the program. As an array literal of Swift they would take a compiler twenty
 * seconds. */
#ifndef CLIVEPAGE_H
#define CLIVEPAGE_H

#include <stddef.h>

struct clivepage_file {
	const char *_Nonnull path; /* of the URL */
	const char *_Nonnull type; /* the value of HTTP's Content-Type */
	const void *_Nonnull bytes;
	size_t length;
};

/* All files; the first is the HTML page. */
const struct clivepage_file *_Nonnull clivepage_files(size_t *_Nonnull count);

#endif
