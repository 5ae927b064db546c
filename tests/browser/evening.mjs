// An evening in the tavern: something of everything, for all views to show.

import { Answer, requestOf, tell } from '../integration/js/tavern.mjs';

const TALE = [
  'Three nights ago a stranger came down from the hills, ',
  'with snow on her boots and a map that nobody could read. ',
  'She ordered an ale, ',
];

export const LOBBY = 'The long table';

/** All addresses of views, with the room, request and client that are worth a look. */
export function views({ seq, room, client }) {
  return [
    ['overview', 'overview'],
    ['requests', 'requests'],
    ['request', `requests/${seq}`],
    ['instances', 'instances'],
    ['rooms', 'rooms'],
    ['room', `rooms/${encodeURIComponent(room)}`],
    ['clients', 'clients'],
    ['keys', 'clients/keys'],
    ['client', `clients/of/${encodeURIComponent(client)}`],
    ['logs', 'logs'],
    ['log', 'logs/past'],
    ['settings', 'settings'],
    ['routes', 'settings/routes'],
  ];
}

/** Fill the house; the room and the request that are worth a look. */
export async function evening(house) {
  const barkeeper = { characters: ['Barkeeper'], current: 'Barkeeper', model: 'mistral-7b' };
  const busy = await house.tavern({ ...barkeeper, desc: 'The cellar' });
  const quick = await house.tavern({
    ...barkeeper,
    current: 'Seraphina',
    model: 'llama-3-70b',
    capacity: 4,
    behaviour: tell('Of course. ', 'One ale, ', 'coming up.'),
  });
  const broken = await house.tavern({
    desc: 'Under repair',
    behaviour: (answer) => answer.start().write('Once ').fail('The LLM said: out of memory'),
  });
  const [ann, bob] = [await house.guest({ name: 'Ann' }), await house.guest({ name: 'Bob' })];
  await ann.ask('/rooms', 'CREATE_ROOM', { roomName: LOBBY, open: true, mode: 'Immediate' });
  await bob.ask('/rooms', 'JOIN_ROOM', LOBBY);
  await say(ann, 'Good evening! Is the fire still lit?');
  await say(bob, 'It is. Sit down, the tale is about to begin.');
  await order(ann, quick, { targetRoom: LOBBY, message: 'An ale, please.' });
  await order(bob, broken, { message: 'And one for me.' });
  await begin(ann, busy);
  for (const message of ['Me next.', 'And me.']) {
    await bob.order({ requestId: `waits-${message.length}`, target: busy.identity, message });
  }
  const monitor = await house.monitor();
  const { requests } = await monitor.ask('/debug', 'GET_REQUESTS', {});
  const tale = requests.find(({ requestId }) => requestId === 'tale');
  const client = ann.auth.clientId;
  return { room: LOBBY, seq: tale.seq, client, marks: marks({ client, busy }) };
}

/** A text in each view that is there once the view has all it shows. */
function marks({ client, busy }) {
  return {
    overview: busy.identity,
    requests: client,
    request: 'Three nights ago',
    instances: busy.identity,
    rooms: LOBBY,
    room: 'Sit down, the tale is about to begin.',
    clients: client,
    keys: client,
    client: '127.0.0.1',
    logs: client,
    log: client,
    settings: 'reconnectGrace',
    routes: 'routes.json',
  };
}

/** Go to all views, one after the other, and do something in each that is shown. */
export async function visitAll(desk, shown, act) {
  for (const [name, path] of views(shown)) {
    await desk.go(path, null);
    const mark = desk.page.getByText(shown.marks[name]).filter({ visible: true });
    await mark.first().waitFor();
    await act(name);
  }
}

async function say(guest, message) {
  await guest.ask('/llm', 'message', { targetRoom: LOBBY, data: message });
}

let orders = 0;

async function order(guest, tavern, fields) {
  const requestId = `order-${(orders += 1)}`;
  await guest.order({ requestId, target: tavern.identity, ...fields });
  await guest.tap().first('REQUEST_STATUS_UPDATE', ({ requestId: id, status }) =>
    id === requestId && ['completed', 'failed'].includes(status));
}

/** A request that is being answered, for as long as the evening lasts. */
async function begin(guest, tavern) {
  const target = tavern.identity;
  await guest.order({ requestId: 'tale', target, targetRoom: LOBBY, message: 'Tell us a tale.' });
  new Answer(tavern, await requestOf(tavern)).start().write(...TALE);
  await guest.tap().first('streamed_data', { requestId: 'tale' });
}
