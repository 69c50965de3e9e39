/* libdmadev: DMA devices for C and C++ programs.
 *
 * The calls and structures are those of DPDK's rte_dmadev.h 26.11, with the prefix dmadev_ for rte_dma_; what dmadev
 * has in addition says so. A program that includes rte_dmadev.h compiles with dmadev/compat/rte_dmadev.h instead.
 *
 * Life of a device: dmadev_create(), dmadev_configure(), dmadev_vchan_setup() for each channel, dmadev_start(); data
 * calls; dmadev_stop(), and configure again or dmadev_close().
 *
 * Results. Control calls return 0, or a number where this header says so, or a negative errno; each of them can
 * return -EINVAL for a device that does not exist. dmadev_error() gives the sentence that belongs to the error. Data
 * calls document their own. No call changes errno, writes to standard output, or raises a signal. Output parameters are
 * written on success only.
 *
 * Threads. Any thread may make control calls; those of one device wait for each other. Reading calls (info, stats,
 * status, dump) wait for none. Data calls are for one thread at a time per channel, and must not overlap a control call
 * of their device other than a reading one. Callbacks run on threads of the library, with all signals blocked. In a
 * child process after fork() only exec and _exit() are possible; a child makes its own devices after exec.
 *
 * Environment, read on the first call and not in programs with raised privileges:
 *   DMADEV_DEVICES    specifications, separated by semicolons, of devices that the library makes at once:
 *                     "software,name=dma0;controller,name=dma1". A wrong one is reported on standard error.
 *   DMADEV_TELEMETRY  a name: starts the telemetry server, as dmadev_telemetry_start() of dmadev_telemetry.h.
 */
#ifndef DMADEV_H
#define DMADEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- Library */

/* The version of the library, as "1.0.0". */
const char *dmadev_version(void);

/* Why the calling thread's last control call failed: a sentence that says what was wrong and what is allowed. "" before
 * a call failed. Valid until the thread's next failed call. */
const char *dmadev_error(void);

/* Makes a device from a specification, "DRIVER,KEY=VALUE,…", and adds it: "software,name=dma0,vchans=4". Drivers and
 * keys are those of `dmascope serve --device`; `dmascope serve --help` lists them.
 * Returns the device's number, at least 0. -EINVAL: the specification; -EEXIST: the name is in use; -ENOSPC: the maximum
 * number of devices; -ENOMEM; errors of the driver, for example -ECONNREFUSED without a controller. */
int dmadev_create(const char *specification);

/* Sets the maximum number of devices; 64 by default. -EINVAL: 0, more than 32,767, or after the first device. */
int dmadev_dev_max(size_t dev_max);

/* The number of the device with this name. */
int dmadev_get_dev_id_by_name(const char *name);

/* Whether a device has this number. */
bool dmadev_is_valid(int16_t dev_id);

/* The number of devices. */
uint16_t dmadev_count_avail(void);

/* The lowest device number that is at least start_dev_id; -1: none. */
int16_t dmadev_next_dev(int16_t start_dev_id);

/* Repeats a statement for each device number, in order. */
#define DMADEV_FOREACH_DEV(id) \
	for (id = dmadev_next_dev(0); id != -1; id = id == INT16_MAX ? -1 : dmadev_next_dev((int16_t)(id + 1)))

/* ---------------------------------------------------------------- Control */

/* Capabilities: bits of dev_capa. A bit is set only if the device implements the capability. */
#define DMADEV_CAPA_MEM_TO_MEM (1ULL << 0)
#define DMADEV_CAPA_MEM_TO_DEV (1ULL << 1)
#define DMADEV_CAPA_DEV_TO_MEM (1ULL << 2)
#define DMADEV_CAPA_DEV_TO_DEV (1ULL << 3)
/* Any virtual address of the process is an IOVA. */
#define DMADEV_CAPA_SVA (1ULL << 4)
/* Completions need not be polled. */
#define DMADEV_CAPA_SILENT (1ULL << 5)
/* A failed operation is reported and the device continues. */
#define DMADEV_CAPA_HANDLES_ERRORS (1ULL << 6)
/* The source buffer of a mem-to-dev operation is returned to its pool. */
#define DMADEV_CAPA_M2D_AUTO_FREE (1ULL << 7)
/* Strict priority between devices that share an engine. */
#define DMADEV_CAPA_PRI_POLICY_SP (1ULL << 8)
/* Memory of other processes, and of other operating systems. */
#define DMADEV_CAPA_INTER_PROCESS_DOMAIN (1ULL << 9)
#define DMADEV_CAPA_INTER_OS_DOMAIN (1ULL << 10)
#define DMADEV_CAPA_OPS_COPY (1ULL << 32)
#define DMADEV_CAPA_OPS_COPY_SG (1ULL << 33)
#define DMADEV_CAPA_OPS_FILL (1ULL << 34)
/* Operations as structures: dmadev_enqueue_ops() and dmadev_dequeue_ops(). */
#define DMADEV_CAPA_OPS_ENQ_DEQ (1ULL << 35)

