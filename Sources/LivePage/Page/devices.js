// The devices: a card for each, with a row for each channel.

import { histogram, meter, sparkline } from "./chart.js";
import { code, el, empty, keyed, setAttr, setText } from "./dom.js";
import { bytesRate, count, duration, plural, rate, unknown } from "./format.js";
import { processName } from "./lists.js";
import { anchor } from "./trouble.js";

/** Shows the devices of a view. */
export function showDevices(parent, view) {
  const processes = view.snapshot.processes.filter((process) => process.state === "answers");
  const items = view.devices.length ? view.devices : [{ key: "none", processes, snapshot: view.snapshot }];
  keyed(parent, items, (item) => item.key, (item) => (item.device ? deviceCard(item) : noDevices()));
}

function noDevices() {
  const element = el("div", { class: "card" });
  let shown = null;
  return {
    element,
    update({ processes }) {
      if (shown === processes.length) return;
      shown = processes.length;
      element.replaceChildren(
        empty(
          shown ? `No devices: ${plural(shown, "process answers", "processes answer")}, and none has a DMA device` : "No devices: no process answers",
          ["Start two software devices with a workload: ", code("dmascope serve --device software --device software --workload copy")],
          "The devices of a DPDK application appear here after it has probed them.",
        ),
      );
    },
  };
}

/** Channels of a device that are shown before the others are asked for. */
const firstChannels = 32;

/** The channels to show: the first ones, and those beyond that stand still. */
function visible(channels, showsAll) {
  if (showsAll || channels.length <= firstChannels) return channels;
  return channels.filter(({ channel }, number) => number < firstChannels || tones[channel.state] === "bad");
}

function deviceCard({ key, device, process }) {
  const state = el("span", { class: "badge" });
  const total = el("span", { class: "total" });
  const facts = el("p", { class: "facts" });
  const rows = el("tbody", { role: "rowgroup" });
  const name = device.name ?? `device ${device.id}`;
  const head = ["Channel", "Throughput", "Operations", "Ring", "Latency", "Failed"].map((title) =>
    el("th", { scope: "col", role: "columnheader" }, title),
  );
  const table = el(
    "table",
    { class: "channels", role: "table" },
    el("caption", { class: "unseen" }, `Channels of ${name}`),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...head)),
    rows,
  );
  const none = el("div", { class: "slot" });
  const more = el("button", { type: "button", class: "more", hidden: "" });
  let showsAll = false;
  let latest = [];
  const capabilities = device.capabilities ?? [];
  const element = el(
    "article",
    { class: "card device", id: anchor(key), tabindex: "-1", "aria-label": `Device ${name}` },
    el("header", {}, el("h3", {}, name), state, el("span", { class: "from" }, processName(process)), total),
    facts,
    table,
    more,
    none,
    capabilities.length ? el("details", {}, el("summary", {}, plural(capabilities.length, "capability", "capabilities")), el("ul", { class: "chips" }, ...capabilities.map((text) => el("li", {}, text)))) : null,
  );
  const showRows = () => {
    const shown = visible(latest, showsAll);
    keyed(rows, shown, (channel) => channel.key, channelRow);
    more.hidden = latest.length <= firstChannels;
    setText(more, showsAll ? "Show fewer channels" : `Show all ${latest.length} channels (${shown.length} are shown)`);
  };
  more.addEventListener("click", () => {
    showsAll = !showsAll;
    showRows();
  });
  let why = null;
  return {
    element,
    update({ device, process, channels }) {
      const isStarted = device.started === undefined ? null : device.started === 1;
      const dead = ["halted", "stuck"].find((state) => channels.some(({ channel }) => channel.state === state));
      setText(state, dead ?? (isStarted === null ? "state unknown" : isStarted ? "started" : "stopped"));
      setAttr(state, "data-tone", dead ? "bad" : isStarted === null ? "quiet" : isStarted ? "good" : "warn");
      const known = channels.map((channel) => channel.rates.bytes).filter((value) => value !== null);
      setText(total, known.length ? bytesRate(known.reduce((sum, value) => sum + value, 0)) : "");
      setText(facts, deviceFacts(device, process));
      latest = channels;
      showRows();
      table.hidden = channels.length === 0;
      const reason = channels.length ? null : "not configured";
      if (reason !== why) {
        none.replaceChildren(...(reason ? [empty("No channels: the device is not configured", "Its application must call configure, set up each channel, and call start.")] : []));
        why = reason;
      }
    },
  };
}

