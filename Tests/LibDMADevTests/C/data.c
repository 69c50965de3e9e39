/* The data calls: operations, statuses, ring indexes, structures. */
#include "expect.h"

static uint16_t wait_for(int16_t id, uint16_t nb, enum dmadev_status_code *statuses)
{
	uint16_t last = 0, done = 0;

	while (done < nb)
		done = (uint16_t)(done + dmadev_completed_status(id, 0, (uint16_t)(nb - done), &last, statuses + done));
	return last;
}

static void operations(int16_t id)
{
	uint8_t from[64], to[64];
	struct dmadev_sge in[2], out[1];
	/* One more than asked for: it must stay as it is. */
	enum dmadev_status_code statuses[6];
	bool has_error;
	uint16_t last;

	memset(statuses, 0x55, sizeof(statuses));
	for (int index = 0; index < 64; index++)
		from[index] = (uint8_t)index;
	EXPECT(dmadev_burst_capacity(id, 0) == 32);
	EXPECT(dmadev_copy(id, 0, (uintptr_t)from, (uintptr_t)to, 64, 0) == 0);
	in[0].addr = (uintptr_t)(from + 32);
	in[0].length = 8;
	in[1].addr = (uintptr_t)from;
	in[1].length = 8;
	out[0].addr = (uintptr_t)to;
	out[0].length = 16;
	EXPECT(dmadev_copy_sg(id, 0, in, out, 2, 1, DMADEV_OP_FLAG_FENCE) == 1);
	EXPECT(dmadev_copy(id, 0, 8, (uintptr_t)to, 8, 0) == 2);
	EXPECT(dmadev_fill(id, 0, 0x0807060504030201ULL, (uintptr_t)(to + 32), 12, 0) == 3);
	EXPECT(dmadev_copy(id, 0, (uintptr_t)from, 8, 8, 0) == 4);
	EXPECT(dmadev_burst_capacity(id, 0) == 27 && dmadev_submit(id, 0) == 0);
	EXPECT(wait_for(id, 5, statuses) == 4);
	EXPECT(statuses[0] == DMADEV_STATUS_SUCCESSFUL && statuses[1] == DMADEV_STATUS_SUCCESSFUL);
	EXPECT(statuses[2] == DMADEV_STATUS_INVALID_SRC_ADDR && statuses[3] == DMADEV_STATUS_SUCCESSFUL);
	EXPECT(statuses[4] == DMADEV_STATUS_INVALID_DST_ADDR && (int)statuses[5] == 0x55555555);
	EXPECT(memcmp(to, from + 32, 8) == 0 && memcmp(to + 8, from, 8) == 0);
	EXPECT(to[32] == 1 && to[39] == 8 && to[40] == 1 && to[43] == 4 && to[44] == 44);

	EXPECT(dmadev_copy(id, 0, (uintptr_t)from, (uintptr_t)to, 0, 0) == -EINVAL);
	EXPECT(dmadev_copy(id, 1, (uintptr_t)from, (uintptr_t)to, 8, 0) == -EINVAL);
	EXPECT(dmadev_copy(id, 0, (uintptr_t)from, (uintptr_t)to, 8, 1ULL << 30) == -EINVAL);
	EXPECT(dmadev_copy_sg(id, 0, in, NULL, 2, 1, 0) == -EINVAL);
	for (int index = 0; index < 32; index++)
		EXPECT(dmadev_copy(id, 0, index == 3 ? 8 : (uintptr_t)from, (uintptr_t)to, 8, 0) == 5 + index);
	EXPECT(dmadev_copy(id, 0, (uintptr_t)from, (uintptr_t)to, 8, 0) == -ENOSPC);
	EXPECT(dmadev_submit(id, 0) == 0);
	for (int done = 0; done < 3;)
		done += dmadev_completed(id, 0, 32, &last, &has_error);
	while (!has_error)
		EXPECT(dmadev_completed(id, 0, 32, &last, &has_error) == 0);
	EXPECT(last == 7);
	EXPECT(wait_for(id, 1, statuses) == 8 && statuses[0] == DMADEV_STATUS_INVALID_SRC_ADDR);
	for (int done = 0; done < 28;)
		done += dmadev_completed(id, 0, 32, NULL, NULL);
}

/* Ring indexes have 16 bits. */
static void wrap(int16_t id)
{
	uint64_t word = 0;
	uint16_t last = 0;
	bool has_error = false;

	for (uint32_t index = 0; index < 70000 && !has_error; index++) {
		uint16_t expected = (uint16_t)index;

		EXPECT(dmadev_fill(id, 0, index, (uintptr_t)&word, 8, DMADEV_OP_FLAG_SUBMIT) == expected);
		while (dmadev_completed(id, 0, 1, &last, &has_error) == 0 && !has_error)
			;
		if (last != expected || word != index) {
			EXPECT(last == expected && word == index);
			break;
		}
	}
	EXPECT(!has_error);
}

static void structures(void)
{
	struct {
		struct dmadev_op op;
		struct dmadev_sge entries[2];
	} one, two;
	struct dmadev_op *ops[2] = { &one.op, &two.op }, *done[2] = { NULL, NULL };
	char from[8] = "1234567", to[8];
	int16_t id = started_device("software,name=structures", 32, DMADEV_CFG_FLAG_ENQ_DEQ);

	memset(&one, 0, sizeof(one));
	one.op.nb_src = one.op.nb_dst = 1;
	one.op.user_meta = 42;
	one.entries[0].addr = (uintptr_t)from;
	one.entries[1].addr = (uintptr_t)to;
	one.entries[0].length = one.entries[1].length = 8;
	two = one;
	two.entries[1].addr = 8;
	EXPECT(dmadev_copy(id, 0, (uintptr_t)from, (uintptr_t)to, 8, 0) < 0 && dmadev_completed(id, 0, 1, NULL, NULL) == 0);
	EXPECT(dmadev_enqueue_ops(id, 0, ops, 2) == 2);
	for (uint16_t count = 0; count < 2;)
		count = (uint16_t)(count + dmadev_dequeue_ops(id, 0, done + count, (uint16_t)(2 - count)));
	EXPECT(done[0] == &one.op && done[1] == &two.op && done[0]->user_meta == 42);
	EXPECT(one.op.status == DMADEV_STATUS_SUCCESSFUL && two.op.status == DMADEV_STATUS_INVALID_DST_ADDR);
	EXPECT(memcmp(from, to, 8) == 0);
	two.entries[1].length = 7;
	EXPECT(dmadev_enqueue_ops(id, 0, ops + 1, 1) == 0);
	EXPECT(dmadev_stop(id) == 0 && dmadev_close(id) == 0);
}

int main(void)
{
	int16_t id = started_device("software,name=data", 32, 0);

	operations(id);
	EXPECT(dmadev_stop(id) == 0 && dmadev_start(id) == 0);
	wrap(id);
	EXPECT(dmadev_stop(id) == 0 && dmadev_close(id) == 0);
	structures();
	return failures == 0 ? 0 : 1;
}
