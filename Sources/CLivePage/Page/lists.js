// The processes, and their recent events and errors.

import { matches, moreButton, natural } from "./dense.js";
import { code, el, empty, keyed, setAttr, setText } from "./dom.js";
import { duration, machineTime, plural, shortDomain, timeOfDay, unknown } from "./format.js";
import { anchor, processKey } from "./trouble.js";

const shortName = ({ domain, prefix, instance }) => `${domain ? `${domain}/` : ""}${prefix}${instance ? `:${instance}` : ""}`;

/** The short names of the snapshot that several processes have, in different directories. */
let ambiguous = new Set();

/** Remembers which names the processes of a snapshot share. */
export function setNames({ processes }) {
  const names = processes.map(shortName);
  ambiguous = new Set(names.filter((name, number) => names.indexOf(name) !== number));
}

/** The name of a process: its guest, its file prefix and its number, with the directory when others have the same. */
export function processName(process) {
  const name = shortName(process);
  return name === "" || ambiguous.has(name) ? `${process.run_directory}/${name}` : name;
}

/** States of processes that nobody could look at: what the badge says. */
const unread = { untrusted: "not trusted", permissionDenied: "not permitted", unreadable: "cannot look" };

/** What the badge of a process says. */
export const processState = (process) => (process.state === "answers" ? "answers" : (unread[process.failure] ?? "not shown"));

const owner = (process) => (typeof process.owner_uid === "number" ? `user ${process.owner_uid}` : "another user");

/** Why a process is not shown, and what to do. */
const failures = {
  timedOut: (process) => [
    "It accepts connections and does not answer",
    process.process_state?.startsWith("T")
      ? [`Process ${process.pid} is stopped; `, code(`kill -CONT ${process.pid}`), " continues it."]
      : ["It hangs, or is too busy to answer in time. ", code(`dmascope query ${process.path} /info`), " has a longer timeout."],
  ],
  untrusted: (process) => [
    `It belongs to user ${process.untrusted_uid}, who is not trusted`,
    ["Its telemetry is not read. If you trust this user, start dmascope serve with ", code(`--trust-user ${process.untrusted_uid}`), "."],
  ],
  permissionDenied: (process) => [
    `It belongs to ${owner(process)}, and this user may not read it`,
    ["Nothing is known of its devices. Run dmascope serve as that user, or as root."],
  ],
  unreadable: (process) => [
    `This directory of ${owner(process)} cannot be read`,
    ["It may have further processes, of which nothing is known: ", code(process.reason ?? ""), ". Run dmascope serve as root, or correct the directory."],
  ],
  incomplete: (process) => ["It does not answer about a part of its devices", [code(process.reason ?? "")]],
  notTelemetry: () => ["The listener on this socket is no telemetry server", ["Its first message is not that of a telemetry server. Check the path of the socket."]],
  invalidJSON: () => ["Its reply is not JSON", ["The replies of DPDK are no valid JSON when a name contains a quote or a byte above 127."]],
  disconnected: () => ["It closed the connection", ["It is ending, or has its maximum of clients: 10 for DPDK."]],
  notFound: () => ["The socket does not exist", ["Start the process, or run dmascope serve without this --socket."]],
  refused: () => ["No process listens on this socket", ["Its process has ended; start it again."]],
  tooLong: () => ["Its reply is too long", ["Query single devices with dmascope query."]],
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
      ["Searched in ", ...snapshot.searched.flatMap((path, number) => [number ? ", " : "", code(path)]), "."],
      ["Start ", code("dmascope serve"), " or a DPDK application as this user; add other sockets with --socket."],
    ),
  );
  return { element };
}

function processTable() {
  const titles = ["Process", "PID", "Version", "State", "Devices", "Answer"];
  const rows = el("tbody", { role: "rowgroup" });
  const others = el("p", { class: "facts" });
  let latest = [];
  const more = moreButton("process", () => show());
  function show() {
    const found = latest.filter((process) => matches([processName(process), process.name, processState(process), process.pid]));
    keyed(rows, found.slice(0, more.limit()), processKey, processRow);
    more.update(found.length);
  }
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
    more.element,
    others,
  );
  return {
    element,
    update({ snapshot }) {
      const rank = (process) => (process.state === "answers" ? 1 : 0);
      latest = [...snapshot.processes].sort(
        (left, right) => rank(left) - rank(right) || natural(processName(left), processName(right)),
      );
      show();
      const facts = [];
      if (snapshot.stale_sockets) facts.push(`${plural(snapshot.stale_sockets, "socket")} without a listener: the processes were killed`);
      if (snapshot.omitted_untrusted_sockets) facts.push(`${plural(snapshot.omitted_untrusted_sockets, "further socket")} of users who are not trusted`);
      if (snapshot.omitted_unread_places) facts.push(`${plural(snapshot.omitted_unread_places, "further place")} that cannot be looked at`);
      setText(others, facts.join("; "));
      others.hidden = facts.length === 0;
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
    { role: "row", id: anchor(processKey(process)), tabindex: "-1" },
    el("th", { scope: "row", role: "rowheader" }, el("span", { title: process.path }, processName(process)), name),
    cell("PID", process.pid_claimed ? `${process.pid} (claimed)` : String(process.pid ?? unknown)),
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
      setText(name, [process.name, process.owner && `user ${process.owner}`].filter(Boolean).join(", "));
      setText(version, process.version ?? unknown);
      setText(state, processState(process));
      setAttr(state, "data-tone", answers ? "good" : unread[process.failure] ? "warn" : "bad");
      setText(devices, answers ? (process.has_dmadev ? String(process.devices.length) : "none: no dmadev library") : unknown);
      setText(answer, answers ? duration(process.answer_ns) : unknown);
      const reason = answers ? "" : `${process.failure} ${process.process_state ?? ""}`;
      if (reason === shown) return;
      shown = reason;
      const [title, advice] = answers ? [] : (failures[process.failure]?.(process) ?? [process.reason, []]);
      why.replaceChildren(...(answers ? [] : [el("strong", {}, title), el("p", {}, ...advice)]));
    },
  };
}

