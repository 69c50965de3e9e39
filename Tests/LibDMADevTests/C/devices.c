/* Prints the names of the devices that are there. */
#include <dmadev.h>

int main(void)
{
	struct dmadev_info info;
	int16_t id;

	DMADEV_FOREACH_DEV(id) {
		if (dmadev_info_get(id, &info) == 0)
			printf("%s ", info.dev_name);
	}
	return 0;
}
