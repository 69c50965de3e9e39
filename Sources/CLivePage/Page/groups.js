// The access groups: members and their windows, as a picture and as a table.

import { code, el, empty, keyed, setAttr, setText } from "./dom.js";
import { bytes, plural, shortDomain } from "./format.js";
import { processName } from "./lists.js";

/** Shows the access groups of a view. */
export function showGroups(parent, view) {
  const items = view.groups.length ? view.groups.map((group) => ({ ...group, view })) : [{ key: "none", view }];
  keyed(parent, items, (item) => item.key, (item) => (item.group ? groupCard(item) : noGroups(item)));
}

function noGroups() {
  return {
    element: el(
      "div",
      { class: "card" },
      empty(
        "No access groups yet",
        ["An application creates one with createAccessGroup on a device of a controller; others join with its token. ", code("dmascope serve"), " is a controller and prints its address."],
        [code("dmascope group list"), " shows the same in a terminal."],
      ),
    ),
  };
}

function groupCard({ group }) {
  const badge = el("span", { class: "badge" });
  const facts = el("p", { class: "facts" });
  const picture = el("div", { class: "picture" });
  const rows = el("tbody", { role: "rowgroup" });
  const titles = ["Member", "Handler", "Process", "Windows"];
  const element = el(
    "article",
    { class: "card group", "aria-label": `Access group ${group.group_id}` },
    el("header", {}, el("h3", {}, `Group ${group.group_id}`), badge),
    facts,
    el(
      "div",
      { class: "sides" },
      picture,
      el(
        "table",
        { class: "members", role: "table" },
        el("caption", { class: "unseen" }, `Members of access group ${group.group_id}`),
        el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...titles.map((title) => el("th", { scope: "col", role: "columnheader" }, title)))),
        rows,
      ),
    ),
  );
  let drawn = null;
  return {
    element,
    update({ group, members: reported, reporters, view }) {
      const size = Math.max(group.size ?? 0, reported.length);
      setText(badge, group.limit === undefined ? plural(size, "member") : `${size} of ${group.limit} members`);
      setAttr(badge, "data-tone", size >= group.limit ? "warn" : "quiet");
      const controller = group.controller_id >= 0 ? `controller ${group.controller_id}` : "controller unknown";
      setText(facts, `${group.kind ?? "group"} · ${controller} · reported by ${reporters.map(processName).join(", ")}`);
      const members = reported.map((member) => ({ ...member, label: memberLabel(member, view.snapshot.processes) }));
      keyed(rows, members, (member) => member.domain_id, memberRow);
      // Drawn again only when the picture changes.
      const shape = JSON.stringify(members.map((member) => [member.domain_id, member.handler, member.label, member.windows, member.creator]));
      if (shape !== drawn) picture.replaceChildren(graph(group, members));
      drawn = shape;
    },
  };
}

/** The process of a member: by its telemetry, else by its process ID. */
function memberLabel(member, processes) {
  const domain = member.os_domain ?? null;
  const process = processes.find((process) => process.pid === member.pid && process.domain === domain);
  if (process) return processName(process);
  return `${domain ? `${domain}/` : ""}process ${member.pid ? member.pid : "unknown"}`;
}

function memberRow(member) {
  const windows = el("span");
  const owner = el("span");
  const pid = el("span", { class: "note" });
  const cell = (label, ...parts) => el("td", { role: "cell", "data-label": label }, ...parts);
  const element = el(
    "tr",
    { role: "row" },
    el("th", { scope: "row", role: "rowheader" }, el("span", { class: "mono", title: member.domain_id }, shortDomain(member.domain_id)), member.creator ? el("span", { class: "badge small", "data-tone": "accent" }, "creator") : null),
    cell("Handler", String(member.handler)),
    cell("Process", owner, pid),
    cell("Windows", windows),
  );
  return {
    element,
    update(member) {
      setText(owner, member.label);
      setText(pid, member.pid ? ` pid ${member.pid}` : "");
      setText(windows, member.windows ? `${member.windows}, ${bytes(member.window_bytes)}` : "none reported");
    },
  };
}

/** Members around their group; the line of a member whose memory others can access is thick. */
function graph(group, members) {
  const shown = members.slice(0, 12);
  const [width, height] = [360, shown.length > 2 ? 230 : 110];
  const [x, y] = [width / 2, height / 2 - (shown.length > 2 ? 0 : 8)];
  const parts = [];
  shown.forEach((member, place) => {
    const angle = Math.PI + (place * 2 * Math.PI) / shown.length;
    const [mx, my] = [x + Math.cos(angle) * 118, y + Math.sin(angle) * 72];
    parts.push(el("line", { class: member.windows ? "edge open" : "edge", x1: x, y1: y, x2: mx, y2: my }));
    const below = my >= y - 1;
    parts.push(
      el(
        "g",
        { class: member.creator ? "member creator" : "member" },
        el("title", {}, `${member.label}, domain ${member.domain_id}, handler ${member.handler}, ${plural(member.windows ?? 0, "window")}`),
        el("circle", { cx: mx, cy: my, r: 17 }),
        el("text", { class: "in", x: mx, y: my + 4 }, String(member.handler)),
        el("text", { x: mx, y: below ? my + 32 : my - 24 }, short(member.label)),
      ),
    );
  });
  const more = members.length - shown.length;
  return el(
    "svg",
    { class: "graph", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${plural(members.length, "member")} around group ${group.group_id}; the table lists them` },
    ...parts.filter((part) => part.nodeName === "line"),
    el("circle", { class: "hub", cx: x, cy: y, r: 25 }),
    el("text", { class: "hub-text", x, y: y + 4 }, `group ${group.group_id}`.length > 8 ? `g ${group.group_id}` : `group ${group.group_id}`),
    ...parts.filter((part) => part.nodeName === "g"),
    more > 0 ? el("text", { x, y: height - 6 }, `and ${more} more`) : null,
  );
}

const short = (text) => (text.length > 16 ? `${text.slice(0, 15)}…` : text);