/* The short name of one capability, "copy_sg"; NULL for an undefined bit, none, or several. */
const char *dmadev_capability_name(uint64_t capability);

struct dmadev_info {
	const char *dev_name; /* valid until the device is closed */
	uint64_t dev_capa; /* DMADEV_CAPA_* */
	uint16_t max_vchans;
	uint16_t max_desc; /* descriptors per channel */
	uint16_t min_desc;
	uint16_t max_sges; /* entries per list */
	int16_t numa_node; /* -1: unknown */
	uint16_t nb_vchans; /* configured; 0: not configured */
	uint16_t nb_priorities; /* 0: no priorities */
	uint16_t nb_access_groups; /* of the device's controller */
	uint16_t controller_id; /* 0xFFFF: none or unknown */
	uint16_t reserved0;
	const char *driver_name; /* not in DPDK */
	uint64_t reserved[4]; /* 0 */
};

/* -EINVAL: info is NULL. */
int dmadev_info_get(int16_t dev_id, struct dmadev_info *info);

/* Modes of a device. */
#define DMADEV_CFG_FLAG_SILENT (1ULL << 0) /* completions are not polled */
#define DMADEV_CFG_FLAG_ENQ_DEQ (1ULL << 1) /* operations are structures */

struct dmadev_conf {
	uint16_t nb_vchans; /* 1 to max_vchans */
	uint16_t priority; /* 0 is the highest; less than nb_priorities, 0 if the device has none */
	uint32_t reserved0; /* 0 */
	uint64_t flags; /* DMADEV_CFG_FLAG_* */
};

/* Removes the set-up of all channels. -EINVAL: a value that the device does not support; -EBUSY: it is started. */
int dmadev_configure(int16_t dev_id, const struct dmadev_conf *conf);

/* Does nothing if the device is started. -EINVAL: not configured, or a channel is not set up. */
int dmadev_start(int16_t dev_id);

/* The running operation finishes, operations behind it end with DMADEV_STATUS_USER_ABORT, those whose doorbell was not
 * rung are dropped. Does nothing if the device is stopped. */
int dmadev_stop(int16_t dev_id);

/* Removes the device. When it returns, the device has left its access groups and no callback of it runs, except one
 * that made this call. -EBUSY: it is started. */
int dmadev_close(int16_t dev_id);

enum dmadev_direction {
	DMADEV_DIR_MEM_TO_MEM,
	DMADEV_DIR_MEM_TO_DEV,
	DMADEV_DIR_DEV_TO_MEM,
	DMADEV_DIR_DEV_TO_DEV
};

enum dmadev_port_type {
	DMADEV_PORT_NONE,
	DMADEV_PORT_PCIE
};

/* The layout of struct rte_dma_port_param: 40 bytes. The bit fields of DPDK's `pcie` are the 64 bits here, from bit 0:
 * coreid 4, pfid 8, vfen 1, vfid 16, pasid 20, attr 3, ph 2; st has the first 16 of the next 64. */
struct dmadev_port {
	enum dmadev_port_type port_type;
	uint32_t reserved0;
	uint64_t pcie[2]; /* DMADEV_PCIE() */
	uint64_t reserved[2];
};

/* pcie[0] of a port. A virtual function is there when vfen is 1. */
#define DMADEV_PCIE(coreid, pfid, vfen, vfid, pasid, attr, ph)                                       \
	(((uint64_t)(coreid)&0xF) | ((uint64_t)(pfid)&0xFF) << 4 | ((uint64_t)(vfen)&1) << 12 |     \
	 ((uint64_t)(vfid)&0xFFFF) << 13 | ((uint64_t)(pasid)&0xFFFFF) << 29 |                     \
	 ((uint64_t)(attr)&7) << 49 | ((uint64_t)(ph)&3) << 52)

/* Which addresses of a channel are of another domain. */
enum dmadev_inter_domain_type {
	DMADEV_INTER_DOMAIN_NONE,
	DMADEV_INTER_PROCESS_DOMAIN,
	DMADEV_INTER_OS_DOMAIN
};

