// The page shows each snapshot, unless it is paused.

import { sparkline } from "./chart.js";
import { setFilter } from "./dense.js";
import { openDevice, showDevices } from "./devices.js";
import { el, setAttr, setText } from "./dom.js";
import { follow } from "./feed.js";
import { bytesRate, count, duration, plural, rate, timeOfDay, unknown } from "./format.js";
import { showGroups } from "./groups.js";
import { processName, processState, setNames, showErrors, showEvents, showProcesses } from "./lists.js";
import { showMemory } from "./memory.js";
import { Model } from "./model.js";
import { onReveal, showTrouble } from "./trouble.js";

const part = (id) => document.getElementById(id);
const model = new Model();
let isPaused = false;
let latest = null;
/** What is on the screen: while paused, not the latest. */
let shown = null;

/** The tiles at the top. `note` is the text below the figure. */
const tiles = [
  { title: "Throughput", figure: (view) => bytesRate(view.bytes), history: (view) => view.bytesHistory, kind: "bytes" },
  { title: "Operations", figure: (view) => rate(view.operations), history: (view) => view.operationsHistory, kind: "operations" },
  {
    title: "Latency",
    figure: (view) => (view.latency ? duration(view.latency.p50) : unknown),
    note: (view) => (view.latency ? `p99 ${duration(view.latency.p99)}` : "no recent operations"),
  },
  {
    title: "Failed",
    figure: (view) => count(view.errors),
    note: (view) => (view.errorRate > 0 ? `${rate(view.errorRate)} now` : view.errors > 0 ? "none now" : "since start"),
    tone: (view) => (view.errorRate > 0 ? "bad" : null),
  },
  {
    title: "Devices",
    figure: (view) => String(view.devices.length),
    note: (view) => plural(view.channels.length, "channel"),
  },
  {
    title: "Processes",
    figure: (view) => String(view.snapshot.processes.length),
    note: (view) => {
      const counts = new Map();
      for (const process of view.snapshot.processes) {
        const state = process.state === "answers" ? null : processState(process).replace("not shown", "not answering");
        if (state) counts.set(state, (counts.get(state) ?? 0) + 1);
      }
      const notes = [...counts].map(([state, count]) => `${count} ${state}`);
      return notes.join(", ") || "all answer";
    },
    tone: (view) => (view.snapshot.processes.some((process) => process.state !== "answers") ? "warn" : null),
  },
].map((tile) => {
  const value = el("span", { class: "value" });
  const note = el("span", { class: "note" });
  const line = tile.history ? sparkline(tile.kind) : null;
  part("summary").append(el("div", { class: "tile" }, el("dt", {}, tile.title), el("dd", {}, value, line?.element ?? note)));
  return (view) => {
    setText(value, tile.figure(view));
    setAttr(value, "data-tone", tile.tone?.(view));
    if (line) line.update(tile.history(view), `${tile.title}, the last minute`);
    else setText(note, tile.note(view));
  };
});

/** Devices or processes above which there is a filter. */
const fewRows = 8;

function show(view) {
  shown = view;
  part("tools").hidden = Math.max(view.devices.length, view.snapshot.processes.length) <= fewRows;
  for (const tile of tiles) tile(view);
  showTrouble(part("trouble"), part("trouble-list"), view);
  showDevices(part("devices-list"), view);
  showGroups(part("groups-list"), view);
  showMemory(part("memory"), part("memory-link"), part("memory-list"), view);
  showEvents(part("events"), view);
  showErrors(part("errors"), view);
  showProcesses(part("processes-list"), view);
  setText(part("about"), `${view.snapshot.program}, at ${timeOfDay(view.snapshot.time_ns)}`);
}

/** Announces to screen readers which processes appeared, ended, or stopped answering; figures are not announced. */
let known = null;
function announce(snapshot) {
  const now = new Map(snapshot.processes.map((process) => [`${process.path} ${process.pid}`, process]));
  if (known) {
    const changes = [];
    for (const [key, process] of now) {
      const before = known.get(key);
      if (!before) changes.push(`${processName(process)} appeared`);
      else if (before.state !== process.state) changes.push(`${processName(process)} ${process.state === "answers" ? "answers again" : "does not answer"}`);
    }
    for (const [key, process] of known) if (!now.has(key)) changes.push(`${processName(process)} has ended`);
    for (const text of changes) part("announcements").append(el("p", {}, text));
    while (part("announcements").childElementCount > 5) part("announcements").firstChild.remove();
  }
  known = now;
}

const states = {
  live: ["live", ""],
  polling: ["live, every 5 s", ""],
  disconnected: ["no connection", "The server does not answer: it has ended, or the network is down. The figures are old. Start dmascope serve again; this page tries to connect every second."],
  failing: ["no figures", ""],
};

let current = ["live", ""];
function showState(state, detail) {
  current = [state, detail];
  const [word, sentence] = states[state];
  const box = document.querySelector(".connection");
  setAttr(box, "data-state", isPaused && state === "live" ? "paused" : state);
  setText(part("connection"), isPaused && state === "live" ? "paused" : word);
  const text = sentence || detail || "";
  setText(part("notice"), text);
  part("notice").hidden = text === "";
  document.body.classList.toggle("old", state === "disconnected");
  document.title = state === "disconnected" ? "dmascope: no connection" : "dmascope";
}

function onSnapshot(snapshot) {
  // The server has another version now, and with it another page.
  if (latest && latest.snapshot.program !== snapshot.program) return location.reload();
  setNames(snapshot);
  // Also while paused, so that the history has no gap afterwards.
  latest = model.take(snapshot);
  announce(snapshot);
  if (!isPaused) show(latest);
}

part("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  setAttr(part("pause"), "aria-pressed", isPaused);
  setText(part("pause"), isPaused ? "Resume" : "Pause");
  showState(...current);
  if (!isPaused && latest) show(latest);
});

function filterBy(text) {
  part("filter").value = text;
  setFilter(text);
  if (shown) show(shown);
}
part("filter").addEventListener("input", () => filterBy(part("filter").value));
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || part("tools").hidden || event.target.matches("input")) return;
  event.preventDefault();
  part("filter").focus();
});

// What a link leads to may be filtered out, or be a row that is not built.
onReveal((key) => {
  filterBy("");
  openDevice(key);
});

follow(onSnapshot, showState);
