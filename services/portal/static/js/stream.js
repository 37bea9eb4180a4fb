// One event stream for all tabs of a browser that show the same events to the same reader.
//
// Over HTTP/1.1 a browser opens six connections to a host, and a stream keeps one: with a stream each, the seventh tab would never
// load. So one tab holds the stream (Web Locks) and tells the others (BroadcastChannel); the browser gives the lock to the next tab
// when that one is closed. Where the browser has neither, which is so without TLS, each tab has its own stream (docs/decisions/0108).

const SHORTEST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 60_000;
const BEAT_MS = 15_000;
const SILENCE_MS = 40_000;
/** Streams of one browser whatever they are for, so that as many connections are left for pages. */
const STREAMS = 3;

const canShare = 'locks' in navigator && 'BroadcastChannel' in window;
const aborted = (signal) => new Promise((done) => { signal.addEventListener('abort', done, { once: true }); });

/** Keep an event stream open until `signal` aborts, and `tell` what becomes of it: `open`, `cut` (the browser comes back by
 *  itself, and the server sends what was missed), `lost` (it was refused or closed: another one is asked for later), `event`. */
async function hold(url, types, tell, signal) {
  let source = null;
  let returning = null;
  let fresh = true;
  let wait = SHORTEST_WAIT_MS;
  const comeAgain = () => {
    source.close();
    fresh = true;
    tell({ kind: 'lost' });
    returning = setTimeout(connect, wait * (1 + Math.random()));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  };
  const connect = () => {
    source = new EventSource(url);
    source.addEventListener('open', () => {
      tell({ kind: 'open', fresh });
      fresh = false;
      wait = SHORTEST_WAIT_MS;
    });
    source.addEventListener('error', () => (source.readyState === EventSource.CLOSED ? comeAgain() : tell({ kind: 'cut' })));
    source.addEventListener('closed', comeAgain);
    for (const type of types) {
      source.addEventListener(type, (event) => tell({ kind: 'event', type, data: event.data }));
    }
  };
  if (signal.aborted) return;
  connect();
  await aborted(signal);
  clearTimeout(returning);
  source.close();
}

/** Run `work` in one of this browser's places for a stream, as soon as one is free; `onFull` is called if none is at once. */
async function inPlace(work, onFull, signal) {
  for (let place = 1; place <= STREAMS; place += 1) {
    const options = { ifAvailable: true };
    const ran = await navigator.locks.request(`portal-stream-${place}`, options, async (lock) => { if (lock) await work(); return lock; });
    if (ran) return;
  }
  onFull();
  await navigator.locks.request(`portal-stream-${1 + Math.floor(Math.random() * STREAMS)}`, { signal }, work);
}

/** Follow the stream at `url` with all tabs of the same `reader`; `hear` is called with what `hold` tells, whichever tab holds
 *  it. Answers how to leave. */
export function follow({ url, reader, types, hear }) {
  let attempt = new AbortController();
  if (!canShare) {
    hold(url, types, hear, attempt.signal);
    return () => attempt.abort();
  }
  const name = `portal-events ${reader} ${url}`;
  const channel = new BroadcastChannel(name);
  let holds = false;
  let state = 'cut'; // of the stream that this tab holds
  let silence = null;
  const tell = (news) => {
    if (news.kind !== 'event') state = news.kind === 'open' ? 'open' : 'cut';
    channel.postMessage(news);
    hear(news);
  };
  const assure = () => { if (holds) channel.postMessage({ kind: state }); };

  async function queue(options = {}) {
    attempt = new AbortController();
    const { signal } = attempt;
    const lead = async () => {
      holds = true;
      clearTimeout(silence);
      const beat = setInterval(assure, BEAT_MS);
      try {
        await inPlace(() => hold(url, types, tell, signal), () => tell({ kind: 'cut' }), signal);
      } finally {
        clearInterval(beat);
      }
    };
    try {
      await navigator.locks.request(name, options.steal ? options : { signal }, lead);
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
    }
    if (signal.aborted) return;
    attempt.abort(); // another tab heard nothing from this one, and took the stream over
    holds = false;
    queue();
  }

  /** The tab that holds the stream is stuck, if nothing is heard for so long: this one takes it over. */
  function listen() {
    clearTimeout(silence);
    silence = setTimeout(() => {
      hear({ kind: 'cut' });
      attempt.abort();
      queue({ steal: true });
    }, SILENCE_MS);
  }

  channel.addEventListener('message', ({ data }) => {
    if (data.kind === 'hello') {
      assure();
      return;
    }
    if (!holds) listen();
    hear(data);
  });
  channel.postMessage({ kind: 'hello' });
  queue();
  return () => {
    clearTimeout(silence);
    attempt.abort();
    channel.close();
  };
}
