// The strip above the figures: what is wrong now, each with a link to it.

import { el, keyed, setText } from "./dom.js";
import { plural, rate } from "./format.js";
import { processName, processState } from "./lists.js";

/** The most items; the rest is only counted. */
const limit = 12;

const anchors = new Map();

/** Called with the key of a device or process before a link to it is followed. */
let reveal = () => {};
export const onReveal = (action) => (reveal = action);

/** The id of the element of a device or process with this key: the names of untrusted peers are no ids. */
export function anchor(key) {
  if (!anchors.has(key)) anchors.set(key, `item-${anchors.size}`);
  return anchors.get(key);
}

/** The key of a process in the table. */
export const processKey = (process) => `${process.path}\n${process.pid}`;

/** What is wrong in a view, the worst first. */
function troubles(view) {
  const items = [];
  for (const process of view.snapshot.processes) {
    if (process.state === "answers") continue;
    const word = processState(process).replace("not shown", "unreachable");
    items.push({ rank: word === "unreachable" ? 0 : 4, word, what: processName(process), target: processKey(process) });
  }
  for (const { key, process, device, channels } of view.devices) {
    const name = `${processName(process)}: ${device.name ?? `device ${device.id}`}`;
    for (const [rank, state] of [[1, "halted"], [2, "stuck"]]) {
      const found = channels.filter(({ channel }) => channel.state === state);
      if (found.length) items.push({ rank, word: state, what: `${name} ${which(found)}`, target: key });
    }
    const failing = channels.filter(({ rates }) => rates.errors > 0);
    const failures = failing.reduce((total, { rates }) => total + rates.errors, 0);
    if (failing.length) items.push({ rank: 3, word: "failing", what: `${name} ${which(failing)}`, note: rate(failures), target: key });
  }
  return items.sort((left, right) => left.rank - right.rank);
}

const which = (channels) => (channels.length === 1 ? `vchan ${channels[0].channel.vchan}` : plural(channels.length, "channel"));

/** Shows what is wrong; nothing if nothing is. */
export function showTrouble(section, list, view) {
  const items = troubles(view);
  section.hidden = items.length === 0;
  const shown = items.slice(0, limit);
  if (items.length > limit) shown.push({ word: "more", what: `${items.length - limit} more`, target: null });
  keyed(list, shown, (item) => `${item.word}\n${item.target}`, troubleItem);
}

function troubleItem({ word, target }) {
  const text = el("a", target === null ? {} : { href: `#${anchor(target)}` });
  if (target !== null) text.addEventListener("click", () => reveal(target));
  const note = el("span", { class: "note" });
  const tone = word.startsWith("not ") || word === "cannot look" ? "warn" : "bad";
  return {
    element: el("li", {}, target === null ? null : el("span", { class: "badge small", "data-tone": tone }, word), " ", text, " ", note),
    update({ what, note: figure }) {
      setText(text, what);
      setText(note, figure ?? "");
    },
  };
}
