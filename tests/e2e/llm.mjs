// An OpenAI-compatible LLM that says what a test has it say.
//
// It knows nothing of SillyTavern. Each request becomes an `Utterance`, which the test
// takes with `asked()` and speaks piece by piece; or `behaviour` speaks it by itself.
// Bytes go out exactly as written: a piece may end within a character.

import { createServer } from 'node:http';

import { Changes } from '../integration/js/wait.mjs';

export const MODEL = 'house-brew';

const PACKET = 7;
const RESOURCE = /^\/([^/]+)\/v1\/(.+)$/;

/** One answer to one request for a completion. */
export class Utterance extends Changes {
  #response;
  #text = '';
  #ended = false;
  /** Whether the other side hung up before the end. */
  aborted = false;

  constructor(caller, body, response) {
    super();
    this.caller = caller;
    this.messages = body.messages;
    this.streams = body.stream === true;
    this.#response = response;
    response.on('close', () => {
      this.aborted = !this.#ended;
      this.changed();
    });
  }

  /** The text of the last message, which is the user's. */
  get question() {
    return this.messages.at(-1).content;
  }

  /** Say these pieces, a delta each. */
  write(...pieces) {
    for (const piece of pieces) {
      this.#text += piece;
      if (this.streams) this.#send(frame({ content: piece }));
    }
    return this;
  }

  /** Say these pieces, a delta each, in packets that cut characters anywhere. */
  async shatter(...pieces) {
    this.#text += pieces.join('');
    const bytes = Buffer.from(pieces.map((piece) => frame({ content: piece })).join(''));
    this.#send('');
    for (let from = 0; from < bytes.length; from += PACKET) {
      await this.#flushed(bytes.subarray(from, from + PACKET));
    }
    return this;
  }

  /** Come to the end as an LLM should. */
  end() {
    this.#ended = true;
    if (this.streams) this.#response.end(`${frame({}, 'stop')}data: [DONE]\n\n`);
    else this.#json(200, whole(this.#text));
    return this;
  }

  /** Refuse, in the words that OpenAI's errors have. */
  refuse(status, message) {
    this.#ended = true;
    this.#json(status, { error: { message, type: 'server_error', code: status } });
    return this;
  }

  /** Close the connection without having come to the end. */
  breakOff() {
    this.#ended = true;
    this.#response.end();
    return this;
  }

  /** Lose the connection, as when the LLM's process is killed. */
  die() {
    this.#ended = true;
    this.#response.destroy();
    return this;
  }

  /** Come back when the other side has hung up. */
  hungUp() {
    return this.until('the LLM: to be hung up on', () => this.aborted || undefined);
  }

  #json(status, content) {
    this.#response.writeHead(status, { 'Content-Type': 'application/json' });
    this.#response.end(JSON.stringify(content));
  }

  #send(bytes) {
    if (!this.#response.headersSent) {
      this.#response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    }
    this.#response.write(bytes);
  }

  // The next is written when this one has left: they arrive apart.
  #flushed(packet) {
    return new Promise((resolve) => {
      this.#response.write(packet, () => setImmediate(resolve));
    });
  }
}

function frame(delta, reason = null) {
  const choices = [{ index: 0, delta, finish_reason: reason }];
  const id = 'chatcmpl-1';
  const chunk = { id, object: 'chat.completion.chunk', model: MODEL, choices };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

function whole(content) {
  const message = { role: 'assistant', content };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  return { id: 'chatcmpl-1', object: 'chat.completion', model: MODEL, choices };
}

/** The server; `requests` keeps every utterance it was asked for. */
export class Llm extends Changes {
  requests = [];
  /** Speaks each utterance by itself, where a test sets it. */
  behaviour = null;
  #server = createServer((request, response) => this.#answer(request, response));
  #taken = new Set();

  async start() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** The address for one SillyTavern, by which its requests are known. */
  urlFor(caller) {
    return `http://127.0.0.1:${this.#server.address().port}/${caller}/v1`;
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The next utterance that nobody has taken, or the next to this question. */
  async asked(question) {
    const fits = (each) =>
      !this.#taken.has(each) && (question === undefined || each.question === question);
    return this.until(`the LLM: to be asked "${question ?? '…'}"`, () => {
      const found = this.requests.find(fits);
      if (found) this.#taken.add(found);
      return found;
    });
  }

  /** Leave to themselves those that were asked for, so that `asked()` gives newer ones. */
  forget() {
    this.#taken = new Set(this.requests);
    this.behaviour = null;
  }

  async #answer(request, response) {
    const [, caller, resource] = request.url.match(RESOURCE) ?? [];
    if (resource === 'models') {
      response.setHeader('Content-Type', 'application/json');
      response.end(
        JSON.stringify({ object: 'list', data: [{ id: MODEL, object: 'model' }] }),
      );
    } else if (resource === 'chat/completions') {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      this.#hear(new Utterance(caller, JSON.parse(body), response));
    } else {
      response.writeHead(404).end();
    }
  }

  #hear(utterance) {
    this.requests.push(utterance);
    this.changed();
    this.behaviour?.(utterance);
  }
}
