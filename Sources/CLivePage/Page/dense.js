// Tables with many rows: with a filter, and an order for each column. Only the first rows are built.

import { el, keyed, setAttr, setText } from "./dom.js";
import { plural } from "./format.js";
import { anchor } from "./trouble.js";

/** Rows that are shown at first, and with each press of the button. */
const step = 50;

/** Compares names as people count: dma2 before dma10. */
export const natural = new Intl.Collator("en", { numeric: true }).compare;

let filter = "";

/** Shows only rows with this text from now on. */
export function setFilter(text) {
  filter = text.trim().toLowerCase();
}

/** Whether one of the texts contains the filter's. */
export const matches = (texts) => filter === "" || texts.some((text) => String(text ?? "").toLowerCase().includes(filter));

/** The button for rows that are not shown, and the number of those that are. */
export function moreButton(one, change) {
  let limit = step;
  const button = el("button", { type: "button", class: "more" });
  button.addEventListener("click", () => {
    limit += step;
    change();
  });
  return {
    element: button,
    limit: () => limit,
    update(total) {
      button.hidden = total <= limit;
      setText(button, `Show ${Math.min(step, total - limit)} more (${limit} of ${plural(total, one, one.endsWith("s") ? `${one}es` : `${one}s`)} are shown)`);
    },
  };
}

/**
 * A table of items. A column has a `title` and a `text(item)`; `value(item)`: the number that it is ordered by; `tone(item)`: a
 * badge of that tone. `rank(item)`: rows with lower ranks are first, whatever the order. `texts(item)`: what the filter looks
 * at. `open(item)`: what a row opens to. The first column's text names the row.
 */
export function denseTable(columns, { caption, one, key, texts, rank, open }) {
  const isOpen = new Set();
  let order = null;
  let isFalling = false;
  let latest = [];

  const headers = columns.map((column) => {
    const button = el("button", { type: "button", class: "sort" }, column.title);
    button.addEventListener("click", () => {
      // Figures begin with the greatest.
      [order, isFalling] = order === column ? [column, !isFalling] : [column, column.value !== undefined];
      show();
    });
    return el("th", { scope: "col", role: "columnheader" }, button);
  });
  const rows = el("tbody", { role: "rowgroup" });
  const none = el("p", { class: "note", hidden: "" }, "No row contains the text of the filter.");
  const more = moreButton(one, () => show());
  const element = el(
    "div",
    { class: "card" },
    el(
      "table",
      { class: "dense", role: "table" },
      el("caption", { class: "unseen" }, caption),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...headers)),
      rows,
    ),
    none,
    more.element,
  );

  function compare(left, right) {
    if (left.rank !== right.rank) return left.rank - right.rank;
    if (order?.value) {
      const [first, second] = [order.value(left.item) ?? -1, order.value(right.item) ?? -1];
      if (first !== second) return isFalling ? second - first : first - second;
    } else if (order) {
      const result = natural(order.text(left.item), order.text(right.item));
      if (result !== 0) return isFalling ? -result : result;
    }
    return natural(left.name, right.name);
  }

  function show() {
    headers.forEach((header, place) => setAttr(header, "aria-sort", columns[place] === order ? (isFalling ? "descending" : "ascending") : null));
    const found = latest
      .filter((item) => matches(texts(item)))
      .map((item) => ({ item, rank: rank(item), name: texts(item).slice(0, 2).reverse().join(" ") }))
      .sort(compare);
    const shown = found.filter(({ item }, place) => place < more.limit() || isOpen.has(key(item)));
    none.hidden = found.length > 0;
    more.update(found.length);
    const built = shown.flatMap(({ item }) => {
      const name = key(item);
      return isOpen.has(name) ? [{ name, item }, { name: `${name}\nopen`, item }] : [{ name, item }];
    });
    keyed(rows, built, (row) => row.name, (row) => (row.name === key(row.item) ? closedRow(row.item) : openRow(row.item)));
  }

  function closedRow(item) {
    const name = key(item);
    const toggle = el("button", { type: "button", class: "toggle" }, columns[0].text(item));
    toggle.addEventListener("click", () => {
      if (!isOpen.delete(name)) isOpen.add(name);
      show();
    });
    const cells = columns.slice(1).map((column) => el(column.tone ? "span" : "td", column.tone ? { class: "badge small" } : { role: "cell", "data-label": column.title }));
    const parts = columns.slice(1).map((column, place) => (column.tone ? el("td", { role: "cell", "data-label": column.title }, cells[place]) : cells[place]));
    return {
      element: el("tr", { role: "row", id: anchor(name), tabindex: "-1" }, el("th", { scope: "row", role: "rowheader" }, toggle), ...parts),
      update({ item }) {
        setAttr(toggle, "aria-expanded", isOpen.has(name));
        columns.slice(1).forEach((column, place) => {
          setText(cells[place], column.text(item));
          if (column.tone) setAttr(cells[place], "data-tone", column.tone(item));
        });
      },
    };
  }

  function openRow(item) {
    const view = open(item);
    return {
      element: el("tr", { role: "row", class: "opened" }, el("td", { role: "cell", colspan: columns.length }, view.element)),
      update: ({ item }) => view.update(item),
    };
  }

  return {
    element,
    update({ items }) {
      latest = items;
      const keys = new Set(items.map(key));
      for (const name of isOpen) if (!keys.has(name)) isOpen.delete(name);
      show();
    },
    open(name) {
      isOpen.add(name);
      show();
    },
  };
}
