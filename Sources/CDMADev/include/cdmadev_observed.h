/* The file that the counters of observed devices of DPDK lie in: written by CDPDKObserver, read by ObservedCounters. */
#ifndef CDMADEV_OBSERVED_H
#define CDMADEV_OBSERVED_H

#include "cdmadev.h"

/* Devices in a file. */
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
#define OBSERVER_SESSION_VARIABLE "DMASCOPE_OBSERVE"

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
	uint32_t session; /* what OBSERVER_SESSION_VARIABLE says, a process ID of `dmascope observe`; 0: it is not set */
	char program[16]; /* the program's name, cut */
	struct observer_file_device devices[OBSERVER_DEVICE_COUNT];
};

#endif
