/* The parts of libdmascope-dpdk.so. */
#ifndef DMASCOPE_STUB_H
#define DMASCOPE_STUB_H

#include <stddef.h>

/* A line on standard error. */
void stub_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An entry has 8 or 10 words that are used, and 64 or 128 bytes. */
struct layout {
	size_t stride; /* words; 0: not known */
	unsigned nb_words;
};

/* Finds two placeholders beside each other in rte_dma_fp_objs: only the true layout has them.
 * library: the address where librte_dmadev is loaded, whose functions placeholders have. */
struct layout stub_find_layout(void *const *objects, size_t device_count, const void *library);

/* A function of librte_dmadev, and what is called instead. */
struct stub_call {
	const char *name;
	void *replacement;
};

/* Puts the replacements into the tables of all loaded objects. Plug-ins that are loaded later need another call. */
void stub_patch_objects(const struct stub_call *calls, size_t count);

#endif
