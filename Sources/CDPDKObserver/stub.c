/* libdmascope-dpdk.so: what an application of DPDK loads, by LD_PRELOAD or as a plug-in of the EAL (-d). It needs libc only,
 * and does nothing in a process without dmadev. After the first start of a device it loads libdmadev, which observes.
 *
 * Preloaded, its functions come before those of librte_dmadev. As a plug-in it comes too late for that: it puts their
 * addresses into the loaded objects. */
#include "include/dmascope_dpdk.h"
#include "stub.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))
#define DEVICE_COUNT 64
#define DEFAULT_DEVICE_COUNT 64 /* of DPDK, without rte_dma_dev_max() */

void stub_say(const char *format, ...)
{
	char line[512];
	va_list arguments;
	int kept = errno;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	dprintf(2, "dmascope: %s\n", line);
	errno = kept;
}

/* ---------------------------------------------------------------- The application's DPDK */

/* The beginning of struct rte_dma_info, the same in all releases, and room for what newer ones have behind it. */
struct info {
	const char *dev_name;
	uint64_t dev_capa;
	uint16_t max_vchans;
	uint16_t max_desc;
	uint16_t min_desc;
	uint16_t max_sges;
	int16_t numa_node;
	uint16_t nb_vchans;
	uint8_t newer[256];
};

/* The functions that are replaced. */
enum {
	DEV_MAX,
	CONFIGURE,
	VCHAN_SETUP,
	START,
	STOP,
	CLOSE,
	STATS_RESET,
	CALL_COUNT
};

/* As a plug-in, the name of an exported function may mean that of librte_dmadev: these are always ours. */
static int observed_dev_max(size_t dev_max);
static int observed_configure(int16_t dev_id, const void *conf);
static int observed_vchan_setup(int16_t dev_id, uint16_t vchan, const void *conf);
static int observed_start(int16_t dev_id);
static int observed_stop(int16_t dev_id);
static int observed_close(int16_t dev_id);
static int observed_stats_reset(int16_t dev_id, uint16_t vchan);

EXPORTED int rte_dma_dev_max(size_t dev_max) __attribute__((alias("observed_dev_max")));
EXPORTED int rte_dma_configure(int16_t dev_id, const void *conf) __attribute__((alias("observed_configure")));
EXPORTED int rte_dma_vchan_setup(int16_t dev_id, uint16_t vchan, const void *conf) __attribute__((alias("observed_vchan_setup")));
EXPORTED int rte_dma_start(int16_t dev_id) __attribute__((alias("observed_start")));
EXPORTED int rte_dma_stop(int16_t dev_id) __attribute__((alias("observed_stop")));
EXPORTED int rte_dma_close(int16_t dev_id) __attribute__((alias("observed_close")));
EXPORTED int rte_dma_stats_reset(int16_t dev_id, uint16_t vchan) __attribute__((alias("observed_stats_reset")));

static const struct stub_call calls[CALL_COUNT] = {
	[DEV_MAX] = { "rte_dma_dev_max", observed_dev_max },
	[CONFIGURE] = { "rte_dma_configure", observed_configure },
	[VCHAN_SETUP] = { "rte_dma_vchan_setup", observed_vchan_setup },
	[START] = { "rte_dma_start", observed_start },
	[STOP] = { "rte_dma_stop", observed_stop },
	[CLOSE] = { "rte_dma_close", observed_close },
	[STATS_RESET] = { "rte_dma_stats_reset", observed_stats_reset },
};

static int take_path(struct dl_phdr_info *object, size_t size, void *path)
{
	const char *name = strrchr(object->dlpi_name, '/');

	(void)size;
	if (name == NULL || strncmp(name, "/librte_dmadev.so", strlen("/librte_dmadev.so")) != 0)
		return 0;
	(void)snprintf(path, PATH_MAX, "%s", object->dlpi_name);
	return 1;
}

/* The library if the EAL loaded it for a driver: its symbols are visible to that driver only. */
static void *local_library(void)
{
	static void *handle;
	char path[PATH_MAX];

	if (handle == NULL && dl_iterate_phdr(take_path, path) != 0)
		handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
	return handle;
}

/* A symbol of the application's DPDK. Data is where the application has it: a program that uses it has its own copy,
 * and that is the one in use. */
static void *find(const char *name)
{
	void *found = dlsym(RTLD_DEFAULT, name), *library;

	if (found != NULL)
		return found;
	library = local_library();
	return library == NULL ? NULL : dlsym(library, name);
}

