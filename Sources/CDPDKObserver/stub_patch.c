/* The addresses of the replacements in the loaded objects, for a stub that is a plug-in. */
#include "stub.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
#define IS_ADDRESS(type) ((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT || (type) == R_X86_64_64)
#elif defined(__aarch64__)
#define IS_ADDRESS(type) ((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT || (type) == R_AARCH64_ABS64)
#else
#error "the relocations of this processor"
#endif

/* The pages that the loader has made read-only. */
struct object {
	uintptr_t base;
	uintptr_t relro_begin, relro_end;
	const ElfW(Sym) *symbols;
	const char *strings;
};

struct patch {
	const struct stub_call *calls;
	size_t count;
	const void *own_base;
};

static void patch_slot(const struct object *object, void **slot, void *replacement)
{
	uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE), page = (uintptr_t)slot & ~(page_size - 1);
	bool is_protected = page >= object->relro_begin && page < object->relro_end;

	if (*slot == replacement)
		return;
	if (is_protected && mprotect((void *)page, page_size, PROT_READ | PROT_WRITE) != 0) {
		stub_say("some calls of the application are not seen: its tables cannot be changed");
		return;
	}
	__atomic_store_n(slot, replacement, __ATOMIC_RELEASE);
	if (is_protected)
		(void)mprotect((void *)page, page_size, PROT_READ);
}

static void patch_relocations(const struct object *object, const ElfW(Rela) *relocations, size_t size,
			      const struct patch *patch)
{
	for (size_t index = 0; index < size / sizeof(*relocations); index++) {
		const ElfW(Rela) *relocation = &relocations[index];
		const char *name;

		if (!IS_ADDRESS(ELF64_R_TYPE(relocation->r_info)) || relocation->r_addend != 0)
			continue;
		name = object->strings + object->symbols[ELF64_R_SYM(relocation->r_info)].st_name;
		if (strncmp(name, "rte_dma_", strlen("rte_dma_")) != 0)
			continue;
		for (size_t call = 0; call < patch->count; call++)
			if (strcmp(name, patch->calls[call].name) == 0)
				patch_slot(object, (void **)(object->base + relocation->r_offset),
					   patch->calls[call].replacement);
	}
}

/* The loader may or may not have added the base. */
static const void *address_of(const struct object *object, uintptr_t value)
{
	return (const void *)(value < object->base ? value + object->base : value);
}

static int patch_object(struct dl_phdr_info *info, size_t size, void *argument)
{
	const struct patch *patch = argument;
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	struct object object = { .base = info->dlpi_addr };
	const ElfW(Dyn) *dynamic = NULL;
	uintptr_t plt = 0, relocations = 0, symbols = 0, strings = 0;
	size_t plt_size = 0, relocations_size = 0;
	const char *name = strrchr(info->dlpi_name, '/');

	(void)size;
	/* This object, the one that the calls go to, and what the kernel provides. */
	if ((uintptr_t)patch->own_base == object.base || strstr(info->dlpi_name, "linux-vdso") != NULL ||
	    (name != NULL && strncmp(name, "/librte_dmadev.so", strlen("/librte_dmadev.so")) == 0))
		return 0;
	for (ElfW(Half) index = 0; index < info->dlpi_phnum; index++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[index];

		if (header->p_type == PT_DYNAMIC)
			dynamic = (const ElfW(Dyn) *)(object.base + header->p_vaddr);
		if (header->p_type == PT_GNU_RELRO) {
			object.relro_begin = (object.base + header->p_vaddr) & ~(page - 1);
			object.relro_end = (object.base + header->p_vaddr + header->p_memsz) & ~(page - 1);
		}
	}
	for (; dynamic != NULL && dynamic->d_tag != DT_NULL; dynamic++) {
		switch (dynamic->d_tag) {
		case DT_JMPREL: plt = dynamic->d_un.d_ptr; break;
		case DT_PLTRELSZ: plt_size = dynamic->d_un.d_val; break;
		case DT_RELA: relocations = dynamic->d_un.d_ptr; break;
		case DT_RELASZ: relocations_size = dynamic->d_un.d_val; break;
		case DT_SYMTAB: symbols = dynamic->d_un.d_ptr; break;
		case DT_STRTAB: strings = dynamic->d_un.d_ptr; break;
		default: break;
		}
	}
	if (symbols == 0 || strings == 0)
		return 0;
	object.symbols = address_of(&object, symbols);
	object.strings = address_of(&object, strings);
	if (plt != 0)
		patch_relocations(&object, address_of(&object, plt), plt_size, patch);
	if (relocations != 0)
		patch_relocations(&object, address_of(&object, relocations), relocations_size, patch);
	return 0;
}

void stub_patch_objects(const struct stub_call *calls, size_t count)
{
	struct patch patch = { .calls = calls, .count = count };
	Dl_info own;

	if (dladdr((void *)stub_patch_objects, &own) == 0)
		return;
	patch.own_base = own.dli_fbase;
	(void)dl_iterate_phdr(patch_object, &patch);
}
