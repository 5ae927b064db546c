// Many connections, a bounded number at a time.

import { setTimeout as sleep } from "node:timers/promises";

/** How many connections are being made at a time. */
const AT_ONCE = 16;
/** As many rooms as one may create. */
const ROOMS_EACH = 1000;
/** Long enough for a server to finish what a burst of connections left behind. */
const SETTLE_MS = 500;

/** Like Promise.all over 0…count-1, a bounded number at a time. */
export async function inTurn(count, make) {
  const made = new Array(count);
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      made[index] = await make(index);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return made;
}

/** Idle clients, numbered from `from`. */
export function connectIdle(adapter, from, count, namespaces, options) {
  return inTurn(count, (index) => {
    return adapter.client("bench-idle", from + index, namespaces, options);
  });
}

/** Rooms that stay open, each with one member; the members are numbered from `from`. */
export async function openRooms(adapter, from, count) {
  const names = Array.from({ length: count }, (_, index) => `bench-room-${index}`);
  for (let member = from; names.length > 0; member++) {
    const { enter } = await adapter.client("bench-idle", member);
    const rooms = await enter("/rooms");
    const own = names.splice(0, ROOMS_EACH);
    await inTurn(own.length, (index) => accepted(rooms, own[index]));
  }
}

async function accepted(rooms, roomName) {
  const ack = await rooms.emitWithAck("CREATE_ROOM", { roomName });
  if (ack.status !== "ok") throw new Error(`refused: ${JSON.stringify(ack)}`);
}

export function settle() {
  return sleep(SETTLE_MS);
}
