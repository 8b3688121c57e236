// Tells this page what happens in the store: each event becomes a DOM event "review:event" on document, with {seq, kind, show, shot,
// version, who, at, why} as its detail; "review:live" says with {connected} whether the line stands.
// Only a page that is seen listens: a browser opens six connections to a server, and pages in the background would take them all.
(() => {
  "use strict";
  let source = null;
  let last = null;
  let known = null;

  const say = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

  function told(connected) {
    if (connected === known) return;
    known = connected;
    document.documentElement.dataset.live = connected ? "on" : "off";
    say("review:live", { connected });
  }

  function listen() {
    if (source || document.hidden) return;
    source = new EventSource("/api/events/stream" + (last === null ? "" : `?after=${last}`));
    source.onopen = () => told(true);
    source.onmessage = (message) => {
      const event = JSON.parse(message.data);
      if (last !== null && event.seq <= last) return;
      last = event.seq;
      say("review:event", event);
    };
    source.onerror = () => {
      told(false);
      if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
      stop();
      window.setTimeout(listen, 10000); // refused: logged out, or the server is away
    };
  }

  function stop() {
    if (source) source.close();
    source = null;
  }

  // The page was made at some event: what happens between that and the first line must not be missed.
  async function begin() {
    const seen = document.querySelector('meta[name="seq"]');
    if (seen && seen.content) last = Number(seen.content);
    listen();
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
  window.addEventListener("pagehide", stop);
  begin();
})();
