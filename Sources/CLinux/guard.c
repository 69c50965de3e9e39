#include "clinux_guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "kernels.h"

/* The return point of the thread when its kernel faults.
 *
 * The five words of __builtin_setjmp, which saves no signal mask and costs about a nanosecond: the handler runs with
 * SA_NODEFER, so there is no mask to restore. ThreadSanitizer calls handlers from its own handler, which blocks
 * every signal and tracks the stack of each thread: the jump must be visible to it, and the mask must be restored. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define JUMP_IS_SEEN 1
#endif
#endif
#if defined(JUMP_IS_SEEN)
#include <setjmp.h>
typedef sigjmp_buf jump_buffer;
#define mark_jump(buffer) sigsetjmp(buffer, 1)
#define take_jump(buffer) siglongjmp(buffer, 1)
#else
typedef void *jump_buffer[5];
#define mark_jump(buffer) __builtin_setjmp(buffer)
#define take_jump(buffer) __builtin_longjmp(buffer, 1)
#endif

struct guard {
	jump_buffer jump;
	volatile bool armed;
	volatile int side;
	/* The current move. */
	const struct clinux_move *move;
};

/* initial-exec: accessed without a call that could allocate, so that a signal handler may use it. */
static _Thread_local struct guard guard __attribute__((tls_model("initial-exec")));

static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static const int signals[2] = { SIGSEGV, SIGBUS };

/* The guard is installed up to twice, with two handler functions; each stores the handler that it replaced. A
 * handler that the program installed in between may forward to the first one; that one forwards to the handler
 * before it, so that no fault is forwarded in a circle. */
static struct sigaction previous[2][2];

#if defined(__x86_64__)

/* The side that faulted, from the kind of access, if the processor reports it. */
static int faulting_side(const siginfo_t *info, const ucontext_t *context)
{
	(void)info;
	/* Bit 1 of a page fault's error code: a write. */
	if (context->uc_mcontext.gregs[REG_TRAPNO] == 14)
		return (context->uc_mcontext.gregs[REG_ERR] & 2) ? CLINUX_GUARD_DESTINATION : CLINUX_GUARD_SOURCE;
	/* Other faults have neither a code nor an address: an operand was not canonical, which means, on a processor
	 * with four levels of page tables, that it exceeded 47 bits. With five, it would have been a page fault. */
	const struct clinux_move *move = guard.move;

	return !move->is_fill && move->src + move->bytes > (1ULL << 47) ? CLINUX_GUARD_SOURCE : CLINUX_GUARD_DESTINATION;
}

#else

/* The side that faulted, from the range that contains the address. */
static int faulting_side(const siginfo_t *info, const ucontext_t *context)
{
	const struct clinux_move *move = guard.move;
	uint64_t address = (uint64_t)(uintptr_t)info->si_addr;

	(void)context;
	return address - move->dst < move->bytes ? CLINUX_GUARD_DESTINATION : CLINUX_GUARD_SOURCE;
}

#endif

static void pass_on(const struct sigaction *old, int number, siginfo_t *info, void *context)
{

	if (old->sa_flags & SA_SIGINFO) {
		old->sa_sigaction(number, info, context);
	} else if (old->sa_handler == SIG_DFL || (old->sa_handler == SIG_IGN && info->si_code > 0)) {
		/* Restore the default action, and the faulting instruction runs again: the fault ends the process. A
		 * signal sent by a process has no instruction to repeat. */
		struct sigaction fallback;

		memset(&fallback, 0, sizeof(fallback));
		fallback.sa_handler = SIG_DFL;
		sigaction(number, &fallback, NULL);
		if (info->si_code <= 0)
			raise(number);
	} else if (old->sa_handler != SIG_IGN) {
		old->sa_handler(number);
	}
}

/* Mapped files that others can make shorter. An entry is in use while its start is not NULL; the handler only reads. */
struct watched {
	unsigned char *start; /* atomic: written last */
	size_t length, page;
	int event;
	int is_lost; /* atomic */
};

static struct watched watched[CLINUX_GUARD_FILES];

/* Replaces the missing page of a watched file by one of zeros: the access runs again and succeeds. Whether it did.
 * Only a system call: it runs in a signal handler. */
