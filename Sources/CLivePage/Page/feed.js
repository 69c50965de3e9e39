// Receives snapshots from the server, and reconnects when the connection ends. Addresses are relative to the page's: a proxy
// may have it at another path.

/** Milliseconds between polls when the server has its maximum of streams. */
const pollInterval = 5000;
/** Milliseconds between attempts to connect to a server that does not answer. */
const retryInterval = 1000;
/** Milliseconds without an event after which a stream counts as broken, for example after the machine was suspended. */
const silenceLimit = 15_000;

/**
 * Follows the server. Calls `onSnapshot(object)`, and `onState(state, detail)` with `live`, `polling` (without a stream),
 * `disconnected`, or `failing` (the server has no snapshot). While the page is hidden it has no connection: a browser opens at
 * most six to a server, for all tabs together.
 */
export function follow(onSnapshot, onState) {
  let source = null;
  let timer = null;
  let watch = null;
  /** Increases when the page is hidden: replies of requests from before do not count. */
  let turn = 0;

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
    poll(wasOpen);
  }

  function connect() {
    let isOpen = false;
    source = new EventSource("events");
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
    const started = turn;
    try {
      const response = await fetch("snapshot.json", { cache: "no-store" });
      const text = await response.text();
      if (started !== turn) return;
      if (wasOpen) return connect();
      if (response.ok) {
        onState("polling", `the server has its maximum of viewers: new figures every ${pollInterval / 1000} s`);
        onSnapshot(JSON.parse(text));
      } else {
        onState("failing", text);
      }
      later(pollInterval, connect);
    } catch {
      if (started !== turn) return;
      onState("disconnected");
      later(retryInterval, () => poll(true));
    }
  }

  function stop() {
    turn += 1;
    source?.close();
    clearTimeout(timer);
    clearTimeout(watch);
  }

  document.addEventListener("visibilitychange", () => {
    stop();
    if (!document.hidden) connect();
  });
  if (!document.hidden) connect();
}
