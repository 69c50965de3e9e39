// The devices: a card for each, with a row for each channel. Many are a table, whose rows open to cards.

import { histogram, meter, sparkline } from "./chart.js";
import { denseTable } from "./dense.js";
import { code, el, empty, keyed, setAttr, setText } from "./dom.js";
import { bytes, bytesRate, count, duration, plural, rate, unknown } from "./format.js";
import { processName } from "./lists.js";
import { sum } from "./model.js";
import { anchor } from "./trouble.js";

/** Devices that are shown as cards; more are a table. */
const mostCards = 8;

let table = null;

/** Shows the devices of a view. */
export function showDevices(parent, view) {
  const processes = view.snapshot.processes.filter((process) => process.state === "answers");
  if (view.devices.length > mostCards) {
    table ??= denseTable(deviceColumns, {
      caption: "Every device",
      one: "device",
      key: (item) => item.key,
      texts: (item) => [deviceName(item), processName(item.process), deviceState(item).word],
      rank: (item) => deviceState(item).rank,
      open: (item) => deviceCard(item, false),
    });
    keyed(parent, [{ key: "table", items: view.devices }], (item) => item.key, () => table);
    return;
  }
  const items = view.devices.length ? view.devices : [{ key: "none", processes, snapshot: view.snapshot }];
  keyed(parent, items, (item) => item.key, (item) => (item.device ? deviceCard(item, true) : noDevices()));
}

/** Shows a device of the table with its card. */
export const openDevice = (key) => table?.open(key);

const deviceName = ({ device }) => device.name ?? `device ${device.id}`;
const total = (item, rate) => sum(item.channels.map(({ rates }) => rates[rate]));

/** What is wrong with a device, or its own state. The lower the rank the worse. */
function deviceState({ device, channels }) {
  const place = ["halted", "stuck"].findIndex((state) => channels.some(({ channel }) => channel.state === state));
  if (place >= 0) return { word: ["halted", "stuck"][place], tone: "bad", rank: place };
  if (channels.some(({ rates }) => rates.errors > 0)) return { word: "failing", tone: "bad", rank: 2 };
  if (device.started === undefined) return { word: "state unknown", tone: "quiet", rank: 3 };
  return device.started === 1 ? { word: "started", tone: "good", rank: 3 } : { word: "stopped", tone: "warn", rank: 3 };
}

const deviceColumns = [
  { title: "Device", text: deviceName },
  { title: "Process", text: ({ process }) => processName(process) },
  { title: "State", text: (item) => deviceState(item).word, tone: (item) => deviceState(item).tone },
  { title: "Channels", value: ({ channels }) => channels.length, text: ({ channels }) => String(channels.length) },
  { title: "Throughput", value: (item) => total(item, "bytes"), text: (item) => bytesRate(total(item, "bytes")) },
  { title: "Operations", value: (item) => total(item, "completed"), text: (item) => rate(total(item, "completed")) },
  { title: "Failures", value: (item) => total(item, "errors"), text: (item) => rate(total(item, "errors")) },
];

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