struct dmadev_inter_domain {
	enum dmadev_inter_domain_type type;
	uint16_t src_handler; /* of the member of an access group that has the source memory; 0: the caller */
	uint16_t dst_handler; /* of the one that has the destination memory */
	uint64_t reserved[2];
};

struct dmadev_vchan_conf {
	enum dmadev_direction direction;
	uint16_t nb_desc; /* min_desc to max_desc */
	uint16_t reserved0;
	struct dmadev_port src_port; /* where the direction begins at a device */
	struct dmadev_port dst_port; /* where it ends at one */
	void *auto_free_pool; /* mem-to-dev: the pool of source buffers with DMADEV_OP_FLAG_AUTO_FREE; see
				 dmadev_set_pool_free() */
	uint64_t reserved1[2];
	struct dmadev_inter_domain domain; /* mem-to-mem only */
};

/* vchan: 0 to the configured number minus 1. A second call replaces the first. -EINVAL: a value that the device does
 * not support, a handler that is not valid; -EBUSY: the device is started. */
int dmadev_vchan_setup(int16_t dev_id, uint16_t vchan, const struct dmadev_vchan_conf *conf);

/* How source buffers with the auto-free flag return to their pool; without it, no device has
 * DMADEV_CAPA_M2D_AUTO_FREE.
 * Called on the engine's thread when the operation has ended, with any status, before its completion is visible; after
 * dmadev_stop() for those it aborts. It must not block or call the device. NULL: removed. */
typedef void (*dmadev_pool_free_t)(void *pool, uint64_t addr, void *arg);
void dmadev_set_pool_free(dmadev_pool_free_t function, void *arg);

/* ---------------------------------------------------------------- Statistics */

struct dmadev_stats {
	uint64_t submitted; /* operations made visible by a doorbell */
	uint64_t completed; /* finished, failures included */
	uint64_t errors; /* with a status other than successful, aborted ones included */
};

/* All channels of a device. */
#define DMADEV_ALL_VCHAN 0xFFFFu

/* Since the last reset. vchan: a configured channel, or DMADEV_ALL_VCHAN for the sum. */
int dmadev_stats_get(int16_t dev_id, uint16_t vchan, struct dmadev_stats *stats);

/* Does not change the counters of dmadev_xstats_get(). */
int dmadev_stats_reset(int16_t dev_id, uint16_t vchan);

/* A counter since the device was made, not in DPDK. The strings are constant. */
struct dmadev_xstat {
	const char *name; /* as in /dmadev/xstats */
	const char *unit; /* "operations", "bytes", "nanoseconds", … */
	const char *help; /* one sentence */
	uint64_t value;
};

/* Reads up to nb counters of one channel, in constant order. Returns how many there are: call it with 0 to know.
 * -ENOTSUP: the driver has none. */
int dmadev_xstats_get(int16_t dev_id, uint16_t vchan, struct dmadev_xstat *xstats, uint32_t nb);

enum dmadev_vchan_status {
	DMADEV_VCHAN_IDLE, /* everything that was rung is finished and can be polled */
	DMADEV_VCHAN_ACTIVE,
	DMADEV_VCHAN_HALTED_ERROR /* the engine or the controller has ended */
};

int dmadev_vchan_status(int16_t dev_id, uint16_t vchan, enum dmadev_vchan_status *status);

/* Writes a description for people. */
int dmadev_dump(int16_t dev_id, FILE *file);

/* ---------------------------------------------------------------- Memory */

/* Maps memory of the process for a device without DMADEV_CAPA_SVA; with it, the IOVA is the address and nothing is
 * mapped. *iova: the address for the device, or UINT64_MAX and the device chooses; then it is written.
 * -EINVAL: empty, or wraps, or iova differs from the address with SVA; -EEXIST: overlaps a mapping. */
int dmadev_dma_map(int16_t dev_id, void *addr, size_t length, uint64_t *iova);

/* When it returns, the device no longer accesses the memory. -EINVAL: no mapping begins there. */
int dmadev_dma_unmap(int16_t dev_id, uint64_t iova);

/* Memory that dmadev_dma_map() of this device accepts with any driver: whole pages, zeroed, not mapped yet. The devices
 * of a controller, whose engine is in another process, accept no other. */
int dmadev_buffer_alloc(int16_t dev_id, size_t length, void **addr);

