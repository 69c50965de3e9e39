#include "file.h"

#include <clinux_sync.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define MAPPING_COUNT 512
/* Files without a writer are kept so long, for a reader. */
#define KEPT_SECONDS 3600

/* Control calls only, one at a time. */
static struct {
	int descriptor; /* has the lock */
	char path[512];
	uint64_t size;
	struct observer_file_header *header;
	unsigned generation; /* of the file: 0: none yet */
	/* All that is shared with the file: for a child. */
	unsigned nb_mappings;
	struct {
		void *address;
		size_t size;
	} mappings[MAPPING_COUNT];
} file = { .descriptor = -1 };

static size_t whole_pages(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

/* A child has the parent's mappings: it gets memory of its own in their places, in which it counts for itself, and
 * gives up the lock. It has a file again when it starts a device. */
static void leave_to_parent(void)
{
	for (unsigned index = 0; index < file.nb_mappings; index++)
		(void)mmap(file.mappings[index].address, file.mappings[index].size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	file.nb_mappings = 0;
	if (file.descriptor >= 0)
		(void)close(file.descriptor);
	file.descriptor = -1;
	file.path[0] = '\0';
	file.header = NULL;
}

static void *map(uint64_t offset, size_t size)
{
	int flags = file.descriptor >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	void *memory;

	if (file.descriptor >= 0 && file.nb_mappings == MAPPING_COUNT) {
		errno = ENOMEM;
		return NULL;
	}
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, file.descriptor, file.descriptor >= 0 ? (off_t)offset : 0);
	if (memory == MAP_FAILED)
		return NULL;
	if (file.descriptor >= 0) {
		file.mappings[file.nb_mappings].address = memory;
		file.mappings[file.nb_mappings++].size = size;
	}
	return memory;
}

/* Removes files that were left behind. Whoever writes one has it locked. */
static void remove_old(int directory)
{
	int own = dup(directory);
	DIR *entries = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;

	if (entries == NULL) {
		if (own >= 0)
			(void)close(own);
		return;
	}
	while ((entry = readdir(entries)) != NULL) {
		struct stat status;
		int found;

		if (strncmp(entry->d_name, OBSERVER_FILE_PREFIX, strlen(OBSERVER_FILE_PREFIX)) != 0)
			continue;
		found = openat(directory, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (found < 0)
			continue;
		if (fstat(found, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
		    time(NULL) - status.st_mtime > KEPT_SECONDS && flock(found, LOCK_EX | LOCK_NB) == 0)
			(void)unlinkat(directory, entry->d_name, 0);
		(void)close(found);
	}
	(void)closedir(entries);
}

/* Waits for a reader who looks at this moment whether the file has a writer. */
static bool lock(int descriptor)
{
	for (int attempt = 0; attempt < 100; attempt++) {
		if (flock(descriptor, LOCK_EX | LOCK_NB) == 0)
			return true;
		usleep(1000);
	}
	return false;
}

/* Makes the file, locked, with room for its header: allocated, because a write to a mapping of a full file system ends
 * the process. */
static bool create(const char *directory)
{
	char name[64];
	int place = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), made;

	if (place < 0)
		return false;
	remove_old(place);
	(void)snprintf(name, sizeof(name), OBSERVER_FILE_PREFIX "%d", (int)getpid());
	/* One of an earlier process with this number. */
	(void)unlinkat(place, name, 0);
	made = openat(place, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (made >= 0 && (!lock(made) || posix_fallocate(made, 0, (off_t)file.size) != 0)) {
		(void)unlinkat(place, name, 0);
		(void)close(made);
		made = -1;
	}
	(void)close(place);
	if (made < 0)
		return false;
	file.descriptor = made;
	(void)snprintf(file.path, sizeof(file.path), "%s/%s", directory, name);
	return true;
}

bool observer_file_open(const char *directory)
{
	static bool prepared;
	const char *session = getenv(OBSERVER_SESSION_VARIABLE);

	if (file.header != NULL)
		return true;
	file.size = whole_pages(sizeof(struct observer_file_header));
	if (directory[0] == '\0' || !create(directory))
		dprintf(2, "dmascope: the counters are lost when the process ends: no file in %s\n",
			directory[0] == '\0' ? "an unknown run directory" : directory);
	file.header = map(0, file.size);
	if (file.header == NULL)
		return false;
	file.generation++;
	file.header->version = OBSERVER_FILE_VERSION;
	file.header->pid = (uint32_t)getpid();
	file.header->nanoseconds_per_4g_ticks = clinux_nanoseconds_per_4g_ticks();
	file.header->created = clinux_ticks();
	file.header->nb_devices = OBSERVER_DEVICE_COUNT;
	file.header->session = session == NULL ? 0 : (uint32_t)strtoul(session, NULL, 10);
	strncpy(file.header->program, program_invocation_short_name, sizeof(file.header->program) - 1);
	__atomic_store_n(&file.header->magic, OBSERVER_FILE_MAGIC, __ATOMIC_RELEASE);
	if (!prepared)
		(void)pthread_atfork(NULL, NULL, leave_to_parent);
	prepared = true;
	return true;
}

unsigned observer_file_generation(void)
{
	return file.header == NULL ? 0 : file.generation;
}

struct observer_file_header *observer_file_begin_change(void)
{
	__atomic_fetch_add(&file.header->sequence, 1, __ATOMIC_ACQ_REL);
	return file.header;
}

void observer_file_end_change(void)
{
	__atomic_fetch_add(&file.header->sequence, 1, __ATOMIC_RELEASE);
}

void *observer_file_add(size_t size, uint64_t *offset)
{
	void *memory;

	size = whole_pages(size);
	if (file.descriptor >= 0 && posix_fallocate(file.descriptor, (off_t)file.size, (off_t)size) != 0)
		return NULL;
	memory = map(file.size, size);
	if (memory == NULL)
		return NULL;
	*offset = file.size;
	file.size += size;
	return memory;
}

const char *observer_file_path(void)
{
	return file.path;
}

/* An orderly end: nobody needs the counts. After _exit, a signal or a crash the file stays. */
__attribute__((destructor)) static void remove_file(void)
{
	if (file.path[0] != '\0')
		(void)unlink(file.path);
}