/** A card. `hasAnchor`: whether links lead to it; else they lead to the row that opens to it. */
function deviceCard({ key, device, process }, hasAnchor) {
  const state = el("span", { class: "badge" });
  const sumText = el("span", { class: "total" });
  const facts = el("p", { class: "facts" });
  const rows = el("tbody", { role: "rowgroup" });
  const name = deviceName({ device });
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
  const box = el("div", { class: "channel-box" }, table);
  const none = el("div", { class: "slot" });
  const more = el("button", { type: "button", class: "more", hidden: "" });
  let showsAll = false;
  let latest = [];
  const capabilities = device.capabilities ?? [];
  const element = el(
    "article",
    { class: "card device", id: hasAnchor ? anchor(key) : null, tabindex: "-1", "aria-label": `Device ${name}` },
    el("header", {}, el("h3", {}, name), state, el("span", { class: "from" }, processName(process)), sumText),
    facts,
    box,
    more,
    none,
    capabilities.length ? el("details", {}, el("summary", {}, plural(capabilities.length, "capability", "capabilities")), el("ul", { class: "chips" }, ...capabilities.map((text) => el("li", {}, text)))) : null,
  );
  const showRows = () => {
    const shown = visible(latest, showsAll);
    // Very many channels have no charts, and scroll in a box of their own.
    const isWide = shown.length > (showsAll ? firstChannels : 2 * firstChannels);
    keyed(rows, shown, (channel) => `${channel.key} ${isWide}`, isWide ? plainRow : channelRow);
    box.classList.toggle("wide", isWide);
    setAttr(box, "tabindex", isWide ? 0 : null);
    setAttr(box, "role", isWide ? "region" : null);
    setAttr(box, "aria-label", isWide ? `All channels of ${name}` : null);
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
    update(item) {
      const { device, process, channels } = item;
      const now = deviceState(item);
      setText(state, now.word);
      setAttr(state, "data-tone", now.tone);
      const throughput = total(item, "bytes");
      setText(sumText, throughput === null ? "" : bytesRate(throughput));
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
  if (device.observed === 1) facts.push("observed");
  facts.push(`${device.nb_vchans ?? 0} of ${plural(device.max_vchans ?? 0, "channel")}`);
  if (device.numa_node >= 0) facts.push(`NUMA node ${device.numa_node}`);
  if (device.controller_id >= 0) facts.push(`controller ${device.controller_id}`);
  if (device.shared_engine === 1) facts.push("shares an engine");
  const hidden = (device.nb_vchans ?? 0) - device.vchans.length;
  if (hidden > 0) facts.push(`${hidden} more not shown here: dmascope vchans ${device.name}`);
  return facts.join(" · ");
}

const tones = { active: "good", working: "good", stuck: "bad", halted: "bad", stopped: "warn", "not set up": "quiet" };

const channelState = ({ channel, rates }) =>
  // Idle at the time of the snapshot, but with operations since the previous one.
  channel.state === "idle" && rates.completed > 0 ? "working" : (channel.state ?? "state unknown");

/** A row without charts. */
function plainRow({ channel }) {
  const state = el("span", { class: "badge small" });
  const cells = ["Throughput", "Operations", "Ring", "Latency", "Failed"].map((title) => el("td", { role: "cell", "data-label": title }));
  return {
    element: el("tr", { role: "row" }, el("th", { scope: "row", role: "rowheader" }, `${channel.vchan} `, state), ...cells),
    update(item) {
      const { channel, rates, used, latency } = item;
      const word = channelState(item);
      setText(state, word.replace("_", " "));
      setAttr(state, "data-tone", tones[word] ?? "quiet");
      const hasLatency = latency !== null && latency.total > 0;
      [
        bytesRate(rates.bytes),
        rate(rates.completed),
        used === null ? unknown : `${used} / ${channel.nb_desc}`,
        hasLatency ? `${duration(latency.p50)}, p99 ${duration(latency.p99)}` : unknown,
        count(channel.counters?.errors),
      ].forEach((text, place) => setText(cells[place], text));
    },
  };
}

function channelRow({ channel }) {
  const number = el("span", { class: "number" }, String(channel.vchan));
  const state = el("span", { class: "badge small" });
  const direction = el("span", { class: "note" });
  const throughput = el("span", { class: "figure" });
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
    cell("Throughput", throughput, bytesLine.element),
    cell("Operations", operations, operationsLine.element),
    cell("Ring", ring, ringMeter.element, ringNote),
    cell("Latency", el("span", { class: "line" }, median, tail), bars.element),
    cell("Failed", failed, failedNote),
  );
  return {
    element,
    update(item) {
      const { channel, rates, used, latency, bytesHistory, operationsHistory } = item;
      const hasCounters = channel.counters !== undefined;
      const word = channelState(item);
      setText(state, word.replace("_", " "));
      setAttr(state, "data-tone", tones[word] ?? "quiet");
      setText(direction, [channel.direction, channel.domain === "none" ? null : channel.domain].filter(Boolean).join(" · "));

      const hasBytes = channel.counters?.bytes !== undefined;
      setText(throughput, hasBytes ? bytesRate(rates.bytes) : unknown);
      setAttr(throughput, "title", hasBytes ? `${bytes(channel.counters.bytes)} since the device was created` : "this process does not report bytes");
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