/* Frees it; it must not be mapped or in use. -EINVAL: not from dmadev_buffer_alloc(). */
int dmadev_buffer_free(void *addr);

/* ---------------------------------------------------------------- Access groups */

/* A group lets domains (processes or operating systems) move data between each other's memory. Its creator gives number
 * and token to the others over a secure channel; who joins gets a handler, which dmadev_inter_domain and operation flags
 * take. Members open windows: the memory that the others may access.
 *
 * All calls: -EINVAL: the device has no domain capability, or the number is out of range; -ENOTSUP: its driver has no
 * access groups; -EACCES: not a member. domain: 16 bytes that identify the caller in the group; NULL: the same random
 * value for all calls of the process. token: 16 bytes. */
#define DMADEV_DOMAIN_LENGTH 16
#define DMADEV_TOKEN_LENGTH 16

/* limit: members with the creator, 2 at least. -ENOSPC: all numbers are in use. */
int dmadev_access_group_create(int16_t dev_id, const uint8_t *domain, const uint8_t *token, uint16_t limit,
			       int16_t *group_id);
/* *handler: the caller's; may be NULL. -EACCES: the token, or there is no such group; -EEXIST: another process is in it
 * with this domain; -ENOSPC: it is full. */
int dmadev_access_group_join(int16_t dev_id, int16_t group_id, const uint8_t *domain, const uint8_t *token,
			     uint16_t *handler);
/* -EPERM: the creator, which must destroy it. */
int dmadev_access_group_leave(int16_t dev_id, int16_t group_id);
/* -EPERM: not the creator; -EBUSY: it has other members. */
int dmadev_access_group_destroy(int16_t dev_id, int16_t group_id);
/* Returns the number of members, at least 1. */
int dmadev_access_group_size_get(int16_t dev_id, int16_t group_id);

struct dmadev_access_group_member {
	uint8_t domain[DMADEV_DOMAIN_LENGTH];
	uint16_t handler;
	bool is_creator;
	uint8_t reserved[5];
};

/* Writes up to nb members in the order of joining. Returns how many there are. */
int dmadev_access_group_get(int16_t dev_id, int16_t group_id, struct dmadev_access_group_member *members,
			    uint16_t nb);
/* The handler of a domain. -ENOENT: it is not in the group. */
int dmadev_access_group_handler_get(int16_t dev_id, int16_t group_id, const uint8_t *domain, uint16_t *handler);

enum dmadev_group_event {
	DMADEV_GROUP_EVENT_JOINED, /* a domain has joined */
	DMADEV_GROUP_EVENT_LEFT, /* a domain has left, or its process has ended */
	DMADEV_GROUP_EVENT_DESTROYED, /* the group has ended */
	DMADEV_GROUP_EVENT_WINDOW_OPENED,
	DMADEV_GROUP_EVENT_WINDOW_CLOSED
};

/* A callback of a pair group. It may call the library. */
typedef void (*dmadev_pair_group_callback_t)(int16_t dev_id, int16_t group_id, const uint8_t *domain,
					     enum dmadev_group_event event, void *arg);

/* Groups of two. callback may be NULL. */
int dmadev_access_pair_group_create(int16_t dev_id, const uint8_t *domain, const uint8_t *token,
				    dmadev_pair_group_callback_t callback, void *arg, int16_t *group_id);
int dmadev_access_pair_group_join(int16_t dev_id, int16_t group_id, const uint8_t *domain, const uint8_t *token,
				  dmadev_pair_group_callback_t callback, void *arg, uint16_t *handler);
int dmadev_access_pair_group_leave(int16_t dev_id, int16_t group_id);
int dmadev_access_pair_group_destroy(int16_t dev_id, int16_t group_id);
int dmadev_access_pair_group_handler_get(int16_t dev_id, int16_t group_id, const uint8_t *domain, uint16_t *handler);

/* Events of all groups of a device; enum rte_dma_event. */
enum dmadev_event {
	DMADEV_EVENT_ACCESS_TABLE_UPDATE = 0,
	DMADEV_EVENT_ACCESS_TABLE_DESTROY = 1
};

typedef void (*dmadev_event_callback_t)(int16_t dev_id, enum dmadev_event event, void *arg);

/* Called for changes of other members, each once, in order. -EEXIST: registered already with this argument. */
int dmadev_event_callback_register(int16_t dev_id, enum dmadev_event event, dmadev_event_callback_t callback,
				   void *arg);
/* When it returns, the callback does not run and is not called again, except that one that unregisters itself runs to
 * its end. Do not hold a lock that the callback takes. -ENOENT: not registered. */
