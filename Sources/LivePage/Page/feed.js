// Receives snapshots from the server, and reconnects when the connection ends.

/** Milliseconds between polls when the server has its maximum of streams. */
const pollInterval = 5000;
/** Milliseconds between attempts to connect to a server that does not answer. */
const retryInterval = 1000;
/** Milliseconds without an event after which a stream counts as broken, for example after the machine was suspended. */
const silenceLimit = 15_000;

/**
 * Follows the server. Calls `onSnapshot(object)`, and `onState(state, detail)` with `live`, `polling` (without a stream),
 * `disconnected`, or `failing` (the server has no snapshot). Returns a function that stops it.
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

  function restartTimer() {
    clearTimeout(watch);
    watch = setTimeout(() => reconnect(true), silenceLimit);
  }

  function reconnect(wasOpen) {
    source.close();
    clearTimeout(watch);
    if (!ended) poll(wasOpen);
  }

  function connect() {
    let isOpen = false;
    source = new EventSource("/events");
    restartTimer();
    source.addEventListener("open", () => (isOpen = true));
    source.addEventListener("snapshot", (event) => {
      restartTimer();
      onState("live");
      onSnapshot(JSON.parse(event.data));
    });
    source.addEventListener("failure", (event) => {
      restartTimer();
      onState("failing", event.data);
    });
    source.addEventListener("error", () => reconnect(isOpen));
  }

  /** Distinguishes a server that does not answer from one that answers but has its maximum of streams. */
  async function poll(wasOpen) {
    try {
      const response = await fetch("/snapshot.json", { cache: "no-store" });
      const text = await response.text();
      if (ended) return;
      if (wasOpen) return connect();
      if (response.ok) {
        onState("polling", `the server has its maximum of viewers: new figures every ${pollInterval / 1000} s`);
        onSnapshot(JSON.parse(text));
      } else {
        onState("failing", text);
      }
      later(pollInterval, connect);
    } catch {
      if (ended) return;
      onState("disconnected");
      later(retryInterval, () => poll(true));
    }
  }

  connect();
  return () => {
    ended = true;
    source.close();
    clearTimeout(timer);
    clearTimeout(watch);
  };
}