static void *original(unsigned call)
{
	static void *known[CALL_COUNT];
	void *found = __atomic_load_n(&known[call], __ATOMIC_ACQUIRE), *library;

	if (found != NULL)
		return found;
	found = dlsym(RTLD_NEXT, calls[call].name);
	if (found == NULL) {
		found = dlsym(RTLD_DEFAULT, calls[call].name);
		if (found == calls[call].replacement)
			found = NULL;
	}
	if (found == NULL) {
		library = local_library();
		found = library == NULL ? NULL : dlsym(library, calls[call].name);
	}
	if (found == NULL)
		stub_say("there is no %s in this process: the call fails", calls[call].name);
	__atomic_store_n(&known[call], found, __ATOMIC_RELEASE);
	return found;
}

/* ---------------------------------------------------------------- Observing */

/* All below is protected by it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread bool has_lock;

static void take_lock(void)
{
	pthread_mutex_lock(&lock);
	has_lock = true;
}

static void release_lock(void)
{
	has_lock = false;
	pthread_mutex_unlock(&lock);
}

/* What the application has configured. */
static struct configured {
	uint64_t flags;
	uint16_t nb_vchans; /* 0: not seen */
	struct dmascope_dpdk_vchan *vchans;
	char driver[64]; /* not of the functions that replace those of the driver */
} configured[DEVICE_COUNT];

static const struct dmascope_observer *observer;
static size_t device_count = DEFAULT_DEVICE_COUNT;
static struct layout layout;
/* Preloaded: the loader has put the replacements in their places. */
static bool is_plugin;
/* Nothing is observed any more, and why has been said. */
static bool given_up;

static bool is_ours(int16_t id)
{
	return id >= 0 && id < DEVICE_COUNT;
}

/* The array, and its layout; NULL: not there, or not known. */
static void **fast_path_objects(void)
{
	void ***objects = find("rte_dma_fp_objs");
	Dl_info library;

	if (objects == NULL || *objects == NULL)
		return NULL;
	if (layout.stride == 0 && dladdr(original(START), &library) != 0)
		layout = stub_find_layout(*objects, device_count, library.dli_fbase);
	return *objects;
}

/* The library is beside this one, or where the loader finds it. */
static bool load_observer(void)
{
	const struct dmascope_observer *(*enter)(uint32_t);
	char path[PATH_MAX + sizeof("libdmadev.so.1")] = "";
	Dl_info own;
	char *slash;
	void *library = NULL;

	if (observer != NULL)
		return true;
	if (dladdr((void *)load_observer, &own) != 0 && own.dli_fname != NULL && strlen(own.dli_fname) < PATH_MAX) {
		strcpy(path, own.dli_fname);
		slash = strrchr(path, '/');
		if (slash != NULL) {
			strcpy(slash + 1, "libdmadev.so.1");
			library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
		}
	}
	if (library == NULL)
		library = dlopen("libdmadev.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (library == NULL) {
		stub_say("nothing is observed: %s", dlerror());
		return false;
	}
	*(void **)&enter = dlsym(library, "dmascope_observer");
	observer = enter == NULL ? NULL : enter(DMASCOPE_OBSERVER_VERSION);
	if (observer == NULL)
		stub_say("nothing is observed: libdmadev.so.1 is of another version than this library");
	return observer != NULL;
}

/* The name of the object that a driver's function is in, without librte_ and .so. */
static void set_driver_name(void *const *words, char *name, size_t size)
{
	Dl_info driver;
	const char *base;
	void *function = NULL;

	for (unsigned word = 1; word < 8 && function == NULL; word++)
		function = words[word];
	if (function == NULL || dladdr(function, &driver) == 0 || driver.dli_fname == NULL) {
		(void)snprintf(name, size, "unknown");
		return;
	}
	base = strrchr(driver.dli_fname, '/');
	base = base == NULL ? driver.dli_fname : base + 1;
	if (strncmp(base, "librte_", strlen("librte_")) == 0)
		base += strlen("librte_");
	(void)snprintf(name, size, "%.*s", (int)(strcspn(base, ".")), base);
}