int dmadev_event_callback_unregister(int16_t dev_id, enum dmadev_event event, dmadev_event_callback_t callback,
				     void *arg);

/* Rights of the other members. */
#define DMADEV_WINDOW_READ (1U << 0)
#define DMADEV_WINDOW_WRITE (1U << 1)

struct dmadev_window {
	uint64_t iova; /* the address for transfers, with the owner's handler */
	uint64_t length;
	uint32_t rights;
	uint16_t handler; /* the owner's */
	uint16_t reserved;
};

/* Opens a window over memory of the caller: of fd from offset on if fd is not -1, which must then be mapped at addr.
 * window: may be NULL. -EINVAL: an empty range, no right; -EEXIST: overlaps a window; -ENOSPC: too many. */
int dmadev_access_group_window_register(int16_t dev_id, int16_t group_id, void *addr, size_t length, int fd,
					uint64_t offset, uint32_t rights, struct dmadev_window *window);
/* When it returns, nobody accesses the memory for other members. -EINVAL: no window begins there. */
int dmadev_access_group_window_unregister(int16_t dev_id, uint64_t iova);
/* Writes up to nb windows, those of the caller included. Returns how many there are. */
int dmadev_access_group_windows(int16_t dev_id, int16_t group_id, struct dmadev_window *windows, uint32_t nb);

/* ---------------------------------------------------------------- External memory */

/* Regions of memory that the process knows with its pages, their IOVAs, and the dma-buf or memfd behind it, so that
 * devices can use it and other processes can attach it. A region is named by any address in it; -ENOENT: there is none.
 */

/* The IOVA of a page that no device reaches: operations on it fail with a status. */
#define DMADEV_BAD_IOVA UINT64_MAX

/* Registers memory. addr, length: multiples of page_size, not 0. iovas: one for each page, each a multiple of page_size or
 * DMADEV_BAD_IOVA; n_pages 0: none. page_size: a power of two.
 * -EINVAL: an argument outside these rules; -EEXIST: overlaps a region; -ENOSPC: too many. */
int dmadev_extmem_register(void *addr, size_t length, const uint64_t *iovas, uint32_t n_pages, size_t page_size);

/* The same for memory that maps a dma-buf, or a memfd sealed against shrinking, from offset on. The descriptor is
 * duplicated. -EINVAL also: another kind of file, or addr does not map it; -EBADF: not open. */
int dmadev_extmem_register_dmabuf(void *addr, size_t length, int fd, uint64_t offset, const uint64_t *iovas,
				  uint32_t n_pages, size_t page_size);

/* Removes the region with exactly these addresses. The memory stays. -EBUSY: in use; dmadev_error() says by whom. */
int dmadev_extmem_unregister(void *addr, size_t length);

struct dmadev_extmem_info {
	void *addr;
	size_t length;
	size_t page_size;
	int fd; /* lent until the region is removed; -1: it has no file */
	bool is_attached; /* by dmadev_extmem_receive() */
	uint8_t reserved0[3];
	uint64_t offset; /* of addr in the file */
	uint64_t inode; /* of the file; 0: none */
	uint64_t reserved[4]; /* 0 */
};

int dmadev_extmem_info_get(const void *addr, struct dmadev_extmem_info *info);
/* A duplicate of the region's descriptor, close-on-exec, which the caller closes. -ENOTSUP: it has no file. */
int dmadev_extmem_dup_fd(const void *addr);
/* The IOVA of an address; DMADEV_BAD_IOVA: its page has none. */
int dmadev_extmem_iova_get(const void *addr, uint64_t *iova);

/* Sends a region to the process at the other end of a connected SOCK_SEQPACKET socket, which receives and maps it at an
 * address of its own. -ENOTSUP: a region without a file; -EPIPE and other errors of the socket. */
int dmadev_extmem_send(const void *addr, int socket);
int dmadev_extmem_receive(int socket, void **addr, size_t *length);
/* Unmaps a received region. -EBUSY: in use. */
int dmadev_extmem_detach(void *addr);

enum dmadev_extmem_event {
	DMADEV_EXTMEM_REGISTERED, /* or attached */
	DMADEV_EXTMEM_UNREGISTERING /* the getters still work */
};

/* Runs on the thread that changes the regions, inside that call; it may make any call. */
typedef void (*dmadev_extmem_callback_t)(enum dmadev_extmem_event event, void *addr, size_t length, void *arg);