function deviceFacts(device) {
  const facts = [`id ${device.id}`];
  if (device.driver !== undefined) facts.push(`driver ${device.driver}`);
  facts.push(`${device.nb_vchans ?? 0} of ${plural(device.max_vchans ?? 0, "channel")}`);
  if (device.numa_node >= 0) facts.push(`NUMA node ${device.numa_node}`);
  if (device.controller_id >= 0) facts.push(`controller ${device.controller_id}`);
  if (device.shared_engine === 1) facts.push("shares an engine");
  const hidden = (device.nb_vchans ?? 0) - device.vchans.length;
  if (hidden > 0) facts.push(`${hidden} more not shown here: dmascope vchans ${device.name}`);
  return facts.join(" · ");
}

const tones = { active: "good", working: "good", stuck: "bad", halted: "bad", stopped: "warn", "not set up": "quiet" };

function channelRow({ channel }) {
  const number = el("span", { class: "number" }, String(channel.vchan));
  const state = el("span", { class: "badge small" });
  const direction = el("span", { class: "note" });
  const bytes = el("span", { class: "figure" });
  const bytesLine = sparkline("bytes");
  const operations = el("span", { class: "figure" });
  const operationsLine = sparkline("operations");
  const ring = el("span", { class: "figure" });
  const ringNote = el("span", { class: "note" });
  const ringMeter = meter();
  const median = el("span", { class: "figure" });
  const tail = el("span", { class: "inline-note" });
  const bars = histogram();
  const failed = el("span", { class: "figure" });
  const failedNote = el("span", { class: "note" });
  const cell = (label, ...parts) => el("td", { role: "cell", "data-label": label, class: label.toLowerCase() }, ...parts);
  const element = el(
    "tr",
    { role: "row" },
    el("th", { scope: "row", role: "rowheader" }, el("span", { class: "label" }, "vchan "), number, state, direction),
    cell("Throughput", bytes, bytesLine.element),
    cell("Operations", operations, operationsLine.element),
    cell("Ring", ring, ringMeter.element, ringNote),
    cell("Latency", el("span", { class: "line" }, median, tail), bars.element),
    cell("Failed", failed, failedNote),
  );
  return {
    element,
    update({ channel, rates, used, latency, bytesHistory, operationsHistory }) {
      const hasCounters = channel.counters !== undefined;
      // Idle at the time of the snapshot, but with operations since the previous one.
      const word = channel.state === "idle" && rates.completed > 0 ? "working" : (channel.state ?? "state unknown");
      setText(state, word.replace("_", " "));
      setAttr(state, "data-tone", tones[word] ?? "quiet");
      setText(direction, [channel.direction, channel.domain === "none" ? null : channel.domain].filter(Boolean).join(" · "));

      const hasBytes = channel.counters?.bytes !== undefined;
      setText(bytes, hasBytes ? bytesRate(rates.bytes) : unknown);
      setAttr(bytes, "title", hasBytes ? `${count(channel.counters.bytes)} bytes since the device was created` : "this process does not report bytes");
      bytesLine.update(bytesHistory, `Bytes a second, the last minute; now ${bytesRate(rates.bytes)}`);
      bytesLine.element.classList.toggle("hidden", !hasBytes);

      setText(operations, hasCounters ? rate(rates.completed) : unknown);
      setAttr(operations, "title", hasCounters ? `${channel.counters.completed} completed, ${channel.counters.submitted} submitted` : null);
      operationsLine.update(operationsHistory, `Operations a second, the last minute; now ${rate(rates.completed)}`);

      setText(ring, used === null ? unknown : `${used} / ${channel.nb_desc}`);
      ringMeter.element.hidden = used === null;
      if (used !== null) ringMeter.update(used, channel.nb_desc);
      const peak = channel.counters?.occupancy_high_water;
      setText(ringNote, used === null ? "unknown" : peak === undefined ? "" : `peak ${peak}`);

      const hasLatency = latency !== null && latency.total > 0;
      setText(median, hasLatency ? duration(latency.p50) : unknown);
      setText(tail, hasLatency ? `p99 ${duration(latency.p99)}` : latency ? "no operations yet" : "unknown");
      setAttr(median, "title", hasLatency ? (latency.isRecent ? "Doorbell to completion, the last 5 s" : "Doorbell to completion, since the device was created: no recent operations") : null);
      bars.element.classList.toggle("removed", !hasLatency);
      if (hasLatency) bars.update(latency, `Latencies: median ${duration(latency.p50)}, 99 in 100 below ${duration(latency.p99)}`);

      setText(failed, hasCounters ? count(channel.counters.errors) : unknown);
      setAttr(failed, "data-tone", channel.counters?.errors > 0 ? "bad" : null);
      const rejected = channel.counters?.rejected_enqueues;
      setText(failedNote, rejected > 0 ? `${count(rejected)} refused` : "");
    },
  };
}
