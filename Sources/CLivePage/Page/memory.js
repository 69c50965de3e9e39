// Memory from elsewhere: the dma-bufs of the machine, the regions of processes, and attachments to buffers.

import { el, keyed, setAttr, setText } from "./dom.js";
import { bytes, count, duration, plural, unknown } from "./format.js";
import { processName } from "./lists.js";

const tones = { mapped: "good", revoking: "warn", dead: "bad" };
const address = (value) => (value === undefined ? unknown : `0x${value.toString(16)}`);
const list = (texts) => texts.filter(Boolean).join("; ");

/** Shows the memory of a view. The section and its link are hidden when there is none. */
export function showMemory(section, link, parent, { snapshot }) {
  const cards = [buffersCard(snapshot.dmabufs), regionsCard(snapshot.processes), attachmentsCard(snapshot.processes)].filter(Boolean);
  section.hidden = cards.length === 0;
  link.hidden = section.hidden;
  keyed(parent, cards, (item) => item.key, card);
}

/** The dma-bufs of the machine, which processes share whether or not they have telemetry. */
function buffersCard(inventory) {
  if (!inventory?.count) return null;
  return {
    key: "buffers",
    title: "dma-bufs of this machine",
    badge: plural(inventory.count, "buffer"),
    facts: [
      bytes(inventory.bytes),
      more(inventory.count, inventory.buffers),
      inventory.unreadable_processes ? `${plural(inventory.unreadable_processes, "process", "processes")} may have more: this user cannot look into them` : "",
    ],
    titles: ["Inode", "Exporter", "Name", "Size", "Processes"],
    rows: inventory.buffers.map((buffer) => ({
      key: String(buffer.inode),
      cells: [
        String(buffer.inode),
        buffer.exporter ?? unknown,
        buffer.name ?? unknown,
        bytes(buffer.size),
        `${buffer.holders.map((holder) => `${holder.name} (${holder.pid})`).join(", ")}${buffer.holder_count > buffer.holders.length ? " …" : ""}` || unknown,
      ],
    })),
  };
}

/** The external memory that processes have registered. */
function regionsCard(processes) {
  const owners = processes.filter((process) => process.memory?.count > 0);
  if (!owners.length) return null;
  const kinds = new Map();
  for (const kind of owners.flatMap((process) => process.memory.kinds)) {
    const sum = kinds.get(kind.kind) ?? { regions: 0, bytes: 0 };
    kinds.set(kind.kind, { regions: sum.regions + (kind.regions ?? 0), bytes: sum.bytes + (kind.bytes ?? 0) });
  }
  const total = owners.reduce((sum, process) => sum + process.memory.count, 0);
  const regions = owners.flatMap((process) => process.memory.regions.map((region) => ({ process, region })));
  return {
    key: "regions",
    title: "Regions of processes",
    badge: plural(total, "region"),
    facts: [...[...kinds].map(([kind, sum]) => `${kind}: ${sum.regions}, ${bytes(sum.bytes)}`), more(total, regions)],
    titles: ["Process", "Address", "Size", "Kind", "File", "Used by"],
    rows: regions.map(({ process, region }) => ({
      key: `${process.path}\n${process.pid}\n${region.region}`,
      cells: [
        processName(process),
        address(region.address),
        bytes(region.length),
        region.kind ?? unknown,
        region.inode === undefined ? "none" : `${region.exporter ?? unknown}, inode ${region.inode}`,
        list(region.uses) || "nobody",
      ],
    })),
  };
}

/** The attachments of importers to buffers of exporters. */
function attachmentsCard(processes) {
  const owners = processes.filter(({ interconnects }) => interconnects?.count > 0 || interconnects?.revocations > 0);
  if (!owners.length) return null;
  const sum = (name) => owners.reduce((sum, process) => sum + (process.interconnects[name] ?? 0), 0);
  const attachments = owners.flatMap((process) => process.interconnects.attachments.map((attachment) => ({ process, attachment })));
  const fallBacks = owners.flatMap((process) => process.interconnects.fallbacks);
  const states = new Map();
  for (const [state, number] of owners.flatMap((process) => Object.entries(process.interconnects.states))) states.set(state, (states.get(state) ?? 0) + number);
  return {
    key: "attachments",
    title: "Attachments",
    badge: plural(sum("count"), "attachment"),
    facts: [
      [...states].filter(([, number]) => number > 0).map(([state, number]) => `${number} ${state}`).join(", "),
      `${bytes(sum("mapped_bytes"))} mapped`,
      plural(sum("revocations"), "revocation") + (sum("revocation_timeouts") ? `, ${sum("revocation_timeouts")} not in time` : ""),
      plural(fallBacks.reduce((sum, row) => sum + (row.count ?? 0), 0), "fall-back"),
      sum("failures") ? plural(sum("failures"), "failed call") : "",
      more(sum("count"), attachments),
    ],
    titles: ["Attachment", "State", "Buffer", "Importer", "Interconnect", "Mapped"],
    rows: attachments.map(({ process, attachment }) => ({
      key: `${process.path}\n${process.pid}\n${attachment.id}`,
      tone: tones[attachment.state] ?? "quiet",
      cells: [
        `${processName(process)} ${attachment.id ?? unknown}`,
        attachment.state ?? unknown,
        `${attachment.exporter ?? unknown}, ${bytes(attachment.bytes)}${attachment.inode ? `, inode ${attachment.inode}` : ""}`,
        attachment.importer ?? unknown,
        [attachment.interconnect ?? unknown, list(attachment.fallbacks.map((row) => `${row.interconnect}: ${row.reason}`)) || attachment.choice].filter(Boolean).join(": "),
        list([
          attachment.nb_ranges === undefined ? "no" : `${attachment.direction ?? ""} ${plural(attachment.nb_ranges, "range")}`.trim(),
          attachment.revoked_ns === undefined ? "" : `revoked ${duration(attachment.revoked_ns)} ago`,
          attachment.last_error,
        ]),
      ],
    })),
  };
}

const more = (total, rows) => (total > rows.length ? `${count(total - rows.length)} more are not shown` : "");

function card({ title, titles }) {
  const badge = el("span", { class: "badge" });
  const facts = el("p", { class: "facts" });
  const rows = el("tbody", { role: "rowgroup" });
  const element = el(
    "article",
    { class: "card", "aria-label": title },
    el("header", {}, el("h3", {}, title), badge),
    facts,
    el(
      "table",
      { class: "memory", role: "table" },
      el("caption", { class: "unseen" }, title),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...titles.map((text) => el("th", { scope: "col", role: "columnheader" }, text)))),
      rows,
    ),
  );
  return {
    element,
    update(item) {
      setText(badge, item.badge);
      setText(facts, item.facts.filter(Boolean).join(" · "));
      keyed(rows, item.rows, (row) => row.key, (row) => tableRow(row, titles));
    },
  };
}

/** A row of texts. The second one is a badge when the row has a tone. */
function tableRow({ cells, tone }, titles) {
  const texts = cells.map((_, place) => el("span", place === 1 && tone ? { class: "badge small" } : {}));
  const element = el(
    "tr",
    { role: "row" },
    ...texts.map((text, place) => (place === 0 ? el("th", { scope: "row", role: "rowheader" }, text) : el("td", { role: "cell", "data-label": titles[place] }, text))),
  );
  return {
    element,
    update({ cells, tone }) {
      cells.forEach((cell, place) => setText(texts[place], cell));
      if (tone) setAttr(texts[1], "data-tone", tone);
    },
  };
}