/* -EEXIST: registered already with this argument. */
int dmadev_extmem_callback_register(dmadev_extmem_callback_t callback, void *arg);
/* -ENOENT: not registered. */
int dmadev_extmem_callback_unregister(dmadev_extmem_callback_t callback, void *arg);

/* Maps the whole region for a device. *iova: its first address, or UINT64_MAX: its own IOVAs, or the device chooses; then
 * it is written. */
int dmadev_extmem_map(int16_t dev_id, const void *addr, uint64_t *iova);
int dmadev_extmem_unmap(int16_t dev_id, const void *addr);

/* ---------------------------------------------------------------- Interconnects */

/* An attachment lets a device use the memory of an exporter over the best interconnect that both have, until its exporter
 * revokes it. Here the exporter is a region; attachments have numbers from 1. -ENOENT: no such attachment. */

enum dmadev_mapping_direction {
	DMADEV_MAP_BIDIRECTIONAL,
	DMADEV_MAP_TO_DEVICE, /* the device reads */
	DMADEV_MAP_FROM_DEVICE /* the device writes */
};

enum dmadev_attachment_state {
	DMADEV_ATTACHMENT_ATTACHED,
	DMADEV_ATTACHMENT_MAPPED,
	DMADEV_ATTACHMENT_REVOKING,
	DMADEV_ATTACHMENT_DEAD
};

struct dmadev_range {
	uint64_t iova; /* for operations of the device, with SVA too */
	uint64_t length;
	uint16_t handler; /* the handler for operations; 0: none */
	uint16_t reserved[3];
};

/* -EOPNOTSUPP: no interconnect reaches the memory, or the device cannot lose it again. */
int dmadev_attach(int16_t dev_id, const void *addr, uint64_t *attachment);
/* Writes up to nb ranges, which cover the memory in order. Returns how many there are. -EBUSY: mapped already;
 * -ENODEV: revoked. */
int dmadev_attachment_map(uint64_t attachment, enum dmadev_mapping_direction direction, struct dmadev_range *ranges,
			  uint32_t nb);
int dmadev_attachment_unmap(uint64_t attachment);
/* By the exporter: when it returns, every operation over the attachment fails. -ETIMEDOUT: the device still uses it after
 * the timeout, in milliseconds; it goes on, and a further call waits again. */
int dmadev_attachment_revoke(uint64_t attachment, uint32_t timeout);
int dmadev_attachment_state(uint64_t attachment, enum dmadev_attachment_state *state);
/* The interconnect's name, "system_memory"; NULL: no such attachment. */
const char *dmadev_attachment_interconnect(uint64_t attachment);
/* Unmaps it if it is mapped, and ends it; its number is not used again. */
int dmadev_detach(uint64_t attachment);

/* ---------------------------------------------------------------- Data */

/* Flags of an operation. */
#define DMADEV_OP_FLAG_FENCE (1ULL << 0) /* after all earlier operations have finished */
#define DMADEV_OP_FLAG_SUBMIT (1ULL << 1) /* ring the doorbell with it */
#define DMADEV_OP_FLAG_LLC (1ULL << 2) /* hint: write to the last-level cache */
#define DMADEV_OP_FLAG_AUTO_FREE (1ULL << 3) /* return the source buffer to its pool */
/* The side's memory is of a member of an access group: the kind of domain, and the member's handler at the shift.
 * Overrides the channel's domain. */
#define DMADEV_OP_SRC_PROCESS (1ULL << 4)
#define DMADEV_OP_DST_PROCESS (1ULL << 5)
#define DMADEV_OP_SRC_OS (1ULL << 6)
#define DMADEV_OP_DST_OS (1ULL << 7)
#define DMADEV_OP_SRC_HANDLER_SHIFT 32
#define DMADEV_OP_DST_HANDLER_SHIFT 48

/* The status of an operation; enum rte_dma_status_code. */
enum dmadev_status_code {
	DMADEV_STATUS_SUCCESSFUL = 0,
	DMADEV_STATUS_USER_ABORT = 1, /* the device was stopped */
	DMADEV_STATUS_NOT_ATTEMPTED = 2, /* after a fence behind a failed operation */
	DMADEV_STATUS_INVALID_SRC_ADDR = 3,
	DMADEV_STATUS_INVALID_DST_ADDR = 4,
	DMADEV_STATUS_INVALID_ADDR = 5,
	DMADEV_STATUS_INVALID_LENGTH = 6,
	DMADEV_STATUS_INVALID_OPCODE = 7,
	DMADEV_STATUS_BUS_READ_ERROR = 8,
	DMADEV_STATUS_BUS_WRITE_ERROR = 9,
	DMADEV_STATUS_BUS_ERROR = 10,
	DMADEV_STATUS_DATA_POISON = 11,
	DMADEV_STATUS_DESCRIPTOR_READ_ERROR = 12,
	DMADEV_STATUS_DEV_LINK_ERROR = 13,
	DMADEV_STATUS_PAGE_FAULT = 14,
	DMADEV_STATUS_ERROR_UNKNOWN = 0x100
};

