// The page: each snapshot is shown, unless it is paused.

import { sparkline } from "./chart.js";
import { showDevices } from "./devices.js";
import { el, mark, say } from "./dom.js";
import { follow } from "./feed.js";
import { bytesRate, count, duration, plural, rate, timeOfDay, unknown } from "./format.js";
import { showGroups } from "./groups.js";
import { processName, showErrors, showEvents, showProcesses } from "./lists.js";
import { Model } from "./model.js";

const part = (id) => document.getElementById(id);
const model = new Model();
let isPaused = false;
let latest = null;

/** The figures on top; a new one is a row. `note` is what stands below the figure. */
const tiles = [
  { title: "Throughput", figure: (view) => bytesRate(view.bytes), history: (view) => view.bytesHistory, kind: "bytes" },
  { title: "Operations", figure: (view) => rate(view.operations), history: (view) => view.operationsHistory, kind: "operations" },
  {
    title: "Latency",
    figure: (view) => (view.latency ? duration(view.latency.p50) : unknown),
    note: (view) => (view.latency ? `p99 ${duration(view.latency.p99)}` : "nothing ran of late"),
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
      const silent = view.snapshot.processes.filter((process) => process.state !== "answers").length;
      return silent ? `${silent} not answering` : "all answer";
    },
    tone: (view) => (view.snapshot.processes.some((process) => process.state !== "answers") ? "warn" : null),
  },
].map((tile) => {
  const value = el("span", { class: "value" });
  const note = el("span", { class: "note" });
  const line = tile.history ? sparkline(tile.kind) : null;
  part("summary").append(el("div", { class: "tile" }, el("dt", {}, tile.title), el("dd", {}, value, line?.element ?? note)));
  return (view) => {
    say(value, tile.figure(view));
    mark(value, "data-tone", tile.tone?.(view));
    if (line) line.update(tile.history(view), `${tile.title}, the last minute`);
    else say(note, tile.note(view));
  };
});

function show(view) {
  for (const tile of tiles) tile(view);
  showDevices(part("devices-list"), view);
  showGroups(part("groups-list"), view);
  showEvents(part("events"), view);
  showErrors(part("errors"), view);
  showProcesses(part("processes-list"), view);
  say(part("about"), `${view.snapshot.program}, at ${timeOfDay(view.snapshot.time_ns)}`);
}

/** Says in words who came, went, or fell silent; figures are not announced. */
let known = null;
function announce(snapshot) {
  const now = new Map(snapshot.processes.map((process) => [`${process.path} ${process.pid}`, process]));
  if (known) {
    const news = [];
    for (const [key, process] of now) {
      const before = known.get(key);
      if (!before) news.push(`${processName(process)} appeared`);
      else if (before.state !== process.state) news.push(`${processName(process)} ${process.state === "answers" ? "answers again" : "does not answer"}`);
    }
    for (const [key, process] of known) if (!now.has(key)) news.push(`${processName(process)} has gone`);
    for (const text of news) part("announcements").append(el("p", {}, text));
    while (part("announcements").childElementCount > 5) part("announcements").firstChild.remove();
  }
  known = now;
}

const states = {
  live: ["live", ""],
  asking: ["live, slower", ""],
  away: ["no connection", "The server does not answer: it has ended, or the network is down. What is shown is old. Start dmascope serve again; this page looks for it every second."],
  failing: ["no figures", ""],
};

let told = ["live", ""];
function tell(state, detail) {
  told = [state, detail];
  const [word, sentence] = states[state];
  const box = document.querySelector(".connection");
  mark(box, "data-state", isPaused && state === "live" ? "paused" : state);
  say(part("connection"), isPaused && state === "live" ? "paused" : word);
  const text = sentence || detail || "";
  say(part("notice"), text);
  part("notice").hidden = text === "";
  document.body.classList.toggle("old", state === "away");
  document.title = state === "away" ? "dmascope: no connection" : "dmascope";
}

function onSnapshot(snapshot) {
  // Another version serves now: it has another page.
  if (latest && latest.snapshot.program !== snapshot.program) return location.reload();
  // Counted even when it is not shown: the past has no hole after a pause.
  latest = model.take(snapshot);
  announce(snapshot);
  if (!isPaused) show(latest);
}

part("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  mark(part("pause"), "aria-pressed", isPaused);
  say(part("pause"), isPaused ? "Go on" : "Pause");
  tell(...told);
  if (!isPaused && latest) show(latest);
});

follow(onSnapshot, tell);
