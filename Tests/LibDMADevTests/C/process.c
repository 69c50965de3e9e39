/* The library in a process: nothing happens before its first call, its threads take no signals, and what a process does
 * to itself (fork, dlclose) does no harm. */
#include "expect.h"

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int thread_count(void)
{
	int count = 0;
	DIR *tasks = opendir("/proc/self/task");

	for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

static volatile sig_atomic_t caught_by_main;
static pthread_t main_thread;

static void on_signal(int number)
{
	(void)number;
	caught_by_main = pthread_equal(pthread_self(), main_thread) ? 1 : -1;
}

static void *fail(void *arg)
{
	(void)arg;
	EXPECT(dmadev_close(99) == -EINVAL);
	return dmadev_error()[0] != '\0' ? (void *)1 : NULL;
}

int main(int argc, char **argv)
{
	char from[8] = "1234567", to[8] = "";
	void *handle, *failed;
	pthread_t other;
	int16_t id;
	int status;
	pid_t child;

	if (argc == 2)
		return strcmp(argv[1], "child") == 0 && dmadev_create("software") == 0 ? 0 : 1;
	EXPECT(thread_count() == 1);
	id = started_device("software,name=process", 32, 0);
	EXPECT(thread_count() > 1);

	/* The error is the thread's own. */
	EXPECT(pthread_create(&other, NULL, fail, NULL) == 0 && pthread_join(other, &failed) == 0 && failed != NULL);
	EXPECT(strcmp(dmadev_error(), "") == 0);

	main_thread = pthread_self();
	signal(SIGUSR1, on_signal);
	for (int index = 0; index < 1000; index++) {
		caught_by_main = 0;
		kill(getpid(), SIGUSR1);
		while (caught_by_main == 0)
			;
		if (caught_by_main != 1) {
			EXPECT(caught_by_main == 1);
			break;
		}
	}

	/* A child may exit, or exec and make devices of its own. */
	child = fork();
	if (child == 0)
		_exit(7);
	EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", argv[0], "child", (char *)NULL);
		_exit(8);
	}
	EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);

	/* Opened again, it is the same library, and closing that handle takes nothing away. */
	handle = dlopen("libdmadev.so", RTLD_NOW);
	EXPECT(handle != NULL && dlsym(handle, "dmadev_close") == dlsym(RTLD_DEFAULT, "dmadev_close"));
	EXPECT(handle != NULL && dlclose(handle) == 0);
	EXPECT(dmadev_copy(id, 0, (uintptr_t)from, (uintptr_t)to, 8, DMADEV_OP_FLAG_SUBMIT) == 0);
	while (dmadev_completed(id, 0, 1, NULL, NULL) == 0)
		;
	EXPECT(memcmp(from, to, 8) == 0);
	/* The process ends with the device running. */
	return failures == 0 ? 0 : 1;
}