/* The short name of a status, "page_fault"; "unknown" for an undefined one. */
const char *dmadev_status_name(enum dmadev_status_code status);

/* One entry of a scatter-gather list; struct rte_dma_sge. */
struct dmadev_sge {
	uint64_t addr;
	uint32_t length; /* bytes; may be 0 */
	uint32_t reserved;
};

/* One operation as a structure, for dmadev_enqueue_ops() and dmadev_dequeue_ops(); struct rte_dma_op. Its nb_src source
 * entries (struct dmadev_sge) and then its nb_dst destination entries follow in memory. */
struct dmadev_op {
	uint64_t flags;
	void *op_mp; /* the pool of the structure; not used */
	uint32_t status; /* enum dmadev_status_code; set when it is dequeued */
	uint32_t rsvd;
	uint64_t impl_opaque[2]; /* for the driver while the operation is enqueued */
	uint64_t user_meta; /* for the application */
	uint64_t event_meta; /* for the application */
	int16_t dma_dev_id;
	uint16_t vchan;
	uint16_t nb_src;
	uint16_t nb_dst;
};

/* Two words of a channel, which are equal when no finished operation is left to take. They only grow; their low 16 bits
 * are the ring index after the last operation. */
struct dmadev_poll_words {
	const uint64_t *finished; /* written by the engine */
	const uint64_t *taken; /* written by completed and completed_status */
};

/* The channels of a started device whose polls cannot fail. */
struct dmadev_polls {
	const struct dmadev_poll_words *channels;
	const volatile int *recorded; /* not 0: a session records every poll */
	uint32_t nb_channels; /* 0: none */
	uint32_t reserved;
};

/* Whether a poll may read the words of a channel instead of calling a function. */
static inline bool dmadev_poll_is_direct(const struct dmadev_polls *polls, uint16_t vchan)
{
	return vchan < polls->nb_channels && *polls->recorded == 0;
}

/* Whether such a poll finds nothing; then it is done, and *last_idx is set. */
static inline bool dmadev_poll_is_empty(const struct dmadev_polls *polls, uint16_t vchan, uint16_t *last_idx)
{
	const struct dmadev_poll_words *words = &polls->channels[vchan];
	uint64_t taken = __atomic_load_n(words->taken, __ATOMIC_RELAXED);

	if (__atomic_load_n(words->finished, __ATOMIC_RELAXED) != taken)
		return false;
	*last_idx = (uint16_t)(taken - 1);
	return true;
}

/* The functions behind the data calls of one device, at the places of struct rte_dma_fp_object: 128 bytes. */
struct dmadev_fp_object {
	void *dev_private;
	int (*copy)(void *dev_private, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length, uint64_t flags);
	int (*copy_sg)(void *dev_private, uint16_t vchan, const struct dmadev_sge *src, const struct dmadev_sge *dst,
		       uint16_t nb_src, uint16_t nb_dst, uint64_t flags);
	int (*fill)(void *dev_private, uint16_t vchan, uint64_t pattern, uint64_t dst, uint32_t length,
		    uint64_t flags);
	int (*submit)(void *dev_private, uint16_t vchan);
	uint16_t (*completed)(void *dev_private, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx,
			      bool *has_error);
	uint16_t (*completed_status)(void *dev_private, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx,
				     enum dmadev_status_code *status);
	uint16_t (*burst_capacity)(const void *dev_private, uint16_t vchan);
	uint16_t (*enqueue)(void *dev_private, uint16_t vchan, struct dmadev_op **ops, uint16_t nb_ops);
	uint16_t (*dequeue)(void *dev_private, uint16_t vchan, struct dmadev_op **ops, uint16_t nb_ops);
	const struct dmadev_polls *polls;
	void *reserved[5];
};

/* By device number; entries without a device refuse all calls. At least 64 entries, or the maximum that
 * dmadev_dev_max() has set. */
extern struct dmadev_fp_object *dmadev_fp_objs;

