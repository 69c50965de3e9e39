// Processes, and what happened of late in them.

import { code, el, empty, keyed, mark, say } from "./dom.js";
import { duration, machineTime, plural, shortDomain, timeOfDay, unknown } from "./format.js";

/** What a process is called: its file prefix, and its place among several of that prefix. */
export const processName = (process) => (process.instance ? `${process.prefix}:${process.instance}` : process.prefix);

/** Why a process is not shown, and what helps. */
const failures = {
  timedOut: (process) => [
    "It takes connections and does not answer",
    process.process_state?.startsWith("T")
      ? [`Process ${process.pid} is stopped; `, code(`kill -CONT ${process.pid}`), " lets it go on."]
      : ["It hangs, or is too busy to answer in time: ", code(`dmascope query ${process.path} /info`), " waits longer."],
  ],
  permissionDenied: () => ["This user may not connect", ["Serve as the user of that process, or as root."]],
  notTelemetry: () => ["Something else listens on this socket", ["It does not greet as a telemetry server does."]],
  invalidJSON: () => ["Its answer is not JSON", ["DPDK's are not when a name holds a quote or a byte above 127."]],
  disconnected: () => ["It closed the connection", ["It is ending, or has as many clients as it takes: DPDK takes ten."]],
  notFound: () => ["There is no such socket", ["Start the process, or serve without this --socket."]],
  refused: () => ["Nobody listens on this socket", ["Its process has gone; start it again."]],
  tooLong: () => ["It says more than is taken", ["Ask for single devices with dmascope query."]],
};

/** Shows the processes of a view. */
export function showProcesses(parent, { snapshot }) {
  const items = snapshot.processes.length ? [{ key: "table", snapshot }] : [{ key: "none", snapshot }];
  keyed(parent, items, (item) => item.key, (item) => (item.key === "table" ? processTable() : noProcesses(item)));
}

function noProcesses({ snapshot }) {
  const element = el(
    "div",
    { class: "card" },
    empty(
      "No telemetry sockets found",
      ["Looked in ", ...snapshot.looked_in.flatMap((place, number) => [number ? ", " : "", code(place)]), "."],
      ["Start ", code("dmascope serve"), " or a DPDK application, both as this user; --socket names others."],
    ),
  );
  return { element };
}

function processTable() {
  const titles = ["Process", "PID", "Version", "State", "Devices", "Answer"];
  const rows = el("tbody", { role: "rowgroup" });
  const dead = el("p", { class: "facts" });
  const element = el(
    "div",
    { class: "card" },
    el(
      "table",
      { class: "processes", role: "table" },
      el("caption", { class: "unseen" }, "Every process with a telemetry socket"),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...titles.map((title) => el("th", { scope: "col", role: "columnheader" }, title)))),
      rows,
    ),
    dead,
  );
  return {
    element,
    update({ snapshot }) {
      keyed(rows, snapshot.processes, (process) => `${process.path}\n${process.pid}`, processRow);
      const number = snapshot.dead_sockets;
      say(dead, number ? `${plural(number, "socket")} of processes that have gone` : "");
      dead.hidden = number === 0;
    },
  };
}

function processRow(process) {
  const cell = (label, ...parts) => el("td", { role: "cell", "data-label": label, class: label.toLowerCase() }, ...parts);
  const name = el("span", { class: "note" });
  const version = el("span");
  const state = el("span", { class: "badge small" });
  const why = el("div", { class: "why" });
  const devices = el("span");
  const answer = el("span");
  const element = el(
    "tr",
    { role: "row" },
    el("th", { scope: "row", role: "rowheader" }, el("span", { title: process.path }, processName(process)), name),
    cell("PID", String(process.pid ?? unknown)),
    cell("Version", version),
    cell("State", state, why),
    cell("Devices", devices),
    cell("Answer", answer),
  );
  let shown = null;
  return {
    element,
    update(process) {
      const answers = process.state === "answers";
      say(name, process.name ?? "");
      say(version, process.version ?? unknown);
      say(state, answers ? "answers" : "not shown");
      mark(state, "data-tone", answers ? "good" : "bad");
      say(devices, answers ? (process.has_dmadev ? String(process.devices.length) : "none: no dmadev library") : unknown);
      say(answer, answers ? duration(process.answer_ns) : unknown);
      const reason = answers ? "" : `${process.failure} ${process.process_state ?? ""}`;
      if (reason === shown) return;
      shown = reason;
      const [title, advice] = answers ? [] : (failures[process.failure]?.(process) ?? [process.reason, []]);
      why.replaceChildren(...(answers ? [] : [el("strong", {}, title), el("p", {}, ...advice)]));
    },
  };
}

