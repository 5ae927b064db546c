// Two ways to write a stream. Both are done when the client has all of it.

/** Chunks sent before the event loop may turn. */
const BURST = 20;
/** How far an extension may be ahead of the client, in chunks. */
const WINDOW = 200;

/** As fast as it goes: bursts, one a loop turn, a bounded lead over the reader. */
export function sendFlat(stream) {
  let scheduled = false;
  const schedule = () => {
    const room = stream.sent - stream.received <= WINDOW - BURST;
    if (scheduled || !room || stream.sent === stream.chunks) return;
    scheduled = true;
    setImmediate(burst);
  };
  const burst = () => {
    scheduled = false;
    const stop = Math.min(stream.chunks, stream.sent + BURST);
    while (stream.sent < stop) stream.sendChunk();
    if (stream.sent === stream.chunks) stream.end();
    else schedule();
  };
  stream.onReceived = schedule;
  stream.start();
  schedule();
  return stream.ended;
}

/** At a steady rate, as a language model would; streams begin out of step. */
export function sendPaced(stream, { rate, streams }) {
  const interval = 1000 / rate;
  const first = performance.now() + (interval * stream.number) / streams;
  const tick = () => {
    stream.sendChunk();
    if (stream.sent === stream.chunks) stream.end();
    else setTimeout(tick, Math.max(0, first + stream.sent * interval - performance.now()));
  };
  stream.start();
  setTimeout(tick, first - performance.now());
  return stream.ended;
}
