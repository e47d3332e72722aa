// One stream of events per browser: the tab that holds the lock listens and tells the others. HTTP/1.1 allows a browser
// six connections to a server, and six open tabs would take them all.
const CHANNEL = "odzew.events";

export function listen({ onEvent, onState }) {
  const others = new BroadcastChannel(CHANNEL);
  others.onmessage = ({ data }) => (data.state === undefined ? onEvent(data) : onState(data.state));
  const tell = (data) => {
    others.postMessage(data);
    if (data.state === undefined) onEvent(data);
    else onState(data.state);
  };
  const open = () =>
    new Promise(() => {
      const source = new EventSource("/api/events");
      let lost = null;
      source.onopen = () => {
        clearTimeout(lost);
        lost = null;
        tell({ state: true });
      };
      source.onerror = () => {
        // A short break is mended by the browser itself; only a longer one is worth a word.
        lost ??= setTimeout(() => tell({ state: false }), 4000);
        if (source.readyState === EventSource.CLOSED) setTimeout(() => reopen(source), 3000);
      };
      source.onmessage = ({ data }) => tell(JSON.parse(data));
    });
  const reopen = (dead) => {
    dead.close();
    open();
  };
  if (navigator.locks) navigator.locks.request(CHANNEL, open);
  else open();
  addEventListener("offline", () => onState(false));
}
