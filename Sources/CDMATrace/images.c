#define _GNU_SOURCE
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "dmatrace.h"

/* Each image that holds the providers carries this ELF note. Unlike a symbol it is found from outside without being
 * exported, and stays when the image is stripped. */
#define NOTE_NAME "dmatrace"
#define NOTE_TYPE 1

static const struct {
	ElfW(Nhdr) header;
	char name[12];
} note __attribute__((section(".note.dmatrace"), used, aligned(4))) = {
	.header = { .n_namesz = sizeof(NOTE_NAME), .n_descsz = 0, .n_type = NOTE_TYPE },
	.name = NOTE_NAME,
};

static bool has_note(const struct dl_phdr_info *image)
{
	for (int i = 0; i < image->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &image->dlpi_phdr[i];
		if (segment->p_type != PT_NOTE)
			continue;
		const char *at = (const char *)(image->dlpi_addr + segment->p_vaddr);
		const char *end = at + segment->p_memsz;
		size_t align = segment->p_align == 8 ? 8 : 4;
		while (end - at >= (ptrdiff_t)sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *header = (const ElfW(Nhdr) *)at;
			const char *name = at + sizeof(*header);
			size_t size = sizeof(*header) + header->n_namesz;
			size = (size + align - 1) & ~(align - 1);
			size += header->n_descsz;
			size = (size + align - 1) & ~(align - 1);
			if (size > (size_t)(end - at))
				break;
			if (header->n_type == NOTE_TYPE && header->n_namesz == sizeof(NOTE_NAME) &&
			    memcmp(name, NOTE_NAME, sizeof(NOTE_NAME)) == 0)
				return true;
			at += size;
		}
	}
	return false;
}

struct search {
	unsigned int images; /* with the note, so far */
	unsigned int own;    /* which of them, from 1, is the image of this code */
};

static bool holds(const struct dl_phdr_info *image, const void *address)
{
	for (int i = 0; i < image->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &image->dlpi_phdr[i];
		uintptr_t start = image->dlpi_addr + segment->p_vaddr;
		if (segment->p_type == PT_LOAD && (uintptr_t)address - start < segment->p_memsz)
			return true;
	}
	return false;
}

static int visit(struct dl_phdr_info *image, size_t size, void *data)
{
	struct search *search = data;

	(void)size;
	if (has_note(image)) {
		search->images++;
		if (holds(image, &note))
			search->own = search->images;
	}
	return 0;
}

unsigned int dmatrace_image_count(void)
{
	struct search search = { 0, 0 };

	dl_iterate_phdr(visit, &search);
	return search.images;
}

/* Runs once per image; every image but the first one speaks. */
__attribute__((constructor)) static void warn_of_second_image(void)
{
	static const char warning[] =
		"dmascope: this process holds the tracepoint providers more than once (in the program and in a library?): "
		"its events can be recorded as often\n";
	struct search search = { 0, 0 };

	dl_iterate_phdr(visit, &search);
	if (search.own > 1)
		(void)!write(STDERR_FILENO, warning, sizeof(warning) - 1);
}
