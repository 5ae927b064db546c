// What those who order do and hear.

import assert from 'node:assert/strict';

import { heard, TERMINAL } from '../integration/js/tavern.mjs';

let orders = 0;

/** Order from an instance; the requestId, once the broker has accepted it. */
export async function order(guest, instance, fields = {}) {
  orders += 1;
  const requestId = `order-${orders}`;
  const target = instance?.identity;
  const ack = await guest.order({ requestId, ...(target && { target }), ...fields });
  assert.equal(ack.status, 'ok', ack.message);
  return requestId;
}

/** Come back when the answer has got this far, whatever pieces it came in. */
export async function hears(guest, requestId, text) {
  const what = `${guest.auth.clientId}: "${text}"`;
  await guest.tap().until(what, () => heard(guest, requestId).text === text || undefined);
}

/** Come back when the request has this status. */
export async function becomes(guest, requestId, status) {
  await guest.tap().first('REQUEST_STATUS_UPDATE', { requestId, status });
}

/** All that was heard of a request, once it has come to its end. */
export async function outcome(guest, requestId) {
  const over = (data) => data.requestId === requestId && TERMINAL.has(data.status);
  await guest.tap().first('REQUEST_STATUS_UPDATE', over);
  await guest.barrier();
  const all = heard(guest, requestId);
  const end = all.ends.at(-1);
  const { status, error, extension } = all.statuses.at(-1);
  const finalText = end?.finalText ?? all.text;
  return { ...all, status, error, extension, finalText, terminals: all.terminal.length };
}

/** Order, have the LLM say these pieces, and hear the outcome. */
export async function serve(house, guest, instance, fields, ...pieces) {
  const requestId = await order(guest, instance, fields);
  const utterance = await house.llm.asked();
  utterance.write(...pieces).end();
  return { utterance, ...(await outcome(guest, requestId)) };
}

/** Call a function of an instance; its ack. */
export async function call(guest, instance, functionName, ...args) {
  const target = instance.identity;
  const requestId = `call-${functionName}`;
  const data = { requestId, functionName, args, target };
  return guest.ask('/function_call', 'FUNCTION_CALL', data);
}

/** The same, where it must succeed; its result. */
export async function result(guest, instance, functionName, ...args) {
  const ack = await call(guest, instance, functionName, ...args);
  assert.equal(ack.success, true, ack.error?.message);
  return ack.result;
}
