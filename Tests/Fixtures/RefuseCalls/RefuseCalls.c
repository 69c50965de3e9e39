/* refuse-calls CALL[,CALL...] PROGRAM ARGUMENTS...: runs a program on a system without some of its calls. A seccomp
 * filter, which children inherit, answers them as an older kernel or a container's profile does. In C, because prctl and
 * syscall are variadic. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By numbers: the C library's headers may be older. */
#define SO_PEERPIDFD_NUMBER 77
#define SYS_MEMFD_SECRET_NUMBER 447
#define USERFAULTFD_IOC_NEW_NUMBER 0xAA00

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "add the architecture's AUDIT_ARCH number"
#endif

/* A system call, with up to two arguments that it must have. */
struct refusal {
	const char *name;
	uint32_t number;
	uint32_t error;
	int count;
	struct {
		int index;
		uint32_t value;
	} arguments[2];
};

static const struct refusal refusals[] = {
	/* Linux 6.5 has it. */
	{ "peerpidfd", SYS_getsockopt, ENOPROTOOPT, 2, { { 1, SOL_SOCKET }, { 2, SO_PEERPIDFD_NUMBER } } },
	/* Only the identity of a process descriptor is read with it; Linux 6.9 has one. */
	{ "statx", SYS_statx, ENOSYS, 0, { { 0, 0 } } },
	/* Linux 6.5 has it by default. */
	{ "memfd-secret", SYS_MEMFD_SECRET_NUMBER, ENOSYS, 0, { { 0, 0 } } },
	{ "membarrier", SYS_membarrier, ENOSYS, 0, { { 0, 0 } } },
	/* The call, and the request to /dev/userfaultfd. */
	{ "userfaultfd", SYS_userfaultfd, EPERM, 0, { { 0, 0 } } },
	{ "userfaultfd", SYS_ioctl, EPERM, 1, { { 1, USERFAULTFD_IOC_NEW_NUMBER } } },
};

#define REFUSAL_COUNT (sizeof(refusals) / sizeof(refusals[0]))

static struct sock_filter program[512];
static unsigned short length;

static void add(struct sock_filter instruction)
{
	if (length == sizeof(program) / sizeof(program[0])) {
		fprintf(stderr, "refuse-calls: too many calls\n");
		exit(2);
	}
	program[length++] = instruction;
}

static void load(size_t offset)
{
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* Leaves the row unless the loaded word is the value. */
static void require(uint32_t value, int remaining)
{
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (uint8_t)remaining));
}

/* The arguments that are compared are ints, which the kernel takes from the low half of the register. */
static void refuse(const struct refusal *refusal)
{
	int remaining = 1 + 2 * refusal->count;

	load(offsetof(struct seccomp_data, nr));
	require(refusal->number, remaining);
	for (int i = 0; i < refusal->count; i++) {
		remaining -= 2;
		load(offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (size_t)refusal->arguments[i].index);
		require(refusal->arguments[i].value, remaining);
	}
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refusal->error));
}

static bool refuse_named(const char *name)
{
	bool is_known = false;

	for (size_t i = 0; i < REFUSAL_COUNT; i++) {
		if (strcmp(refusals[i].name, name) == 0) {
			refuse(&refusals[i]);
			is_known = true;
		}
	}
	return is_known;
}

int main(int count, char **arguments)
{
	struct sock_fprog filter = { .filter = program };

	if (count < 3) {
		fprintf(stderr, "usage: refuse-calls CALL[,CALL...] PROGRAM ARGUMENTS...\n");
		return 2;
	}
	/* The numbers of calls belong to one architecture. */
	load(offsetof(struct seccomp_data, arch));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	for (char *name = strtok(arguments[1], ","); name; name = strtok(NULL, ",")) {
		if (!refuse_named(name)) {
			fprintf(stderr, "refuse-calls: %s is not in the table\n", name);
			return 2;
		}
	}
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	filter.len = length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
		perror("refuse-calls");
		return 1;
	}
	execvp(arguments[2], &arguments[2]);
	perror(arguments[2]);
	return 1;
}
