/* The data path of observed devices, and the file that their counters lie in.
 *
 *     application ──► rte_dma_fp_objs[id] ──► entry ──► counting ──► the driver's function
 *                                      (one per device and function; while events are recorded by way of the call layer)
 *
 * The driver gets the dev_private that the application passes, and the application the driver's results. Nothing here
 * allocates, locks or calls the system on the data path. One thread at a time uses a channel; if an application breaks
 * that rule of DPDK, counts are torn, and every access stays inside its memory. */
#ifndef CDPDKOBSERVER_H
#define CDPDKOBSERVER_H

#include "cdmadev.h"
#include "dmascope_dpdk.h"

/* Entries are generated for so many devices. */
#define OBSERVER_DEVICE_COUNT 64

/* What the counters of the library's own devices do not have, and where a channel stands. */
struct observer_activity {
	uint64_t full_polls; /* completed, completed_status, dequeue_ops that found something */
	uint64_t empty_polls; /* that found nothing */
	/* In flight: submitted - completed - abandoned. Changes at a start, and wraps. */
	uint64_t abandoned;
	uint64_t oldest; /* ticks of the doorbell of the oldest operation not polled; 0: none */
	uint64_t last_completed; /* ticks of the last poll that found something; 0: none */
	uint64_t pad0[3];
};

/* A channel in the file. */
struct observer_channel_counters {
	struct dmadev_counters counters;
	struct observer_activity activity;
};

/* Rung and not polled. Negative: the device was in use when it was attached, and its operations were not seen. */
static inline int64_t observer_in_flight(const struct observer_channel_counters *_Nonnull channel)
{
	return (int64_t)(channel->counters.application.submitted - channel->counters.engine.completed -
			 channel->activity.abandoned);
}

/* The file: this header, then the channels of each device at the offset that its entry says. All numbers in the byte
 * order of the machine. A reader takes nothing in it for granted. */
#define OBSERVER_FILE_MAGIC 0x73626f616d64ULL /* "dmaobs" */
#define OBSERVER_FILE_VERSION 1
#define OBSERVER_FILE_PREFIX "dmascope-observed."

struct observer_file_device {
	uint64_t offset; /* of the channels; 0: none */
	uint32_t channel_bytes;
	uint16_t nb_vchans;
	uint8_t is_observed; /* started, and its functions are replaced */
	uint8_t is_silent; /* nothing is polled */
	char name[64];
	char driver[48];
};

struct observer_file_header {
	uint64_t magic;
	uint32_t version;
	uint32_t pid;
	uint64_t sequence; /* odd while the header changes */
	uint64_t nanoseconds_per_4g_ticks;
	uint64_t created; /* ticks */
	uint32_t nb_devices;
	uint32_t reserved;
	uint64_t pad0[2];
	struct observer_file_device devices[OBSERVER_DEVICE_COUNT];
};

/* Makes the memory of a device's channels, and the file when it is the first device; a device that is observed already
 * keeps what it has. Ring indexes and times begin anew, counters go on.
 *
 * Returns NULL, or the reason why the device is not observed. */
const char *_Nullable observer_prepare(const struct dmascope_dpdk_device *_Nonnull device);

/* Sets the driver and the functions of the device's table for the call layer. */
void observer_set_functions(int16_t id, struct dmadev_data_path *_Nonnull path);

/* Saves the functions of the device, and puts entries in their places; those that are in place stay. path: as
 * observer_set_functions() has set it, and in place until the process ends. */
void observer_attach(const struct dmascope_dpdk_device *_Nonnull device, struct dmadev_data_path *_Nonnull path);

/* Whether the device's functions are entries of this file. */
bool observer_is_attached(const struct dmascope_dpdk_device *_Nonnull device);

/* Puts the saved functions back wherever an entry is still in place. */
void observer_detach(int16_t id);

/* The counters of a channel; NULL: it was never prepared. */
struct observer_channel_counters *_Nullable observer_counters(int16_t id, uint16_t vchan);

/* Whether the device was configured for silent mode: nothing is polled, so nothing is known of its operations. */
bool observer_is_silent(int16_t id);

/* The path of the file; empty if it could not be made, and in a child of fork. */
const char *_Nonnull observer_file_path(void);

/* What the stub calls: DPDKObserver. */
const char *_Nullable dpdkobserver_attach(const struct dmascope_dpdk_device *_Nonnull device);
void dpdkobserver_detach(int16_t id);
void dpdkobserver_closed(int16_t id);
void dpdkobserver_reset(int16_t id, uint16_t vchan);

#endif
