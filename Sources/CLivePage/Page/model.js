// Calculates what the page shows from the counters in snapshots: rates, their history, and recent latencies.

/** Snapshots in the history of a rate. */
export const historyLength = 60;
/** Snapshots that recent latencies cover. */
const recentLength = 5;

/** The range of histograms: powers of two, in nanoseconds. */
export const firstOctave = 6;
export const lastOctave = 26;
/** Bars of a histogram for each power of two. */
export const barsPerOctave = 2;

/** The latest values of one figure. */
class History {
  values = [];

  add(value) {
    this.values.push(value);
    if (this.values.length > historyLength) this.values.shift();
    return value;
  }
}

/** What is kept of a channel between snapshots. */
class ChannelState {
  bytes = new History();
  operations = new History();
  readings = [];
  last = null;

  take(channel) {
    const now = { time: channel.read_ns, counters: channel.counters ?? {} };
    // A counter decreased: the process or its device was replaced.
    if (this.last && (now.counters.completed ?? 0) < (this.last.counters.completed ?? 0)) {
      this.last = null;
      this.readings = [];
    }
    const rates = {};
    const seconds = this.last && now.time > this.last.time ? (now.time - this.last.time) / 1e9 : null;
    for (const name of ["bytes", "completed", "errors", "rejected_enqueues"]) {
      const [value, before] = [now.counters[name], this.last?.counters[name]];
      rates[name] = seconds && value !== undefined && before !== undefined ? Math.max(value - before, 0) / seconds : null;
    }
    if (channel.read_ns !== undefined) this.last = now;
    this.bytes.add(rates.bytes);
    this.operations.add(rates.completed);
    return rates;
  }

  /** The recent buckets; those since the start when there were no recent operations. */
  latency(reply) {
    if (!reply) return null;
    const all = new Map(reply.buckets.map((bucket) => [bucket.below_ns ?? Infinity, bucket.count ?? 0]));
    this.readings.push(all);
    if (this.readings.length > recentLength + 1) this.readings.shift();
    const before = this.readings[0];
    const recent = new Map();
    for (const [bound, value] of all) {
      const difference = value - (before.get(bound) ?? 0);
      if (difference > 0) recent.set(bound, difference);
    }
    return distribution(recent.size ? recent : all, recent.size > 0);
  }
}

function distribution(buckets, isRecent) {
  const sorted = [...buckets].sort((left, right) => left[0] - right[0]);
  const total = sorted.reduce((sum, [, value]) => sum + value, 0);
  const percentile = (part) => {
    let sum = 0;
    for (const [bound, value] of sorted) {
      sum += value;
      if (sum >= total * part) return bound === Infinity ? null : bound;
    }
    return null;
  };
  const bars = new Array((lastOctave - firstOctave) * barsPerOctave).fill(0);
  for (const [bound, value] of sorted) {
    const place = bound === Infinity ? bars.length : Math.ceil((Math.log2(bound) - firstOctave) * barsPerOctave) - 1;
    bars[Math.min(Math.max(place, 0), bars.length - 1)] += value;
  }
  return { isRecent, total, bars, p50: percentile(0.5), p99: percentile(0.99), buckets: sorted };
}

/** The sum of what is known; null when nothing is. */
export const sum = (values) => values.reduce((total, value) => (value === null ? total : (total ?? 0) + value), null);

/** Calculates a view from each snapshot. */
export class Model {
  #channels = new Map();
  #bytes = new History();
  #operations = new History();

  take(snapshot) {
    const seen = new Map();
    const devices = snapshot.processes.flatMap((process) =>
      (process.devices ?? []).map((device) => {
        const key = `${process.path}\n${process.pid}\n${device.id}\n${device.name}`;
        return { key, process, device, channels: device.vchans.map((channel) => this.#channel(key, channel, seen)) };
      }),
    );
    // Channels that are not in the snapshot are dropped.
    this.#channels = seen;
    const channels = devices.flatMap((device) => device.channels);
    const merged = new Map();
    for (const { latency } of channels) {
      if (!latency?.isRecent) continue;
      for (const [bound, value] of latency.buckets) merged.set(bound, (merged.get(bound) ?? 0) + value);
    }
    return {
      snapshot,
      devices,
      channels,
      bytes: this.#bytes.add(sum(channels.map((channel) => channel.rates.bytes))),
      bytesHistory: this.#bytes.values,
      operations: this.#operations.add(sum(channels.map((channel) => channel.rates.completed))),
      operationsHistory: this.#operations.values,
      errors: sum(channels.map((channel) => channel.channel.counters?.errors ?? null)),
      errorRate: sum(channels.map((channel) => channel.rates.errors)),
      latency: merged.size ? distribution(merged, true) : null,
      groups: mergedGroups(snapshot.processes),
    };
  }

  #channel(device, channel, seen) {
    const key = `${device}\n${channel.vchan}`;
    const state = this.#channels.get(key) ?? new ChannelState();
    seen.set(key, state);
    const rates = state.take(channel);
    const used = [channel.pending, channel.running, channel.completed];
    return {
      key,
      channel,
      rates,
      bytesHistory: state.bytes.values,
      operationsHistory: state.operations.values,
      used: used.every((part) => part !== undefined) ? sum(used) : null,
      latency: state.latency(channel.latency),
    };
  }
}

/** The groups of all processes, without duplicates. Each process reports only what it received: the reports are merged. */
function mergedGroups(processes) {
  const groups = new Map();
  for (const process of processes) {
    for (const group of process.groups ?? []) {
      const key = `${group.controller_id}\n${group.group_id}\n${group.creator}`;
      const known = groups.get(key) ?? { key, group, reporters: [], members: new Map() };
      groups.set(key, known);
      known.reporters.push(process);
      for (const member of group.members ?? []) {
        const before = known.members.get(member.domain_id);
        const keepsBefore = before && (before.windows ?? 0) >= (member.windows ?? 0);
        known.members.set(member.domain_id, { ...(keepsBefore ? before : member), pid: member.pid || before?.pid || 0 });
      }
    }
  }
  return [...groups.values()].map((known) => ({ ...known, members: [...known.members.values()] }));
}