static void attach(int16_t id)
{
	int (*info_get)(int16_t, struct info *);
	const char *(*runtime_directory)(void);
	struct configured *known;
	struct info info = { .dev_name = NULL };
	struct dmascope_dpdk_device device = { .id = id };
	const char *reason;
	void **objects;

	if (given_up)
		return;
	if (!is_ours(id)) {
		stub_say("device %d is not observed: only 0 to %d can be", id, DEVICE_COUNT - 1);
		return;
	}
	objects = fast_path_objects();
	*(void **)&info_get = find("rte_dma_info_get");
	if (objects == NULL || layout.stride == 0 || info_get == NULL) {
		given_up = true;
		stub_say("nothing is observed: this version of DPDK has a dmadev that is not known, or no free device number");
		return;
	}
	if (info_get(id, &info) != 0 || info.dev_name == NULL)
		return;
	if (!load_observer()) {
		given_up = true;
		return;
	}
	known = &configured[id];
	*(void **)&runtime_directory = find("rte_eal_get_runtime_dir");
	device.words = objects + (size_t)id * layout.stride;
	device.nb_words = layout.nb_words;
	device.nb_vchans = info.nb_vchans;
	device.vchans = known->nb_vchans == info.nb_vchans ? known->vchans : NULL;
	device.name = info.dev_name;
	if (!observer->is_attached(device.words, id))
		set_driver_name(device.words, known->driver, sizeof(known->driver));
	device.driver = known->driver;
	device.directory = runtime_directory == NULL ? "" : runtime_directory();
	*(void **)&device.stats_get = find("rte_dma_stats_get");
	device.find = find;
	device.capabilities = info.dev_capa;
	device.flags = known->flags;
	device.max_vchans = info.max_vchans;
	device.max_desc = info.max_desc;
	device.min_desc = info.min_desc;
	device.max_sges = info.max_sges;
	device.numa_node = info.numa_node;
	reason = observer->attach(&device);
	if (reason != NULL)
		stub_say("device %d (%s) is not observed: %s", id, info.dev_name, reason);
}

/* What rte_dma_conf says: a flag at byte 2, or flags at byte 8 since there are functions for enqueue and dequeue. */
static uint64_t configuration_flags(const uint8_t *conf)
{
	uint64_t flags = 0;

	if (layout.nb_words == 10)
		memcpy(&flags, conf + 8, sizeof(flags));
	else if (layout.nb_words == 8)
		flags = conf[2] != 0;
	return flags;
}

/* ---------------------------------------------------------------- The replacements */

static void patch_objects(void)
{
	if (is_plugin)
		stub_patch_objects(calls, CALL_COUNT);
}

static int missing(void)
{
	return -ENOTSUP;
}

static int observed_dev_max(size_t dev_max)
{
	int (*call)(size_t) = (int (*)(size_t))original(DEV_MAX);
	int result = call == NULL ? missing() : call(dev_max);

	if (result == 0) {
		take_lock();
		device_count = dev_max;
		release_lock();
	}
	return result;
}

static int observed_configure(int16_t dev_id, const void *conf)
{
	int (*call)(int16_t, const void *) = (int (*)(int16_t, const void *))original(CONFIGURE);
	int result = call == NULL ? missing() : call(dev_id, conf);

	if (result != 0 || conf == NULL || !is_ours(dev_id))
		return result;
	take_lock();
	patch_objects();
	if (fast_path_objects() != NULL) {
		struct configured *known = &configured[dev_id];

		free(known->vchans);
		memcpy(&known->nb_vchans, conf, sizeof(known->nb_vchans));
		known->flags = configuration_flags(conf);
		known->vchans = calloc(known->nb_vchans, sizeof(*known->vchans));
	}
	release_lock();
	return result;
}

static int observed_vchan_setup(int16_t dev_id, uint16_t vchan, const void *conf)
{
	int (*call)(int16_t, uint16_t, const void *) = (int (*)(int16_t, uint16_t, const void *))original(VCHAN_SETUP);
	int result = call == NULL ? missing() : call(dev_id, vchan, conf);

	if (result != 0 || conf == NULL || !is_ours(dev_id))
		return result;
	take_lock();
	if (configured[dev_id].vchans != NULL && vchan < configured[dev_id].nb_vchans) {
		struct dmascope_dpdk_vchan *known = &configured[dev_id].vchans[vchan];

		memcpy(&known->direction, conf, sizeof(known->direction));
		memcpy(&known->nb_desc, (const char *)conf + 4, sizeof(known->nb_desc));
	}
	release_lock();
	return result;
}

static int observed_start(int16_t dev_id)
{
	int (*call)(int16_t) = (int (*)(int16_t))original(START);
	int result = call == NULL ? missing() : call(dev_id);

	if (result == 0) {
		take_lock();
		attach(dev_id);
		release_lock();
	}
	return result;
}

static int observed_stop(int16_t dev_id)
{
	int (*call)(int16_t) = (int (*)(int16_t))original(STOP);
	int result = call == NULL ? missing() : call(dev_id);

	take_lock();
	if (result == 0 && observer != NULL && is_ours(dev_id))
		observer->detach(dev_id);
	release_lock();
	return result;
}

static int observed_close(int16_t dev_id)
{
	int (*call)(int16_t) = (int (*)(int16_t))original(CLOSE);
	int result = call == NULL ? missing() : call(dev_id);

	if (result != 0 || !is_ours(dev_id))
		return result;
	take_lock();
	free(configured[dev_id].vchans);
	memset(&configured[dev_id], 0, sizeof(configured[dev_id]));
	if (observer != NULL)
		observer->closed(dev_id);
	release_lock();
	return result;
}

