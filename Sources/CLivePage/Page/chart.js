// Small charts.

import { el, setAttr, setText } from "./dom.js";
import { barsPerOctave, firstOctave, historyLength, lastOctave } from "./model.js";

/** A line chart of the last minute; the newest value is at the right. `update(values, label)` redraws it. */
export function sparkline(kind) {
  const [width, height] = [historyLength - 1, 32];
  const title = el("title");
  const area = el("path", { class: "area" });
  const line = el("path", { class: "line" });
  const element = el(
    "svg",
    { class: `sparkline ${kind}`, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" },
    title,
    el("line", { class: "ground", x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5 }),
    area,
    line,
  );
  return {
    element,
    update(values, label) {
      const top = Math.max(...values.filter((value) => value !== null), 0) * 1.15 || 1;
      const x = (place) => width - (values.length - 1 - place);
      const y = (value) => (height - 1 - (value / top) * (height - 3)).toFixed(2);
      let text = "";
      let first = null;
      let last = null;
      values.forEach((value, place) => {
        if (value === null) return;
        text += `${first === null ? "M" : "L"}${x(place)} ${y(value)}`;
        first ??= x(place);
        last = x(place);
      });
      setAttr(line, "d", text || "M0 0");
      setAttr(area, "d", text ? `${text}L${last} ${height}L${first} ${height}Z` : "M0 0");
      setText(title, label);
    },
  };
}

const ticks = [
  [1e3, "1 µs"],
  [1e6, "1 ms"],
];
const octaves = lastOctave - firstOctave;

/** Bars over a logarithmic axis of time. `update(distribution, label)` redraws them. */
export function histogram() {
  const [step, height] = [4, 34];
  const width = octaves * barsPerOctave * step;
  const title = el("title");
  const bars = Array.from({ length: octaves * barsPerOctave }, (_, place) =>
    el("rect", { x: place * step + 0.5, y: 0, width: step - 1, height, rx: 0.8 }),
  );
  const axis = ticks.flatMap(([time, text]) => {
    const x = ((Math.log2(time) - firstOctave) / octaves) * width;
    return [
      el("line", { x1: x, x2: x, y1: 0, y2: height + 3 }),
      el("text", { x: x + 3, y: height + 9.5 }, text),
    ];
  });
  const element = el(
    "svg",
    { class: "histogram", viewBox: `0 0 ${width} ${height + 12}`, role: "img" },
    title,
    el("line", { class: "ground", x1: 0, x2: width, y1: height + 0.5, y2: height + 0.5 }),
    ...axis,
    ...bars,
  );
  return {
    element,
    update(distribution, label) {
      const top = Math.max(...distribution.bars, 1);
      distribution.bars.forEach((value, place) => {
        // Square root and a minimum height, so that a few slow operations stay visible.
        const part = value === 0 ? 0 : Math.max(Math.sqrt(value / top), 0.07);
        bars[place].style.transform = `scaleY(${part.toFixed(3)})`;
      });
      element.classList.toggle("old", !distribution.isRecent);
      setText(title, label);
    },
  };
}

/** A bar for the used part of a ring. `update(used, size)` redraws it. */
export function meter() {
  const fill = el("span", { class: "fill" });
  const element = el("span", { class: "meter", "aria-hidden": "true" }, fill);
  return {
    element,
    update(used, size) {
      const part = size ? Math.min(used / size, 1) : 0;
      fill.style.transform = `scaleX(${part.toFixed(4)})`;
      setAttr(element, "data-level", part > 0.95 ? "full" : part > 0.75 ? "high" : null);
    },
  };
}
