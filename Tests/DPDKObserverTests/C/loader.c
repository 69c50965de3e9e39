/* A program that is linked with the EAL only: what it runs is in a plug-in, which brings librte_dmadev with it.
 *
 *     loader CASE PLUGIN [EAL option]… */
#include <rte_eal.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
	int (*run_case)(const char *name);
	void *plugin;

	if (count < 3 || rte_eal_init(count - 2, arguments + 2) < 0)
		return 1;
	plugin = dlopen(arguments[2], RTLD_NOW | RTLD_NOLOAD);
	*(void **)&run_case = plugin == NULL ? NULL : dlsym(plugin, "run_case");
	if (run_case == NULL) {
		fprintf(stderr, "loader: the EAL has not loaded %s\n", arguments[2]);
		return 1;
	}
	if (dlsym(RTLD_DEFAULT, "rte_dma_info_get") != NULL) {
		fprintf(stderr, "loader: the program has librte_dmadev in its scope\n");
		return 1;
	}
	return run_case(arguments[1]);
}