const eventTones = { created: "good", joined: "good", left: "warn", died: "bad", destroyed: "bad", denied: "bad" };

/** What an event says beyond its kind, group and domain. */
function eventDetail(event) {
  if (event.uid !== undefined) return `user ${event.uid}`;
  // A window's address is a multiple of 4096 above 2^63: a number of JavaScript holds it exactly.
  const isWindow = event.iova !== undefined && event.length !== undefined;
  const detail = isWindow ? `, ${event.length} bytes from 0x${event.iova.toString(16)}` : event.reason ? `, ${event.reason}` : "";
  return `handler ${event.handler}${detail}`;
}

/** Rows without a time cannot be sorted by time and are left out. */
const isTimed = (row) => row.time_ns !== undefined;

/** Nanoseconds within which equal events of several members are shown as one event. */
const sameEventInterval = 2e9;

/** Shows the group events of a view. An event that several processes report is shown once, with their names. */
export function showEvents(parent, { snapshot }) {
  const reports = snapshot.processes
    .flatMap((process) => (process.events ?? []).filter(isTimed).map((event) => ({ process, event })))
    .sort((left, right) => right.event.time_ns - left.event.time_ns);
  const events = [];
  for (const { process, event } of reports) {
    const what = `group ${event.group_id}: domain ${shortDomain(event.domain_id)}, ${eventDetail(event)}`;
    const sign = `${event.event}\n${what}\n${event.domain_id}`;
    const known = events.find((known) => known.sign === sign && known.time - event.time_ns < sameEventInterval);
    const name = processName(process);
    if (!known) events.push({ sign, what, time: event.time_ns, kind: event.event, reporters: [name] });
    else if (!known.reporters.includes(name)) known.reporters.push(name);
  }
  const shown = events.slice(0, 12).map((event) => ({ ...event, key: [event.sign, event.time, ...event.reporters.sort()].join("\n") }));
  const none = () => ({
    element: empty("No group events yet", ["This list shows when access groups are created and destroyed, domains join, leave or are denied, and windows are opened and closed. The same in a terminal: ", code("dmascope group events"), "."]),
  });
  keyed(parent, shown.length ? shown : [{ key: "none" }], (item) => item.key, (item) =>
    item.kind ? entry(item.time, item.kind, eventTones[item.kind], [item.what], `reported by ${item.reporters.join(", ")}`) : none(),
  );
}

/** Shows the failed calls and refused requests of a view. */
export function showErrors(parent, { snapshot }) {
  const calls = snapshot.processes.flatMap((process) =>
    (process.failed_calls ?? []).filter((call) => call.last_ns > 0).map((call) => ({
      key: `call\n${process.path}\n${call.call}\n${call.dev_id}\n${call.vchan}\n${call.reason}`,
      time: call.last_ns,
      what: call.count > 1 ? `${call.call} × ${call.count}` : call.call,
      reason: call.reason,
      where: `${processName(process)}${call.dev_id >= 0 ? `, device ${call.dev_id}` : ""}${call.vchan >= 0 ? `, vchan ${call.vchan}` : ""}, errno ${call.errno}`,
    })),
  );
  const requests = snapshot.processes.flatMap((process) =>
    (process.failed_requests ?? []).filter(isTimed).map((request) => ({
      key: `request\n${process.path}\n${request.time_ns}\n${request.request}`,
      time: request.time_ns,
      what: "telemetry",
      reason: `${request.request}: ${request.reason}`,
      where: processName(process),
    })),
  );
  const entries = [...calls, ...requests].sort((left, right) => right.time - left.time).slice(0, 12);
  keyed(parent, entries.length ? entries : [{ key: "none" }], (item) => item.key, (item) =>
    item.what
      ? entry(item.time, item.what, "bad", [item.reason], item.where)
      : { element: empty("Nothing failed", ["This list shows calls that returned an error and requests whose reply was null, with the reason. The same in a terminal: ", code("dmascope errors"), "."]) },
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
