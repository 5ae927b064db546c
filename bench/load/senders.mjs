// Two ways to write a stream. Both are done when its readers have all of it.

/** Chunks sent before the event loop may turn. */
const BURST = 20;
/** How far an extension may be ahead of its slowest reader, in chunks. */
const WINDOW = 200;

/** As fast as it goes: bursts, one a loop turn, a bounded lead over the readers. */
export function sendFlat(stream) {
  let scheduled = false;
  const schedule = () => {
    const room = stream.sent - stream.received <= WINDOW - BURST;
    if (scheduled || !room || stream.sent >= stream.chunks) return;
    scheduled = true;
    setImmediate(burst);
  };
  const burst = () => {
    scheduled = false;
    const stop = Math.min(stream.chunks, stream.sent + BURST);
    while (stream.sent < stop) stream.sendChunk();
    schedule();
  };
  stream.onReceived = schedule;
  schedule();
  return stream.arrived;
}

/** At a steady rate, as a language model would; streams begin out of step. */
export function sendPaced(stream, { rate, streams }) {
  const interval = 1000 / rate;
  const first = performance.now() + (interval * stream.number) / streams;
  const begun = stream.sent;
  const due = () => first + (stream.sent - begun) * interval - performance.now();
  const tick = () => {
    if (stream.sent >= stream.chunks) return;
    stream.sendChunk();
    setTimeout(tick, Math.max(0, due()));
  };
  setTimeout(tick, due());
  return stream.arrived;
}
