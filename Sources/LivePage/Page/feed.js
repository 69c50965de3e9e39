// Snapshots from the server, again and again, whatever becomes of the connection.

/** How often a snapshot is asked for when there are as many streams as may be. */
const askInterval = 5000;
/** How often a server that is away is tried. */
const retryInterval = 1000;
/** A stream that is silent for so long is taken for dead, as after the machine slept. */
const silenceLimit = 15_000;

/**
 * Follows the server. Calls `onSnapshot(object)`, and `onState(state, detail)` with `live`, `asking` (without a stream),
 * `away`, or `failing` (the server has no snapshot). Gives a function that ends it.
 */
export function follow(onSnapshot, onState) {
  let source = null;
  let timer = null;
  let watch = null;
  let ended = false;

  function later(milliseconds, action) {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  }

  function hear() {
    clearTimeout(watch);
    watch = setTimeout(() => lose(true), silenceLimit);
  }

  function lose(wasOpen) {
    source.close();
    clearTimeout(watch);
    if (!ended) ask(wasOpen);
  }

  function listen() {
    let isOpen = false;
    source = new EventSource("/events");
    hear();
    source.addEventListener("open", () => (isOpen = true));
    source.addEventListener("snapshot", (event) => {
      hear();
      onState("live");
      onSnapshot(JSON.parse(event.data));
    });
    source.addEventListener("failure", (event) => {
      hear();
      onState("failing", event.data);
    });
    source.addEventListener("error", () => lose(isOpen));
  }

  /** Tells a server that has gone from one that has no stream to give but answers. */
  async function ask(wasOpen) {
    try {
      const response = await fetch("/snapshot.json", { cache: "no-store" });
      const text = await response.text();
      if (ended) return;
      if (wasOpen) return listen();
      if (response.ok) {
        onState("asking", `as many viewers as may be: figures every ${askInterval / 1000} s`);
        onSnapshot(JSON.parse(text));
      } else {
        onState("failing", text);
      }
      later(askInterval, listen);
    } catch {
      if (ended) return;
      onState("away");
      later(retryInterval, () => ask(true));
    }
  }

  listen();
  return () => {
    ended = true;
    source.close();
    clearTimeout(timer);
    clearTimeout(watch);
  };
}