static bool replace_page(const siginfo_t *info)
{
	uintptr_t address = (uintptr_t)info->si_addr;

	for (int i = 0; i < CLINUX_GUARD_FILES; i++) {
		struct watched *file = &watched[i];
		uintptr_t start = (uintptr_t)__atomic_load_n(&file->start, __ATOMIC_ACQUIRE);
		uint64_t one = 1;
		int saved = errno;
		long mapped;

		if (start == 0 || address - start >= file->length)
			continue;
		mapped = syscall(SYS_mmap, address & ~(file->page - 1), file->page, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		__atomic_store_n(&file->is_lost, 1, __ATOMIC_RELEASE);
		if (write(file->event, &one, sizeof(one)) < 0) { /* it is signaled already */
		}
		errno = saved;
		return mapped != -1;
	}
	return false;
}

int clinux_guard_watch_file(void *start, size_t length, size_t page, int event)
{
	int result = clinux_guard_install();

	if (result != 0)
		return -result;
	result = -ENOSPC;
	pthread_mutex_lock(&install_lock);
	for (int i = 0; i < CLINUX_GUARD_FILES && result < 0; i++) {
		if (watched[i].start != NULL)
			continue;
		watched[i].length = length;
		watched[i].page = page;
		watched[i].event = event;
		__atomic_store_n(&watched[i].is_lost, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&watched[i].start, (unsigned char *)start, __ATOMIC_RELEASE);
		result = i;
	}
	pthread_mutex_unlock(&install_lock);
	return result;
}

int clinux_guard_file_is_lost(int number)
{
	return __atomic_load_n(&watched[number].is_lost, __ATOMIC_ACQUIRE);
}

void clinux_guard_unwatch_file(int number)
{
	pthread_mutex_lock(&install_lock);
	__atomic_store_n(&watched[number].start, (unsigned char *)NULL, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&install_lock);
}

static void on_fault(int level, int number, siginfo_t *info, void *context)
{
	/* si_code > 0: the kernel reports an access; a process did not send the signal. */
	if (guard.armed && info->si_code > 0) {
		guard.armed = false;
		guard.side = faulting_side(info, context);
		take_jump(guard.jump);
	}
	if (number == SIGBUS && info->si_code > 0 && replace_page(info))
		return;
	pass_on(&previous[level][number == SIGBUS], number, info, context);
}

static void on_fault_below(int number, siginfo_t *info, void *context)
{
	on_fault(0, number, info, context);
}

static void on_fault_above(int number, siginfo_t *info, void *context)
{
	on_fault(1, number, info, context);
}

/* Installs the guard for one signal, at the free level: first the lower one, then the upper one above later
 * handlers. */
static int install(int which)
{
	static void (*const functions[2])(int, siginfo_t *, void *) = { on_fault_below, on_fault_above };
	static int installed[2];
	struct sigaction action, old;

	if (sigaction(signals[which], NULL, &old) != 0)
		return errno;
	for (int level = 0; level < installed[which]; level++)
		if ((old.sa_flags & SA_SIGINFO) && old.sa_sigaction == functions[level])
			return 0;
	if (installed[which] == 2)
		return 0;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = functions[installed[which]];
	action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
	sigemptyset(&action.sa_mask);
	previous[installed[which]][which] = old;
	if (sigaction(signals[which], &action, NULL) != 0)
		return errno;
	installed[which]++;
	return 0;
}

int clinux_guard_install(void)
{
	int result = 0;

	pthread_mutex_lock(&install_lock);
	for (int which = 0; which < 2 && result == 0; which++)
		result = install(which);
	pthread_mutex_unlock(&install_lock);
	return result;
}

/* The barriers prevent the compiler from moving an access of the kernel out of the guarded section. */
static void disarm(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	guard.armed = false;
}

static void arm(const struct clinux_move *move)
{
	guard.move = move;
	guard.armed = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void execute(uint64_t dst, uint64_t src, uint64_t bytes, bool is_fill)
{
	if (is_fill)
		kernel_fill((unsigned char *)(uintptr_t)dst, src, bytes);
	else
		kernel_move((unsigned char *)(uintptr_t)dst, (const unsigned char *)(uintptr_t)src, bytes);
}

__attribute__((noinline)) int clinux_guarded_move(const struct clinux_move *move)
{
	if (mark_jump(guard.jump) != 0)
		return guard.side;
	arm(move);
	execute(move->dst, move->src, move->bytes, move->is_fill);
	disarm();
	return CLINUX_GUARD_OK;
}

/* A range, and where in it a part of any length may start that a run can have. */
struct place {
	struct clinux_range range;
	uint64_t roomy;
};

static inline struct place make_place(struct clinux_range range, uint64_t most)
{
	return (struct place){ range, range.bytes > most ? range.bytes - most : 0 };
}

/* Whether a part is within a range; its address becomes that of this process. */
static inline bool resolve(uint64_t *address, uint64_t bytes, const struct place *place)
{
	uint64_t offset = *address - place->range.start;

	*address = place->range.address + offset;
	return __builtin_expect(offset < place->roomy, 1) ||
	       (offset < place->range.bytes && bytes <= place->range.bytes - offset);
}

static inline __attribute__((always_inline)) void run_jobs(const struct clinux_job *jobs, size_t count, uint64_t left,
							   const struct clinux_run *run, struct clinux_run_end *end,
							   bool is_fill)
{
	/* Local copies: the compiler would read members again after each store. */
	const uint64_t shape = run->shape, fixed = ~(run->varying | UINT32_MAX), mark = run->mark, rest = run->rest;
	const struct place to = make_place(run->dst, left), from = make_place(run->src, left);
	size_t index;

	for (index = 0; index < count; index++) {
		uint64_t src = __atomic_load_n(&jobs[index].src, __ATOMIC_RELAXED);
		uint64_t dst = __atomic_load_n(&jobs[index].dst, __ATOMIC_RELAXED);
		uint64_t own = __atomic_load_n(&jobs[index].shape, __ATOMIC_RELAXED);
		uint64_t bytes = (uint32_t)own;

		if (((own ^ shape) & fixed) != 0 || __atomic_load_n(&jobs[index].rest, __ATOMIC_RELAXED) != rest ||
		    bytes > left || !resolve(&dst, bytes, &to) || (!is_fill && !resolve(&src, bytes, &from)))
			break;
		if ((own & mark) != 0) {
			end->marks |= UINT64_C(1) << index;
			__builtin_prefetch(run->words + index);
		}
		/* What is known when the move faults. */
		end->count = index;
		end->bytes += bytes;
		end->failed.dst = dst, end->failed.src = src, end->failed.bytes = bytes;
		guard.armed = true;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		execute(dst, src, bytes, is_fill);
		disarm();
		left -= bytes;
	}
	end->count = index;
}

/* Functions of their own: beside mark_jump, the compiler would keep little in registers. */
static __attribute__((noinline)) void run_copies(const struct clinux_job *jobs, size_t count, uint64_t bytes,
						 const struct clinux_run *run, struct clinux_run_end *end)
{
	run_jobs(jobs, count, bytes, run, end, false);
}

static __attribute__((noinline)) void run_fills(const struct clinux_job *jobs, size_t count, uint64_t bytes,
						const struct clinux_run *run, struct clinux_run_end *end)
{
	run_jobs(jobs, count, bytes, run, end, true);
}

__attribute__((noinline)) int clinux_guarded_run(const struct clinux_job *jobs, size_t count, uint64_t bytes,
						 const struct clinux_run *run, struct clinux_run_end *end)
{
	*end = (struct clinux_run_end){ .failed.is_fill = run->is_fill };
	if (mark_jump(guard.jump) != 0) {
		end->bytes -= end->failed.bytes;
		end->failed.dst += run->dst.start - run->dst.address;
		if (!run->is_fill)
			end->failed.src += run->src.start - run->src.address;
		return guard.side;
	}
	guard.move = &end->failed;
	if (run->is_fill)
		run_fills(jobs, count, bytes, run, end);
	else
		run_copies(jobs, count, bytes, run, end);
	return CLINUX_GUARD_OK;
}

uint64_t clinux_memory_ticks(void)
{
	return kernel_time_memory();
}

__attribute__((noinline)) int clinux_guarded_large(uint64_t dst, uint64_t src, size_t bytes, uint64_t memory_ticks,
						   enum clinux_way *way)
{
	struct clinux_move move = { .dst = dst, .src = src, .bytes = bytes };

	if (mark_jump(guard.jump) != 0)
		return guard.side;
	arm(&move);
	kernel_copy_large((unsigned char *)(uintptr_t)dst, (const unsigned char *)(uintptr_t)src, bytes, memory_ticks, way);
	disarm();
	return CLINUX_GUARD_OK;
}