const eventTones = { joined: "good", left: "warn", destroyed: "bad" };

/** What has no time stands nowhere in a list by time. */
const isTimed = (row) => row.time_ns !== undefined;

/** Members hear of the same event at about the same time; the same event later is another one. */
const sameMoment = 2e9;

/** Shows the group events of a view, each once with all who heard of it. */
export function showEvents(parent, { snapshot }) {
  const heard = snapshot.processes
    .flatMap((process) => (process.events ?? []).filter(isTimed).map((event) => ({ process, event })))
    .sort((left, right) => right.event.time_ns - left.event.time_ns);
  const events = [];
  for (const { process, event } of heard) {
    const what = `group ${event.group_id}: domain ${shortDomain(event.domain_id)}, handler ${event.handler}`;
    const sign = `${event.event}\n${what}\n${event.domain_id}`;
    const known = events.find((known) => known.sign === sign && known.time - event.time_ns < sameMoment);
    const name = processName(process);
    if (!known) events.push({ sign, what, time: event.time_ns, kind: event.event, tellers: [name] });
    else if (!known.tellers.includes(name)) known.tellers.push(name);
  }
  const shown = events.slice(0, 12).map((event) => ({ ...event, key: [event.sign, event.time, ...event.tellers.sort()].join("\n") }));
  const none = () => ({
    element: empty("No group events yet", ["Joining, leaving and the end of an access group are told here, and by ", code("dmascope group events"), "."]),
  });
  keyed(parent, shown.length ? shown : [{ key: "none" }], (item) => item.key, (item) =>
    item.kind ? entry(item.time, item.kind, eventTones[item.kind], [item.what], `heard by ${item.tellers.join(", ")}`) : none(),
  );
}

/** Shows the failed calls and refused requests of a view. */
export function showErrors(parent, { snapshot }) {
  const calls = snapshot.processes.flatMap((process) =>
    (process.failed_calls ?? []).filter(isTimed).map((call) => ({
      key: `call\n${process.path}\n${call.number}`,
      time: call.time_ns,
      what: call.call,
      reason: call.reason,
      where: `${processName(process)}, device ${call.dev_id}, errno ${call.errno}`,
    })),
  );
  const refusals = snapshot.processes.flatMap((process) =>
    (process.refusals ?? []).filter(isTimed).map((refusal) => ({
      key: `refusal\n${process.path}\n${refusal.time_ns}\n${refusal.request}`,
      time: refusal.time_ns,
      what: "telemetry",
      reason: `${refusal.request}: ${refusal.reason}`,
      where: processName(process),
    })),
  );
  const entries = [...calls, ...refusals].sort((left, right) => right.time - left.time).slice(0, 12);
  keyed(parent, entries.length ? entries : [{ key: "none" }], (item) => item.key, (item) =>
    item.what
      ? entry(item.time, item.what, "bad", [item.reason], item.where)
      : { element: empty("Nothing failed", ["Calls that return an error and requests that get null are told here with the reason, and by ", code("dmascope errors"), "."]) },
  );
}

function entry(time, what, tone, text, where) {
  return {
    element: el(
      "div",
      { class: "entry" },
      el("time", { datetime: machineTime(time) }, timeOfDay(time)),
      el("div", {}, el("p", {}, el("span", { class: "badge small", "data-tone": tone ?? "quiet" }, what), " ", ...text), el("p", { class: "note" }, where)),
    ),
  };
}