static int observed_stats_reset(int16_t dev_id, uint16_t vchan)
{
	int (*call)(int16_t, uint16_t) = (int (*)(int16_t, uint16_t))original(STATS_RESET);
	int result = call == NULL ? missing() : call(dev_id, vchan);

	take_lock();
	if (result == 0 && observer != NULL && is_ours(dev_id))
		observer->reset(dev_id, vchan);
	release_lock();
	return result;
}

/* ---------------------------------------------------------------- Without control calls */

/* Some programs make no call that is seen: one that is linked statically with DPDK and exports its symbols, and a secondary
 * process, whose devices the primary process starts. A thread looks at the array of such a program. */
static struct {
	bool is_needed;
	bool is_static; /* the program itself has librte_dmadev */
	bool is_watched[DEVICE_COUNT];
} watcher;

#define SECONDARY 1 /* rte_eal_process_type() */
#define FIRST_PAUSE 1000 /* microseconds */
#define LAST_PAUSE 100000

/* Attaches new devices, and devices whose driver has set functions again. Returns false if there is nothing to do here. */
static bool look(void)
{
	int (*process_type)(void);
	void **objects;

	if (fast_path_objects() == NULL)
		return true;
	*(void **)&process_type = find("rte_eal_process_type");
	if (!watcher.is_static && (process_type == NULL || process_type() != SECONDARY))
		return false;
	if (layout.stride == 0)
		return !given_up;
	objects = fast_path_objects();
	for (int16_t id = 0; (size_t)id < device_count && is_ours(id); id++) {
		void **entry = objects + (size_t)id * layout.stride;
		struct info info = { .dev_name = NULL };
		int (*info_get)(int16_t, struct info *);

		if (entry[0] == NULL) {
			if (watcher.is_watched[id] && observer != NULL)
				observer->closed(id);
			watcher.is_watched[id] = false;
			continue;
		}
		/* Before it is configured, its driver may set other functions. */
		*(void **)&info_get = find("rte_dma_info_get");
		if ((watcher.is_watched[id] && observer != NULL && observer->is_attached(entry, id)) || info_get == NULL ||
		    info_get(id, &info) != 0 || info.nb_vchans == 0)
			continue;
		attach(id);
		watcher.is_watched[id] = true;
	}
	return !given_up;
}

static void *watch(void *unused)
{
	unsigned pause = FIRST_PAUSE;

	for (bool goes_on = true; goes_on;) {
		usleep(pause);
		/* Short after the program's start, when it makes its devices. */
		pause += pause < LAST_PAUSE ? pause / 1000 + 1 : 0;
		take_lock();
		goes_on = watcher.is_needed = look();
		release_lock();
	}
	return unused;
}

/* A child of fork has no other threads. */
static void start_watching(void)
{
	pthread_attr_t attributes;
	sigset_t all, kept;
	pthread_t thread;

	if (!watcher.is_needed || pthread_attr_init(&attributes) != 0)
		return;
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &kept);
	if (pthread_create(&thread, &attributes, watch, NULL) == 0)
		(void)pthread_setname_np(thread, "dmascope-watch");
	(void)pthread_sigmask(SIG_SETMASK, &kept, NULL);
	(void)pthread_attr_destroy(&attributes);
}

/* LTTng's library forks when libdmadev loads it, in a call that has the lock. */
static void lock_for_fork(void)
{
	if (!has_lock)
		pthread_mutex_lock(&lock);
}

static void unlock_after_fork(void)
{
	if (!has_lock)
		pthread_mutex_unlock(&lock);
}

static void go_on_in_child(void)
{
	if (has_lock)
		return;
	pthread_mutex_unlock(&lock);
	start_watching();
}

__attribute__((constructor)) static void begin(void)
{
	/* The scope of the program. RTLD_DEFAULT begins with that, but ends with a plug-in's own. */
	void *program = dlopen(NULL, RTLD_LAZY), *start = program == NULL ? NULL : dlsym(program, calls[START].name);
	Dl_info in, own;

	is_plugin = start != calls[START].replacement;
	watcher.is_static = is_plugin && start != NULL && dladdr(start, &in) != 0 &&
			    dladdr((void *)getauxval(AT_ENTRY), &own) != 0 && in.dli_fbase == own.dli_fbase;
	watcher.is_needed = watcher.is_static || dlsym(RTLD_DEFAULT, "rte_dma_fp_objs") != NULL;
	if (watcher.is_static)
		is_plugin = false;
	patch_objects();
	if (watcher.is_needed) {
		(void)pthread_atfork(lock_for_fork, unlock_after_fork, go_on_in_child);
		start_watching();
	}
}
