/* The telemetry server, started by the environment. */
#include "expect.h"

#include <dmadev_telemetry.h>

static int answer(const char *command, const char *params, struct dmadev_telemetry_data *data, void *arg)
{
	(void)command, (void)params, (void)data, (void)arg;
	return 0;
}

int main(void)
{
	EXPECT(dmadev_telemetry_path() == NULL);
	EXPECT(dmadev_telemetry_register("no slash", "", answer, NULL) == -EINVAL);
	EXPECT(dmadev_telemetry_register("/own", "Answers", answer, NULL) == 0);
	EXPECT(dmadev_telemetry_register("/own", "Answers", answer, NULL) == -EEXIST);
	EXPECT(dmadev_telemetry_register("/other", "Answers", NULL, NULL) == -EINVAL);
	EXPECT(dmadev_count_avail() == 1);
	EXPECT(dmadev_telemetry_path() != NULL && strstr(dmadev_telemetry_path(), "/dpdk/fromenvironment/") != NULL);
	EXPECT(dmadev_telemetry_register("/late", "Answers", answer, NULL) == -EBUSY);
	EXPECT(dmadev_telemetry_start(NULL) == -EALREADY);
	dmadev_telemetry_stop();
	dmadev_telemetry_stop();
	EXPECT(dmadev_telemetry_path() == NULL && dmadev_telemetry_start("../up") == -EINVAL);
	EXPECT(dmadev_telemetry_add_int(NULL, "x", 1) == -EINVAL);
	return failures == 0 ? 0 : 1;
}
