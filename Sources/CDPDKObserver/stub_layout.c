/* The layout of rte_dma_fp_objs: it differs between releases, and no symbol tells it. */
#include "stub.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

static bool is_code_of(const void *address, const void *base)
{
	Dl_info info;

	return address != NULL && dladdr(address, &info) != 0 && info.dli_fbase == base;
}

/* Whether there is a placeholder, which unused entries are filled with: no dev_private, and different functions of the
 * library. */
static bool is_placeholder(void *const *entry, struct layout layout, const void *base)
{
	if (entry[0] != NULL)
		return false;
	for (unsigned word = 1; word < layout.nb_words; word++) {
		if (!is_code_of(entry[word], base))
			return false;
		for (unsigned other = 1; other < word; other++)
			if (entry[other] == entry[word])
				return false;
	}
	for (size_t word = layout.nb_words; word < layout.stride; word++)
		if (entry[word] != NULL)
			return false;
	return true;
}

struct layout stub_find_layout(void *const *objects, size_t device_count, const void *library)
{
	/* The smallest first: what it reads is inside the array of every other one. */
	static const struct layout known[] = { { 8, 8 }, { 16, 8 }, { 16, 10 } };

	for (size_t index = 0; index < sizeof(known) / sizeof(known[0]); index++) {
		size_t stride = known[index].stride;

		for (size_t id = 0; id + 1 < device_count; id++) {
			void *const *entry = objects + id * stride;

			if (is_placeholder(entry, known[index], library) &&
			    is_placeholder(entry + stride, known[index], library) &&
			    memcmp(entry, entry + stride, stride * sizeof(void *)) == 0)
				return known[index];
			/* Of an unknown, smaller layout, the array may end here. */
			if (stride > 8 && id > device_count / 2)
				break;
		}
	}
	return (struct layout){ 0, 0 };
}