/* Enqueues; returns the operation's ring index: 0 to 65,535, from 0 after each start, then around.
 * -ENOSPC: every descriptor is in use; -EINVAL: the device is not started, no such channel, a length of 0, a flag that
 * the device does not support; -ENOTSUP: it does not have the operation; -EIO: it is halted. Addresses are IOVAs. They
 * are checked when the operation runs: a wrong one is its status. */
static inline int dmadev_copy(int16_t dev_id, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length,
			      uint64_t flags)
{
	const struct dmadev_fp_object *object = &dmadev_fp_objs[dev_id];

	return object->copy(object->dev_private, vchan, src, dst, length, flags);
}

/* A copy between two lists with the same total length, split in any way. -EINVAL also: more than max_sges entries,
 * different totals. */
static inline int dmadev_copy_sg(int16_t dev_id, uint16_t vchan, const struct dmadev_sge *src,
				 const struct dmadev_sge *dst, uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	const struct dmadev_fp_object *object = &dmadev_fp_objs[dev_id];

	return object->copy_sg(object->dev_private, vchan, src, dst, nb_src, nb_dst, flags);
}

/* Repeats the 8 bytes of the pattern, lowest byte first; the last repetition may be cut. */
static inline int dmadev_fill(int16_t dev_id, uint16_t vchan, uint64_t pattern, uint64_t dst, uint32_t length,
			      uint64_t flags)
{
	const struct dmadev_fp_object *object = &dmadev_fp_objs[dev_id];

	return object->fill(object->dev_private, vchan, pattern, dst, length, flags);
}

/* Rings the doorbell: the device may run what is enqueued. 0 or a negative errno. */
static inline int dmadev_submit(int16_t dev_id, uint16_t vchan)
{
	const struct dmadev_fp_object *object = &dmadev_fp_objs[dev_id];

	return object->submit(object->dev_private, vchan);
}

/* Takes up to nb_cpls successful operations off the ring and returns their number, 0 also on an error of the call.
 * last_idx: the ring index of the last one, or of the one before if there is none. has_error: a failed operation is
 * next. Both may be NULL. */
static inline uint16_t dmadev_completed(int16_t dev_id, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx,
					bool *has_error)
{
	const struct dmadev_fp_object *object = &dmadev_fp_objs[dev_id];
	uint16_t index;
	bool error;

	if (last_idx == NULL)
		last_idx = &index;
	if (has_error == NULL)
		has_error = &error;
	*has_error = false;
	if (dmadev_poll_is_direct(object->polls, vchan) && dmadev_poll_is_empty(object->polls, vchan, last_idx))
		return 0;
	return object->completed(object->dev_private, vchan, nb_cpls, last_idx, has_error);
}

/* Takes up to nb_cpls finished operations off the ring, with their statuses. */
static inline uint16_t dmadev_completed_status(int16_t dev_id, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx,
					       enum dmadev_status_code *status)
{
	const struct dmadev_fp_object *object = &dmadev_fp_objs[dev_id];
	uint16_t index;

	if (last_idx == NULL)
		last_idx = &index;
	return object->completed_status(object->dev_private, vchan, nb_cpls, last_idx, status);
}

/* The number of operations that can be enqueued now. */
static inline uint16_t dmadev_burst_capacity(int16_t dev_id, uint16_t vchan)
{
	const struct dmadev_fp_object *object = &dmadev_fp_objs[dev_id];

	return object->burst_capacity(object->dev_private, vchan);
}

/* With DMADEV_CFG_FLAG_ENQ_DEQ, in which the calls above are not supported: enqueues operations in order, rings the
 * doorbell, and returns how many it took: fewer when the ring is full or one is invalid. */
static inline uint16_t dmadev_enqueue_ops(int16_t dev_id, uint16_t vchan, struct dmadev_op **ops, uint16_t nb_ops)
{
	const struct dmadev_fp_object *object = &dmadev_fp_objs[dev_id];

	return object->enqueue(object->dev_private, vchan, ops, nb_ops);
}

/* Dequeues up to nb_ops finished operations in order, their statuses set. */
static inline uint16_t dmadev_dequeue_ops(int16_t dev_id, uint16_t vchan, struct dmadev_op **ops, uint16_t nb_ops)
{
	const struct dmadev_fp_object *object = &dmadev_fp_objs[dev_id];

	return object->dequeue(object->dev_private, vchan, ops, nb_ops);
}

#ifdef __cplusplus
}
#endif

#endif
